import fc from 'fast-check';
import { addSignatureLines, cosign, generateWitnessKey, parseCosigner } from './cosignature.js';
import { fromUtf8 } from './encodings.js';
import { generateNoteKey, parseSigner, parseVerifier, signNote } from './note.js';
import { formatReceipt, verifyReceipt, type Receipt } from './receipt.js';
import { RECORDING, SampleLog, VIDEO_SHA256, uuidOf } from './sample-log.js';
import { refused } from './testing/refused.js';
import { formatProof } from './tlog-proof.js';
import { parsePolicy } from './witness-policy.js';

const log = new SampleLog();
log.append(uuidOf('other'), 'recording.announced');
log.append(RECORDING, 'recording.announced');
const sealed = log.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
const viewed = log.append(RECORDING, 'viewing.opened', VIDEO_SHA256);

async function receiptFor(entry: typeof sealed, change: Partial<Receipt> = {}): Promise<string> {
  const proof = formatProof({ index: entry.index, hashes: await log.proof(entry.index), checkpoint: log.checkpoint() });
  const receipt = { format: 'custodiet/receipt/v1', recording: RECORDING, sha256: VIDEO_SHA256, proof } as const;
  return formatReceipt({ ...receipt, header: fromUtf8(entry.header), ...change });
}

const args = { logKey: log.logKey, sha256: VIDEO_SHA256 };

describe('a receipt', () => {
  it('proves that the recording was sealed', async () => {
    expect(verifyReceipt(await receiptFor(sealed), { ...args, recording: RECORDING })).toMatchObject({
      index: 2n,
      at: '2026-11-20T10:30:00.000Z',
      checkpoint: { origin: 'example.com/log', size: 4n },
    });
  });

  it('is refused when any character of it is changed', async () => {
    const receipt = await receiptFor(sealed);
    fc.assert(
      fc.property(fc.nat(receipt.length - 1), fc.string({ minLength: 1, maxLength: 1 }), (at, by) => {
        fc.pre(receipt[at] !== by);
        const altered = receipt.slice(0, at) + by + receipt.slice(at + 1);
        expect(() => verifyReceipt(altered, args)).toThrow(
          expect.objectContaining({ name: 'TlogError', message: expect.stringMatching(/\.$/) }) as Error,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('is refused for another file, another recording, another log and another kind of entry', async () => {
    const receipt = await receiptFor(sealed);
    const mismatch = refused('receipt-mismatch');
    expect(() => verifyReceipt(receipt, { ...args, sha256: 'ab'.repeat(32) })).toThrow(mismatch);
    expect(() => verifyReceipt(receipt, { ...args, recording: uuidOf('other') })).toThrow(mismatch);
    const wrongSubject = await receiptFor(sealed, { recording: uuidOf('other') });
    expect(() => verifyReceipt(wrongSubject, args)).toThrow(mismatch);
    const wrongHash = await receiptFor(sealed, { sha256: 'ab'.repeat(32) });
    expect(() => verifyReceipt(wrongHash, { ...args, sha256: 'ab'.repeat(32) })).toThrow(mismatch);
    const wrongType = await receiptFor(viewed);
    expect(() => verifyReceipt(wrongType, args)).toThrow(
      'The type of the log entry is viewing.opened, the receipt says recording.sealed.',
    );
    const namesake = parseVerifier(generateNoteKey('example.com/log').vkey);
    expect(() => verifyReceipt(receipt, { ...args, logKey: namesake })).toThrow(refused('note-unsigned'));
  });

  it('is refused when the entry belongs to another log than the checkpoint', async () => {
    const other = generateNoteKey('example.com/elsewhere');
    const [, size, root] = log.checkpoint().split('\n');
    const checkpoint = signNote(`example.com/elsewhere\n${size}\n${root}\n`, parseSigner(other.skey));
    const proof = formatProof({ index: sealed.index, hashes: await log.proof(sealed.index), checkpoint });
    const receipt = await receiptFor(sealed, { proof });
    expect(() => verifyReceipt(receipt, { ...args, logKey: parseVerifier(other.vkey) })).toThrow('The log named by the entry');
  });

  it('is refused under a policy unless its quorum cosigned the checkpoint', async () => {
    const witness = generateWitnessKey('witness.example/board');
    const policy = parsePolicy(`log ${log.key.vkey}\nwitness board ${witness.vkey}\nquorum board\n`);
    const time = new Date('2026-11-20T11:05:00.000Z');
    const note = log.checkpoint();
    const checkpoint = addSignatureLines(note, cosign(note, parseCosigner(witness.skey), time));
    const proof = formatProof({ index: sealed.index, hashes: await log.proof(sealed.index), checkpoint });
    const receipt = await receiptFor(sealed, { proof });
    expect(verifyReceipt(receipt, { policy, sha256: VIDEO_SHA256 }).cosigners).toEqual([{ alias: 'board', time }]);
    expect(verifyReceipt(receipt, args).cosigners).toEqual([]);
    const bare = await receiptFor(sealed);
    for (const trust of [{ policy }, { policy, logKey: log.logKey }]) {
      expect(() => verifyReceipt(bare, { ...trust, sha256: VIDEO_SHA256 })).toThrow(refused('quorum-missing'));
    }
  });

  it('is refused when it is no receipt', () => {
    expect(() => verifyReceipt('', args)).toThrow(refused('not-canonical'));
    for (const text of ['{}', 'null', '{"format":"custodiet/receipt/v2"}']) {
      expect(() => verifyReceipt(text, args)).toThrow(refused('receipt-malformed'));
    }
  });

  it.each<[keyof Receipt, string]>([
    ['format', 'custodiet/receipt/v2'],
    ['recording', RECORDING.toUpperCase()],
    ['sha256', VIDEO_SHA256.slice(1)],
    ['header', ''],
    ['proof', ''],
  ])('cannot be written with another %s', async (field, value) => {
    await expect(receiptFor(sealed, { [field]: value })).rejects.toThrow(refused('receipt-malformed'));
    await expect(receiptFor(sealed, { [field]: value })).rejects.toThrow(`${field} is not `);
  });

  it('is refused when the entry is not at the place, or without its file', async () => {
    const elsewhere = formatProof({ index: 1n, hashes: await log.proof(sealed.index), checkpoint: log.checkpoint() });
    const moved = await receiptFor(sealed, { proof: elsewhere });
    expect(() => verifyReceipt(moved, args)).toThrow(refused('proof-invalid'));
    const bare = new SampleLog();
    const entry = bare.append(RECORDING, 'recording.sealed');
    const proof = formatProof({ index: 0n, hashes: [], checkpoint: bare.checkpoint() });
    const without = await receiptFor(entry, { proof });
    expect(() => verifyReceipt(without, { ...args, logKey: bare.logKey })).toThrow(refused('receipt-mismatch'));
    expect(() => verifyReceipt(without, { ...args, logKey: bare.logKey })).toThrow('is missing');
  });
});
