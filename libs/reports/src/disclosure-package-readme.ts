import type { PackageManifest } from '#tlog';
import { fingerprint } from './custody-report.rules.js';

/** What is known before the files are. */
export type ReadmeOfPackage = Omit<PackageManifest, 'files'>;

const KINDS: Readonly<Record<string, string>> = {
  prosecutor: 'prosecutor',
  defence: 'defence',
  court: 'court',
  'records-requester': 'somebody who asked for public records',
  oversight: 'oversight board',
};

/** README.txt of a package, for somebody who has never seen one. UTF-8. */
export function packageReadme(manifest: ReadmeOfPackage): string {
  const { disclosure, agency, recipient, legalBasis, conditions, until, form, recordings, logKey, createdAt } = manifest;
  const marked = form === 'marked';
  return [
    'DISCLOSED RECORDINGS',
    '',
    `Agency:       ${oneLine(agency)}`,
    `Disclosure:   ${disclosure}`,
    `Released to:  ${oneLine(recipient.name)}`,
    `              ${oneLine(recipient.organisation)} (${KINDS[recipient.kind] ?? recipient.kind})`,
    `Legal basis:  ${oneLine(legalBasis)}`,
    `Conditions:   ${conditions === '' ? 'none' : oneLine(conditions)}`,
    `Made:         ${createdAt}`,
    `Fetch until:  ${until}`,
    '',
    'What this is',
    '',
    'Recordings of body-worn cameras that the agency released to you, and what is',
    'needed to check, without asking anybody, that they are what they are said to be.',
    '',
    ...(marked
      ? [
          'The videos in the folder media are copies: your name and the number of this',
          'disclosure are in the picture. The log holds the SHA-256 of each copy, and that',
          'of the recording it was made from.',
        ]
      : ['The videos in the folder media are the sealed recordings themselves, byte for', 'byte, as they were sealed.']),
    '',
    'How to check it',
    '',
    'You need Node.js (version 20 or later, https://nodejs.org) and no connection to',
    'anybody. Unpack this file, open a terminal in the folder, and type',
    '',
    '  node custodiet-verify.mjs package .',
    '',
    'or, beside the file that you were sent,',
    '',
    `  node custodiet-verify.mjs package disclosure-${disclosure}.zip`,
    '',
    'It answers VERIFIED or NOT VERIFIED, and then says what was altered. Whoever',
    'could alter the files could also alter the program: to be quite sure, take',
    'custodiet-verify from somewhere else, and give it the key of the log that the',
    'agency or its oversight board has published:',
    '',
    '  node custodiet-verify.mjs package . --log-key KEY',
    '',
    'The key that this package names is',
    '',
    `  ${logKey}`,
    `  SHA-256 fingerprint: ${fingerprint(logKey)}`,
    '',
    'What is in it',
    '',
    '  media/                the videos',
    '  bundles/              for each, an evidence bundle: its whole story, with proofs',
    '  reports/              for each, the same story in words (PDF)',
    '  custodiet-verify.mjs  the program that checks all this',
    '  manifest.json         what was released, to whom, and the hash of every file',
    '  manifest.proof.json   proof that the log of the agency holds that list',
    '',
    ...recordings.flatMap(({ recording, name, media, sha256, fromMs, toMs }) => [
      `  ${media}`,
      `    recording ${recording}`,
      `    file name ${oneLine(name)}`,
      `    SHA-256 of the sealed recording ${sha256}`,
      ...(fromMs === null || toMs === null ? [] : [`    the part from ${fromMs} to ${toMs} ms`]),
    ]),
    '',
  ].join('\n');
}

/** What people typed must not look like a line of ours. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replaceAll(/[\u202a-\u202e\u2066-\u2069]/g, '');
}
