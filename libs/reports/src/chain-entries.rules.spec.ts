import { checkInclusion, readChain, type StoredEntry } from './chain-entries.rules.js';
import { LogInconsistent } from './log-inconsistent.js';
import { ORIGIN, RECORDING, shortStory, uuid } from './testing/sample-chain.js';
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
    const stored = changed(4, ({ payload }) => ({ payload: payload.replace('Ada Byron', 'Bob Byron') }));
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
