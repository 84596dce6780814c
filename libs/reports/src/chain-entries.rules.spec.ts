import { checkInclusion, readChain, type StoredEntry } from './chain-entries.rules.js';
import { LogInconsistent } from './log-inconsistent.js';
import { CUSTODIAN, ORIGIN, RECORDING, shortStory, uuid } from './testing/sample-chain.js';
import { leafHash } from '#tlog';

function faultOf(stored: readonly StoredEntry[], subject = RECORDING, log = ORIGIN): string {
  try {
    readChain(subject, log, stored);
  } catch (error) {
    if (error instanceof LogInconsistent) return `${error.check}: ${error.fault}`;
    throw error;
  }
  return 'none';
}

/** The sample with one entry replaced. */
function changed(at: number, change: (entry: StoredEntry) => Partial<StoredEntry>): StoredEntry[] {
  return shortStory().stored.map((entry, i) => (i === at ? { ...entry, ...change(entry) } : entry));
}

describe('reading a chain', () => {
  it('gives every entry with who did what, and the public hash back in the event', () => {
    const chain = readChain(RECORDING, ORIGIN, shortStory().stored);
    expect(chain.map(({ header }) => header.seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(chain[2]).toMatchObject({
      who: { name: 'sealing' },
      event: { type: 'recording.sealed', size: 12_403_112, sha256: expect.any(String) },
    });
    expect(chain[4]?.event).toEqual({ type: 'access.refused', action: 'viewing.open', reason: 'no-grant' });
  });

  it('finds a header that was changed without its hash', () => {
    const stored = changed(4, ({ header }) => ({ header: header.replace('2026-11-20', '2026-11-19') }));
    expect(faultOf(stored)).toBe('entries: Entry 4 does not have the hash that is stored with it.');
  });

  it('finds a header that was changed together with its hash, by the entry after it', () => {
    const stored = changed(4, (entry) => {
      const header = entry.header.replace('2026-11-20', '2026-11-19');
      return { header, leaf: Buffer.from(leafHash(new TextEncoder().encode(header))) };
    });
    expect(faultOf(stored)).toBe('chains: Entry 5 does not point to the one before it.');
  });

  it('finds a changed payload', () => {
    const stored = changed(4, ({ payload }) => ({ payload: payload?.replace('Ada Byron', 'Bob Byron') ?? null }));
    expect(faultOf(stored)).toBe('payloads: The payload of entry 4 is not the one that the entry commits to.');
  });

  it('finds an entry that was left out, and entries in another order', () => {
    const { stored } = shortStory();
    expect(faultOf(stored.toSpliced(3, 1))).toBe('chains: Entry 4 is number 4 where number 3 should be.');
    expect(faultOf(stored.toReversed())).toBe('chains: Entry 11 is number 11 where number 0 should be.');
  });

  it('finds an entry of another subject or another log', () => {
    const { stored } = shortStory();
    expect(faultOf(stored, uuid('another recording'))).toBe('chains: Entry 0 is about something else.');
    expect(faultOf(stored, RECORDING, 'example.com/other')).toBe('chains: Entry 0 is about something else.');
  });

  it('finds bytes that are no header at all', () => {
    const bytes = new TextEncoder().encode('{}');
    expect(faultOf(changed(0, () => ({ header: '{}', leaf: Buffer.from(leafHash(bytes)) })))).toBe(
      'entries: Entry 0 cannot be read.',
    );
  });
});

describe('reading a chain with erased payloads', () => {
  const ERASED_AT = '2026-11-22T08:00:00.000Z';
  const erased = (): StoredEntry[] => shortStory().erase(CUSTODIAN, ERASED_AT).stored;
  const missing = (at: number): string =>
    `payloads: The payload of entry ${at} is missing, and no later entry says that it was erased.`;

  it('gives what is public of every entry, and which entry says that the rest was erased', () => {
    const chain = readChain(RECORDING, ORIGIN, erased());
    expect(chain).toHaveLength(13);
    for (const entry of chain.slice(0, 12))
      expect(entry).toMatchObject({ who: null, event: null, erased: { index: 12n, at: ERASED_AT } });
    expect(chain[2]?.header).toMatchObject({ type: 'recording.sealed', sha256: expect.any(String) });
    expect(chain[12]).toMatchObject({ who: CUSTODIAN, event: { type: 'payload.erased' }, erased: null });
  });

  it('names the first erasure for what was erased then, and the second for what came after', () => {
    const chain = shortStory().erase(CUSTODIAN, ERASED_AT);
    chain.append({ type: 'access.refused', action: 'viewing.open', reason: 'role' }, CUSTODIAN, ERASED_AT);
    chain.erase(CUSTODIAN, '2026-11-23T08:00:00.000Z');
    const read = readChain(RECORDING, ORIGIN, chain.stored);
    expect(read.map((entry) => entry.erased !== null)).toEqual([...Array<boolean>(12).fill(true), false, true, false]);
    expect(read[13]?.erased).toEqual({ index: 14n, at: '2026-11-23T08:00:00.000Z' });
  });

  it('finds a payload that is gone without an entry that says so', () => {
    expect(faultOf(changed(4, () => ({ salt: null, payload: null })))).toBe(missing(4));
    expect(faultOf(changed(4, () => ({ salt: null })))).toBe(missing(4));
    expect(faultOf(changed(4, () => ({ payload: null })))).toBe(missing(4));
  });

  it('finds a payload that went after the entry that could have named it', () => {
    const chain = shortStory().erase(CUSTODIAN, ERASED_AT);
    chain.append({ type: 'access.refused', action: 'viewing.open', reason: 'role' }, CUSTODIAN, ERASED_AT);
    expect(faultOf(chain.stored.with(13, { ...(chain.stored[13] as StoredEntry), salt: null, payload: null }))).toBe(missing(13));
  });

  it('believes no entry whose own payload is gone, nor one that names only what came before it', () => {
    const stored = erased();
    expect(faultOf(stored.with(12, { ...(stored[12] as StoredEntry), salt: null, payload: null }))).toBe(missing(0));
    const early = shortStory();
    early.append({ type: 'payload.erased', entries: [uuid('entry 13')], reason: 'too early' }, CUSTODIAN, ERASED_AT);
    early.append({ type: 'access.refused', action: 'viewing.open', reason: 'role' }, CUSTODIAN, ERASED_AT);
    expect(faultOf(early.stored.with(13, { ...(early.stored[13] as StoredEntry), salt: null, payload: null }))).toBe(missing(13));
  });

  it('finds a public header that was changed all the same', () => {
    const stored = erased();
    const entry = stored[4] as StoredEntry;
    expect(faultOf(stored.with(4, { ...entry, header: entry.header.replace('2026-11-20', '2026-11-19') }))).toBe(
      'entries: Entry 4 does not have the hash that is stored with it.',
    );
  });

  it('is proven under the checkpoint as before', async () => {
    const sample = shortStory().erase(CUSTODIAN, ERASED_AT);
    const chain = readChain(RECORDING, ORIGIN, sample.stored);
    const proofs = await sample.proofs();
    expect(() => checkInclusion(chain, proofs, sample.checkpoint())).not.toThrow();
  });
});

describe('proving a chain', () => {
  it('accepts the chain under the checkpoint of its log', async () => {
    const sample = shortStory();
    const chain = readChain(RECORDING, ORIGIN, sample.stored);
    const proofs = await sample.proofs();
    expect(() => checkInclusion(chain, proofs, sample.checkpoint())).not.toThrow();
  });

  it('refuses a chain that was written anew as a whole, and one without its proofs', async () => {
    const signed = shortStory();
    const rewritten = shortStory().append(
      { type: 'access.refused', action: 'viewing.open', reason: 'role' },
      { kind: 'anonymous', id: null, name: 'unknown' },
      '2026-11-21T00:00:00.000Z',
    );
    const chain = readChain(RECORDING, ORIGIN, rewritten.stored);
    const proofs = await rewritten.proofs();
    expect(() => checkInclusion(chain, proofs, { ...rewritten.checkpoint(), root: signed.checkpoint().root })).toThrow(
      expect.objectContaining({ check: 'inclusion', fault: 'Entry 0 is not what was signed.' }),
    );
    expect(() => checkInclusion(chain, [], rewritten.checkpoint())).toThrow(LogInconsistent);
  });
});
