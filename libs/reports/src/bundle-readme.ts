import { fingerprint, type CustodyReport } from './custody-report.rules.js';

export interface ReadmeSources {
  readonly report: CustodyReport;
  /** SHA-256 of the recording, lowercase hexadecimal. */
  readonly sha256: string;
  readonly logKey: string;
  /** Every path that bundle.json lists beside this text. */
  readonly paths: readonly string[];
}

const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/^README\.txt$/, 'this text'],
  [/^report\.pdf$/, 'the same story for people: every entry, in order, in words'],
  [/manifest\.note$/, 'what the docking station signed before it sent the recording'],
  [/dock-key\.txt$/, 'the public key of that docking station'],
  [/^policy\.txt$/, 'which witnesses had to sign the checkpoint'],
  [/\.plan\.json$/, 'what a redaction covers; its SHA-256 is in the entry of its order'],
  [/\.parameters\.txt$/, 'what the tool was given; its SHA-256 is in the entry of the sealing'],
];

/** Facts of a redacted copy that stand at the top. */
const STANDING = ['Reviewed', 'Released'];

/** README.txt of an evidence bundle, for somebody who has never seen one. Lines of at most about 78 characters, UTF-8. */
export function bundleReadme({ report, sha256, logKey, paths }: ReadmeSources): string {
  const file = `custodiet-${report.recording}.zip`;
  const listed = ['README.txt', ...paths].toSorted();
  const width = Math.max(...listed.map((path) => path.length), 'timestamps/*.tsr'.length) + 2;
  const line = (path: string, meaning: string): string => `  ${path.padEnd(width)}${meaning}`.trimEnd();
  return [
    'EVIDENCE BUNDLE',
    '',
    `Agency:     ${report.agency}`,
    `Recording:  ${report.recording}`,
    `SHA-256:    ${sha256}`,
    `Made:       ${report.made}`,
    // Of a redacted copy: whoever is handed it must see that it was looked at.
    ...report.item.filter(([label]) => STANDING.includes(label)).map(([label, value]) => `${`${label}:`.padEnd(12)}${value}`),
    '',
    'What this is',
    '',
    'This file proves what happened to one recording of a body-worn camera: when',
    'it arrived, who saw it and why, who was refused, what was made from it. It',
    'does not hold the recording itself. Whether a video file you were given is',
    'this recording, its SHA-256 tells: it must be the one above.',
    '',
    'How to check it',
    '',
    'You need the program custodiet-verify and no connection to anybody:',
    '',
    `  custodiet-verify ${file}`,
    '',
    'It answers VERIFIED or NOT VERIFIED, and then says what was altered and',
    'where. It uses the key of the log that is in the bundle. To be sure that it',
    'is the right one, compare it with the key that the agency or its oversight',
    'board has published, not with one that came together with this file:',
    '',
    `  ${logKey}`,
    '  SHA-256 fingerprint:',
    ...inLines(fingerprint(logKey)),
    '',
    'or give the published key to the program:',
    '',
    `  custodiet-verify ${file} --log-key KEY`,
    '',
    ...(paths.includes('policy.txt') ? witnessed(file) : []),
    'To compare a video file, for instance on Linux, macOS or Windows:',
    '',
    '  sha256sum VIDEO      shasum -a 256 VIDEO      certutil -hashfile VIDEO SHA256',
    '',
    'What is in it',
    '',
    ...listed.map((path) => line(path, MEANINGS.find(([pattern]) => pattern.test(path))?.[1] ?? '')),
    line('bundle.json', 'the hashes of the files above; its own hash is in the log'),
    line('entries.jsonl', 'every log entry about the recording and what belongs to it'),
    line('proofs.jsonl', 'for each entry, the proof that it is in the log'),
    line('heads.jsonl', 'where the log says each of these stories ended, with proof'),
    line('checkpoint', 'the signed statement of the log that all proofs lead to'),
    line('timestamps/*.tsr', 'if there: when outsiders saw the checkpoint (RFC 3161); check with'),
    line('', 'openssl ts -verify -in FILE.tsr -data checkpoint -CAfile CA.pem'),
    '',
    'Nothing was left out: just before this bundle was made, the log put on record',
    'where the entries about each thing it knows of ended. heads.jsonl shows that',
    'for everything the bundle is about, and custodiet-verify compares. It names',
    'the time, and after that time can tell only for the recording itself.',
    '',
    'The bundle ends with the entry that says it was handed out. What happened to',
    'the recording after that is in later bundles.',
    '',
  ].join('\n');
}

function witnessed(file: string): string[] {
  return [
    'The checkpoint is also signed by witnesses: outsiders who watch that the log',
    'only grows and shows the same to everybody. policy.txt names them, and how many',
    'of them are needed. As it came with the bundle, anybody could have written it:',
    'get the policy from the oversight board, and give that one to the program:',
    '',
    `  custodiet-verify ${file} --policy FILE`,
    '',
  ];
}

function inLines(groups: string): string[] {
  const words = groups.split(' ');
  return [words.slice(0, 8), words.slice(8)].filter((half) => half.length > 0).map((half) => `  ${half.join(' ')}`);
}
