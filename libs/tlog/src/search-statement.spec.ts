import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import { fromUtf8 } from './encodings.js';
import { SampleLog, uuidOf } from './sample-log.js';
import {
  formatProvenStatement,
  formatStatement,
  verifyStatement,
  type ProvenStatement,
  type SearchStatement,
} from './search-statement.js';
import { refused } from './testing/refused.js';
import { formatProof } from './tlog-proof.js';

const log = new SampleLog();
const ID = uuidOf('statement');
const statement: SearchStatement = {
  format: 'custodiet/search-statement/v1',
  id: ID,
  agency: 'Test agency',
  madeAt: '2026-11-20T10:29:59.000Z',
  roles: ['investigator'],
  log: { origin: log.origin, size: '2' },
  search: [{ camera: '4711', near: { latE7: 1, lonE7: 2, radiusM: 200 } }],
  searchInWords: 'camera 4711, within 200 m of 0.0000001, 0.0000002',
  coverage: [
    {
      from: null,
      until: '2026-11-20T10:00:00.000Z',
      onRecord: 7,
      withoutPosition: 1,
      notSealedCount: 1,
      notSealed: [{ recording: uuidOf('r'), camera: null, state: 'receiving', recordedAt: '2026-11-20T09:00:00.000Z' }],
      quarantinedCount: 0,
      quarantined: [],
      cameras: [
        {
          serial: '4711',
          seen: [{ from: 1, to: 9, startedAt: '2026-11-20T08:00:00.000Z', endedAt: '2026-11-20T09:00:00.000Z' }],
          missingCount: 1,
          missing: [{ from: 5, to: 5, after: '2026-11-20T08:10:00.000Z', before: '2026-11-20T08:20:00.000Z' }],
          disorderly: false,
        },
      ],
      camerasTruncated: false,
    },
  ],
};
const text = formatStatement(statement);
log.append(uuidOf('other'), 'recording.announced');
log.append(uuidOf('other'), 'recording.sealed', 'ab'.repeat(32));
const stated = log.append(ID, 'search.nothing-found', digest(text));
const other = log.append(ID, 'case.opened', digest(text));
const elsewhere = log.append(uuidOf('elsewhere'), 'search.nothing-found', digest(text));

function digest(of: string): string {
  return createHash('sha256').update(of).digest('hex');
}

async function proven(change: Partial<ProvenStatement> = {}, entry = stated): Promise<string> {
  const proof = formatProof({ index: entry.index, hashes: await log.proof(entry.index), checkpoint: log.checkpoint() });
  const header = fromUtf8(entry.header);
  return formatProvenStatement({ format: 'custodiet/proven-statement/v1', statement: text, header, proof, ...change });
}

const trust = { logKey: log.logKey };

describe('a statement that nothing was found', () => {
  it('is proven to be on record, word for word', async () => {
    expect(verifyStatement(await proven(), trust)).toMatchObject({
      statement,
      index: 2n,
      checkpoint: { origin: log.origin, size: 5n },
      cosigners: [],
    });
  });

  it('is refused when any character of it is changed', async () => {
    const whole = await proven();
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, by) => {
        fc.pre(whole[at] !== by);
        const altered = whole.slice(0, at) + by + whole.slice(at + 1);
        expect(() => verifyStatement(altered, trust)).toThrow(
          expect.objectContaining({ name: 'TlogError', message: expect.stringMatching(/\.$/) }) as Error,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is refused with the entry of another statement, another kind of entry, and without a key', async () => {
    const mismatch = refused('statement-mismatch');
    const wider = formatStatement({ ...statement, searchInWords: 'camera 4712' });
    const altered = await proven({ statement: wider });
    expect(() => verifyStatement(altered, trust)).toThrow(mismatch);
    const [wrongType, wrongSubject] = [await proven({}, other), await proven({}, elsewhere)];
    expect(() => verifyStatement(wrongType, trust)).toThrow(mismatch);
    expect(() => verifyStatement(wrongSubject, trust)).toThrow(mismatch);
    const whole = await proven();
    expect(() => verifyStatement(whole, {})).toThrow(refused('note-unsigned'));
    expect(() => verifyStatement(whole, { logKey: new SampleLog().logKey })).toThrow(refused('note-unsigned'));
  });

  it('is refused when it speaks of entries that came after it, or of another log', async () => {
    for (const change of [{ size: '3' }, { origin: 'example.com/other' }]) {
      const changed = formatStatement({ ...statement, log: { ...statement.log, ...change } });
      const entry = log.append(ID, 'search.nothing-found', digest(changed));
      const whole = await proven({ statement: changed }, entry);
      if ('size' in change) expect(verifyStatement(whole, trust).statement.log.size).toBe('3');
      else expect(() => verifyStatement(whole, trust)).toThrow(refused('statement-mismatch'));
    }
    const ahead = formatStatement({ ...statement, log: { ...statement.log, size: '999' } });
    const whole = await proven({ statement: ahead }, log.append(ID, 'search.nothing-found', digest(ahead)));
    expect(() => verifyStatement(whole, trust)).toThrow(refused('statement-mismatch'));
  });

  it('is not written when a field of it is missing, strange or of another kind', () => {
    const value = parseCanonical(text) as Readonly<Record<string, Json>>;
    const written = (changed: Readonly<Record<string, unknown>>) => () => formatStatement(changed as unknown as SearchStatement);
    for (const key of Object.keys(value)) {
      const { [key]: _, ...rest } = value;
      expect(written(rest)).toThrow(refused('statement-malformed'));
      expect(written({ ...value, [key]: 7 })).toThrow(refused('statement-malformed'));
    }
    expect(written({ ...value, more: 1 })).toThrow(refused('statement-malformed'));
    expect(written({ ...value, coverage: [] })).toThrow(refused('statement-malformed'));
    expect(canonicalize(value)).toBe(text);
  });
});
