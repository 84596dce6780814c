import { verifyBundle, type BundleVerdict } from './bundle.js';
import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import { fromUtf8, utf8 } from './encodings.js';
import type { SampleLog } from './sample-log.js';
import { CASE, RECORDING, VIDEO_SHA256, sampleBundle, uuidOf } from './sample-log.js';

type Files = Map<string, Uint8Array>;

function faults(verdict: BundleVerdict): string[] {
  return verdict.checks.filter(({ ok }) => !ok).map(({ name, where, detail }) => `${name} | ${where ?? ''} | ${detail}`);
}

/** The files with these fields of these lines (from 1) destroyed. */
function without(files: Files, lines: readonly number[], fields: readonly string[] = ['salt', 'payload']): Files {
  const text = fromUtf8(files.get('entries.jsonl')!)
    .slice(0, -1)
    .split('\n')
    .map((line, i) => {
      const entry = parseCanonical(line) as { readonly [key: string]: Json };
      const gone = Object.fromEntries(fields.map((field) => [field, null]));
      return `${lines.includes(i + 1) ? canonicalize({ ...entry, ...gone }) : line}\n`;
    });
  return new Map([...files, ['entries.jsonl', utf8(text.join(''))]]);
}

/** Entries 0 to 3 of the log: announced, sealed, a case, and the erasure of `named` about `subject`; the export follows. */
async function erasing(named: Json, subject = RECORDING, type = 'payload.erased'): Promise<Files> {
  const { files } = await sampleBundle({
    before: (log: SampleLog) => {
      log.append(RECORDING, 'recording.announced');
      log.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
      log.append(CASE, 'case.opened');
      log.append(subject, type, undefined, named);
    },
  });
  return files;
}

const announced = uuidOf('entry 0');
const exported = uuidOf('entry 4');
const erased = await erasing({ event: { entries: [announced], reason: 'order of the court' }, who: { kind: 'system' } });
const unexplained = 'The payload is missing, and no later entry about the same subject says that it was erased.';

describe('a bundle with a payload that was erased', () => {
  it('verifies when a later entry of the same chain names the entry, and says so', () => {
    const verdict = verifyBundle(without(erased, [1]));
    expect(faults(verdict)).toEqual([]);
    expect(verdict.erased).toEqual([
      { entry: announced, type: 'recording.announced', by: uuidOf('entry 3'), at: '2026-11-20T10:30:00.000Z' },
    ]);
    expect(verdict.checks.find(({ name }) => name === 'payloads')?.detail).toContain('Payload erased, as a later entry says: 1.');
    expect(verifyBundle(erased)).toMatchObject({ ok: true, erased: [] });
  });

  it('fails when another payload is missing too', () => {
    expect(faults(verifyBundle(without(erased, [1, 2])))).toEqual([`payloads | entries.jsonl line 2 | ${unexplained}`]);
    expect(faults(verifyBundle(without(erased, [3])))).toEqual([`payloads | entries.jsonl line 3 | ${unexplained}`]);
  });

  it('fails when the erasing entry was erased itself, or altered', () => {
    expect(faults(verifyBundle(without(erased, [1, 4])))).toHaveLength(2);
    const altered = fromUtf8(without(erased, [1]).get('entries.jsonl')!).replace('order of the court', 'order of the count');
    expect(faults(verifyBundle(new Map([...erased, ['entries.jsonl', utf8(altered)]])))).toEqual([
      `payloads | entries.jsonl line 1 | ${unexplained}`,
      'payloads | entries.jsonl line 4 | The payload is not the one that the header commits to.',
    ]);
  });

  it('fails when only the salt or only the payload is gone', () => {
    for (const field of ['salt', 'payload']) {
      expect(faults(verifyBundle(without(erased, [1], [field])))[0]).toMatch(/^entries \| entries\.jsonl line 1 \| /);
    }
  });

  it('fails when an earlier entry, another subject, or an entry of another type names it', async () => {
    const later = await erasing({ event: { entries: [exported] } });
    expect(faults(verifyBundle(without(later, [5])))).toEqual([`payloads | entries.jsonl line 5 | ${unexplained}`]);
    const elsewhere = await erasing({ event: { entries: [announced] } }, CASE);
    expect(faults(verifyBundle(without(elsewhere, [1])))).toEqual([`payloads | entries.jsonl line 1 | ${unexplained}`]);
    const other = await erasing({ event: { entries: [announced] } }, RECORDING, 'payload.noted');
    expect(faults(verifyBundle(without(other, [1])))).toEqual([`payloads | entries.jsonl line 1 | ${unexplained}`]);
  });

  it.each<[string, Json]>([
    ['nothing', null],
    ['a list', [announced]],
    ['no event', { entries: [announced] }],
    ['no list of entries', { event: { entries: announced } }],
    ['something that is no id', { event: { entries: [0, null, [announced]] } }],
  ])('fails when the erasing entry holds %s', async (_, value) => {
    expect(faults(verifyBundle(without(await erasing(value), [1])))).toEqual([
      `payloads | entries.jsonl line 1 | ${unexplained}`,
    ]);
  });
});
