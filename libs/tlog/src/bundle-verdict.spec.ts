import { verifyBundle, type BundleVerdict } from './bundle.js';
import { addSignatureLines, cosign, generateWitnessKey, parseCosigner } from './cosignature.js';
import { fromUtf8, utf8 } from './encodings.js';
import { generateNoteKey, parseVerifier } from './note.js';
import { CASE, RECORDING, VIDEO_SHA256, sampleBundle, uuidOf } from './sample-log.js';
import { parsePolicy } from './witness-policy.js';

const told = ({ checks }: BundleVerdict): string[] =>
  checks.map(
    ({ name, ok, where, detail }) => `${ok ? 'ok' : 'NO'} ${name}${where === undefined ? '' : ` (${where})`}: ${detail}`,
  );

const witness = generateWitnessKey('witness.example/anna');
const time = new Date('2026-11-20T11:05:00.000Z');

function cosigned(files: ReadonlyMap<string, Uint8Array>): Map<string, Uint8Array> {
  const note = fromUtf8(files.get('checkpoint')!);
  const lines = cosign(note, parseCosigner(witness.skey), time);
  return new Map([...files, ['checkpoint', utf8(addSignatureLines(note, lines))]]);
}

describe('what is told of a bundle', () => {
  it('that verifies under its own key', async () => {
    const { files, log } = await sampleBundle();
    const verdict = verifyBundle(files);
    expect(told(verdict)).toEqual([
      `ok bundle.json: Evidence bundle of recording ${RECORDING}, made 2026-11-20T11:00:00.000Z.`,
      'ok log key: No key was given: the key in the bundle is used.',
      'ok files: 5 listed files are there, unaltered, and no others.',
      'ok checkpoint: Signed by example.com/log over 9 entries.',
      'ok entries: 6 entries, well-formed and in order.',
      'ok inclusion: Every entry is in the log under the checkpoint.',
      'ok payloads: Every payload is the one that its entry commits to.',
      'ok chains: 2 chains begin at their first entry, have no gap and end where they should.',
      'ok export: The log holds the SHA-256 of bundle.json as the last entry about the recording.',
      `ok sealed: The recording was sealed with SHA-256 ${VIDEO_SHA256}.`,
      `ok dock manifest: The key that the bundle names as that of dock ${uuidOf('dock')} signed for the recording.`,
    ]);
    const { checks, checkpoint, ...rest } = verdict;
    expect(checks.every((check) => !('where' in check))).toBe(true);
    expect(checkpoint).toMatchObject({ origin: 'example.com/log', size: 9n });
    expect(rest).toMatchObject({
      ok: true,
      recording: RECORDING,
      entries: 6,
      erased: [],
      timestamps: [],
      logKey: log.key.vkey,
      logKeyPinned: false,
    });
    expect(Object.keys(rest)).not.toContain('cosigned');
    expect(Object.keys(rest)).not.toContain('complete');
    expect(told(verifyBundle(files, { logKey: log.logKey }))).toContain(
      'ok log key: The key in the bundle is the one that was given.',
    );
  });

  it('with a policy and heads', async () => {
    const policyText = (logKey: string): string => `log ${logKey}\nwitness anna ${witness.vkey}\nquorum anna\n`;
    const { files, log } = await sampleBundle({
      files: (listed, to) => listed.set('policy.txt', utf8(policyText(to.key.vkey))),
      heads: (to) => to.logHeads(),
    });
    const policy = parsePolicy(policyText(log.key.vkey));
    const [plain, given] = [verifyBundle(cosigned(files)), verifyBundle(cosigned(files), { policy })];
    expect(told(plain)).toEqual(
      expect.arrayContaining([
        'ok policy: No policy was given: the policy in the bundle is used, which names 1 witnesses.',
        'ok log key: No key was given: the key in the bundle is used.',
        `ok witnesses: Cosigned by anna at ${time.toISOString()}: the quorum of the policy in the bundle.`,
        "ok heads: By the log's own map of 2026-11-20T10:30:00.000Z no entry was left out among its first 7.",
      ]),
    );
    expect(told(given)).toEqual(
      expect.arrayContaining([
        'ok policy: The policy that was given names 1 witnesses.',
        'ok log key: The key in the bundle is one of the policy that was given.',
        `ok witnesses: Cosigned by anna at ${time.toISOString()}: the quorum of the policy that was given.`,
      ]),
    );
    const nobody = verifyBundle(cosigned(files), { policy: parsePolicy('quorum none\n') });
    expect(told(nobody)).toContain('ok witnesses: Cosigned by nobody: the quorum of the policy that was given.');
  });

  it('that is none', () => {
    const given = { logKey: parseVerifier(generateNoteKey('example.com/log').vkey) };
    expect(verifyBundle(new Map())).toEqual({
      ok: false,
      checks: [{ name: 'bundle.json', ok: false, where: 'bundle.json', detail: 'The file is missing.' }],
      entries: 0,
      erased: [],
      timestamps: [],
      logKeyPinned: false,
    });
    expect(verifyBundle(new Map(), given).logKeyPinned).toBe(true);
  });

  it('in which everything is missing', async () => {
    const { files } = await sampleBundle();
    const bundleJson = files.get('bundle.json')!;
    const verdict = verifyBundle(new Map([['bundle.json', bundleJson]]));
    expect(told(verdict).slice(2)).toEqual([
      ...['entries.jsonl', 'proofs.jsonl', 'checkpoint'].map((path) => `NO files (${path}): The file is missing.`),
      ...['README.txt', 'dock-key.txt', 'manifest.note', 'redactions/plan-1.json', 'report.pdf'].map(
        (path) => `NO files (${path}): The file is missing.`,
      ),
      'NO checkpoint (checkpoint): The file is missing.',
      'NO entries (entries.jsonl): The file is missing.',
      'ok payloads: Every payload is the one that its entry commits to.',
      `NO chains (entries.jsonl): There is no entry about ${RECORDING}, which bundle.json names.`,
      `NO chains (entries.jsonl): There is no entry about ${CASE}, which bundle.json names.`,
      'NO export (entries.jsonl): The chain of the recording does not end with the export of this bundle.',
      'NO sealed (entries.jsonl): The recording was sealed 0 times, not once.',
    ]);
    expect(verdict.checkpoint).toBeUndefined();
  });

  it('whose entries are out of order, or not linked', async () => {
    const { files } = await sampleBundle();
    const all = fromUtf8(files.get('entries.jsonl')!).slice(0, -1).split('\n');
    const entries = (lines: readonly string[]): string[] => {
      const changed = new Map([...files, ['entries.jsonl', utf8(lines.map((line) => `${line}\n`).join(''))]]);
      return told(verifyBundle(changed)).filter((line) => line.startsWith('NO'));
    };
    expect(entries([...all.slice(0, 4), all[4]!, all[4]!, all[5]!])).toEqual([
      expect.stringMatching(/^NO entries \(entries\.jsonl line 6\): Entry (\d+) follows entry \1: the lines are out of order\.$/),
      'NO inclusion (proofs.jsonl): There are 6 proofs for 7 well-formed entries.',
      expect.stringContaining('NO inclusion (proofs.jsonl line 6): The proof is of entry 7, the entry on the same line is 6.'),
      `NO chains (entries.jsonl line 6): The entry is number 2 about ${RECORDING} where number 3 should be.`,
      `NO chains (entries.jsonl line 7): The entry is number 3 about ${RECORDING} where number 4 should be.`,
    ]);
    const swapped = await sampleBundle({
      before: (to) => {
        to.append(RECORDING, 'recording.announced');
        to.append(CASE, 'case.opened');
        to.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
      },
    });
    const relinked = fromUtf8(swapped.files.get('entries.jsonl')!).replace(
      /(prev\\":\\")([A-Za-z0-9+/]{42})/,
      `$1${'A'.repeat(42)}`,
    );
    expect(told(verifyBundle(new Map([...swapped.files, ['entries.jsonl', utf8(relinked)]])))).toContainEqual(
      expect.stringMatching(/^NO chains \(entries\.jsonl line 3\): The entry does not point to the one before it about /),
    );
  });

  it('with twenty faults of a kind and with twenty-one', async () => {
    for (const [count, more] of [
      [18, []],
      [19, ['NO files: 1 more faults of this kind.']],
      [23, ['NO files: 5 more faults of this kind.']],
    ] as const) {
      const { files } = await sampleBundle();
      const extra = Array.from({ length: count }, (_, i) => [`extra-${i}`, utf8('x')] as const);
      const broken = new Map([...files, ...extra]);
      for (const path of ['report.pdf', 'README.txt']) broken.set(path, utf8('another'));
      const faults = told(verifyBundle(broken)).filter((line) => line.startsWith('NO'));
      expect(faults).toEqual([
        'NO files (README.txt): The SHA-256 of the file is not the one in bundle.json.',
        'NO files (report.pdf): The SHA-256 of the file is not the one in bundle.json.',
        ...extra.slice(0, 18).map(([path]) => `NO files (${path}): The file is not listed in bundle.json.`),
        ...more,
      ]);
    }
  });
});
