import { createHash } from 'node:crypto';
import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { formatProof, formatReceipt, generateNoteKey, parseVerifier } from '#tlog';
import { SampleLog, uuidOf } from '../../../libs/tlog/src/sample-log.js';
import { eventually } from '../../../test/support/eventually.js';
import { FileFault } from './dock-faults.js';
import { eraseAfterReceipt, type ErasureGrounds } from './erase-after-receipt.js';

const CONTENT = Buffer.from('the bytes that were sealed');
const SHA256 = createHash('sha256').update(CONTENT).digest('hex');
const RECORDING = uuidOf('this recording');
const OTHER = uuidOf('another recording');

const log = new SampleLog();
log.append(OTHER, 'recording.sealed', createHash('sha256').update('other bytes').digest('hex'));
const announced = log.append(RECORDING, 'recording.announced', SHA256);
const sealed = log.append(RECORDING, 'recording.sealed', SHA256);
const quarantined = log.append(RECORDING, 'recording.quarantined', SHA256);

let folder: string;
let receipts: string;
let video: string;
let receipt: string;
let grounds: ErasureGrounds;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-erase-'));
  receipts = join(folder, 'receipts');
  await mkdir(receipts);
  video = join(folder, 'clip.mp4');
  await writeFile(video, CONTENT);
  receipt = await receiptFor(sealed);
  grounds = { logKey: log.logKey, sha256: SHA256, recording: RECORDING, receipt: join(receipts, `${RECORDING}.receipt.json`) };
  await writeFile(grounds.receipt ?? '', receipt);
});

afterEach(() => rm(folder, { recursive: true }));

async function receiptFor(
  entry: typeof sealed,
  change: { recording?: string; sha256?: string; at?: bigint } = {},
): Promise<string> {
  const { recording = RECORDING, sha256 = SHA256, at = entry.index } = change;
  const proof = formatProof({ index: at, hashes: await log.proof(at), checkpoint: log.checkpoint() });
  return formatReceipt({
    format: 'custodiet/receipt/v1',
    recording,
    sha256,
    proof,
    header: Buffer.from(entry.header).toString('utf8'),
  });
}

/** The receipt as it would be if it had been kept: the grounds are whole but for what it says. */
async function keptAs(text: string): Promise<string> {
  await writeFile(grounds.receipt ?? '', text);
  return text;
}

async function expectKept(attempt: Promise<void>, reason: string | RegExp): Promise<void> {
  const before = await readdir(folder);
  await expect(attempt).rejects.toThrow(FileFault);
  await expect(attempt).rejects.toThrow(reason);
  await expect(attempt).rejects.toThrow(`${video} was not erased`);
  expect(before).toContain('clip.mp4');
  expect(await readdir(folder)).toEqual(before);
}

describe('a recording', () => {
  it('is erased under its verified receipt, and nothing else is', async () => {
    await writeFile(join(folder, 'clip.mov'), 'a neighbour');
    await eraseAfterReceipt(video, receipt, grounds);
    expect((await readdir(folder)).sort()).toEqual(['clip.mov', 'receipts']);
    expect(await readdir(receipts)).toEqual([`${RECORDING}.receipt.json`]);
  });

  it('is erased when the receipt lies beside it, which is where one lies that no folder is named for', async () => {
    const { receipt: _elsewhere, ...rest } = grounds;
    await expectKept(eraseAfterReceipt(video, receipt, rest), 'not safely kept');
    await writeFile(join(folder, `${RECORDING}.receipt.json`), receipt);
    await eraseAfterReceipt(video, receipt, rest);
    expect(await readdir(folder)).not.toContain('clip.mp4');
  });

  it('is erased under one name and stays under another that is no concern of ours', async () => {
    await link(video, join(folder, 'copy.mp4'));
    await eraseAfterReceipt(video, receipt, grounds);
    expect(await readdir(folder)).toContain('copy.mp4');
  });
});

describe('a recording is kept when', () => {
  it.each<[string, () => Promise<string>, string]>([
    ['is of another recording', () => receiptFor(log.entries[0] ?? sealed, { recording: OTHER }), 'receipt does not verify'],
    ['names another recording than its entry', () => receiptFor(sealed, { recording: OTHER }), 'The recording is'],
    ['is of another file', () => receiptFor(sealed, { sha256: 'ab'.repeat(32) }), 'The SHA-256 of the file is'],
    ['proves the announcement and no sealing', () => receiptFor(announced), 'The type of the log entry is recording.announced'],
    ['proves a quarantine', () => receiptFor(quarantined), 'The type of the log entry is recording.quarantined'],
    ['has the proof of another entry', () => receiptFor(sealed, { at: announced.index }), 'receipt does not verify'],
    ['is empty', () => Promise.resolve(''), 'receipt does not verify'],
    ['has something after its end', async () => `${await receiptFor(sealed)}\n`, 'receipt does not verify'],
  ])('its receipt %s', async (_, written, said) => {
    await expectKept(eraseAfterReceipt(video, await keptAs(await written()), grounds), said);
  });

  it('any byte of its receipt is another', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(receipt.length - 1), fc.integer({ min: 1, max: 127 }), async (at, by) => {
        const altered = Buffer.from(receipt);
        altered[at] = (altered[at] ?? 0) ^ by;
        await expectKept(eraseAfterReceipt(video, await keptAs(altered.toString('utf8')), grounds), 'receipt does not verify');
      }),
      { numRuns: 200 },
    );
  });

  it('its receipt is signed by another key of the same name', async () => {
    const logKey = parseVerifier(generateNoteKey(log.origin).vkey);
    await expectKept(eraseAfterReceipt(video, receipt, { ...grounds, logKey }), 'receipt does not verify');
  });

  it('its receipt is not on disk, is cut off there, or is another there', async () => {
    for (const text of [receipt.slice(0, -1), '', await receiptFor(announced)]) {
      await keptAs(text);
      await expectKept(eraseAfterReceipt(video, receipt, grounds), 'another receipt is kept there');
    }
    await rm(receipts, { recursive: true });
    await expectKept(eraseAfterReceipt(video, receipt, grounds), 'not safely kept');
  });

  it('it grew by a byte, lost one, or had one changed with its time set back', async () => {
    await appendFile(video, 'x');
    await expectKept(eraseAfterReceipt(video, receipt, grounds), 'not those that were sealed');
    const before = new Date('2026-11-20T10:00:00Z');
    for (const bytes of [Buffer.from(CONTENT.subarray(1)), Buffer.from(CONTENT)]) {
      bytes[0] = 1;
      await writeFile(video, bytes);
      await utimes(video, before, before);
      await expectKept(eraseAfterReceipt(video, receipt, grounds), 'not those that were sealed');
    }
    await writeFile(video, '');
    await expectKept(eraseAfterReceipt(video, receipt, grounds), 'not those that were sealed');
  });

  it('it is a link to the very bytes, or no file at all', async () => {
    await rename(video, join(folder, 'moved.mp4'));
    await symlink('moved.mp4', video);
    await expectKept(eraseAfterReceipt(video, receipt, grounds), 'it is a link');
    await rm(video);
    await mkdir(video);
    await expectKept(eraseAfterReceipt(video, receipt, grounds), 'not a plain file');
    await rm(video, { recursive: true });
    await expect(eraseAfterReceipt(video, receipt, grounds)).rejects.toThrow('ENOENT');
    expect(await readdir(folder)).toContain('moved.mp4');
  });

  it.each<[string, (other: string) => Promise<void>]>([
    ['it is written to', () => appendFile(video, 'x')],
    ['its time of change is set', () => utimes(video, new Date(0), new Date(0))],
    ['another file with the same bytes takes its name', (other) => rename(other, video)],
    ['it is gone', (other) => rename(video, other)],
  ])('%s while it is read again', async (_, meddle) => {
    const [size, mebibyte] = [128 * 1024 * 1024, Buffer.alloc(1024 * 1024)];
    const hash = createHash('sha256');
    for (let at = 0; at < size; at += mebibyte.length) hash.update(mebibyte);
    const sha256 = hash.digest('hex');
    const own = new SampleLog();
    const entry = own.append(RECORDING, 'recording.sealed', sha256);
    const proof = formatProof({ index: 0n, hashes: [], checkpoint: own.checkpoint() });
    const header = Buffer.from(entry.header).toString('utf8');
    const text = await keptAs(formatReceipt({ format: 'custodiet/receipt/v1', recording: RECORDING, sha256, header, proof }));
    const other = join(folder, 'other.mp4');
    for (const path of [video, other]) await writeFile(path, '').then(() => truncate(path, size));

    const before = await bytesRead();
    const attempt = eraseAfterReceipt(video, text, { ...grounds, logKey: own.logKey, sha256 });
    const refused = expect(attempt).rejects.toThrow(/changed while it was read again|not those that were sealed|ENOENT/);
    await eventually('it is being read', async () => (await bytesRead()) - before > 8 * mebibyte.length, { everyMs: 1 });
    await meddle(other);
    await refused;
    expect((await readdir(folder)).filter((name) => name.endsWith('.mp4'))).not.toEqual([]);
  });

  it('its folder may not be written to, nor its receipt be read', async () => {
    const nobody = 65534;
    if (process.geteuid?.() !== 0) return;
    await chown(folder, 0, 0);
    const asNobody = async (): Promise<unknown> => {
      process.seteuid?.(nobody);
      try {
        return await eraseAfterReceipt(video, receipt, grounds).catch((error: unknown) => error);
      } finally {
        process.seteuid?.(0);
      }
    };
    await chmodTree('700');
    expect(String(await asNobody())).toMatch(/not safely kept.*EACCES/);
    await chmodTree('755');
    expect(String(await asNobody())).toMatch(/was not erased: EACCES: permission denied, unlink/);
    expect(await readdir(folder)).toContain('clip.mp4');
    await chown(folder, nobody, nobody);
    expect(await asNobody()).toBeUndefined();
    expect(await readdir(folder)).not.toContain('clip.mp4');
  });
});

describe('the sidecar', () => {
  const text = '{"camera":"C-1"}';
  const sha256 = createHash('sha256').update(text).digest('hex');

  it('goes with the recording when it still says what was announced', async () => {
    const path = `${video}.json`;
    await writeFile(path, text);
    await eraseAfterReceipt(video, receipt, { ...grounds, sidecar: { path, sha256 } });
    expect(await readdir(folder)).toEqual(['receipts']);
  });

  it.each<[string, () => Promise<{ path: string; sha256: string } | undefined>, string]>([
    ['that was not used', () => writeFile(`${video}.json`, text).then(() => undefined), 'clip.mp4.json'],
    ['that says something else by now', () => besides('clip.mp4.json', `${text} `), 'clip.mp4.json'],
    [
      'that another file shares',
      () => writeFile(join(folder, 'clip.mov'), 'x').then(() => besides('clip.json', text)),
      'clip.json',
    ],
    [
      'that became a link',
      () => symlink('/etc/hostname', `${video}.json`).then(() => ({ path: `${video}.json`, sha256 })),
      'clip.mp4.json',
    ],
    ['of another folder', () => besides('receipts/clip.mp4.json', text), 'receipts'],
  ])('%s stays, and the recording goes', async (_, prepare, stays) => {
    const sidecar = await prepare();
    await eraseAfterReceipt(video, receipt, { ...grounds, ...(sidecar === undefined ? {} : { sidecar }) });
    expect(await readdir(folder)).toContain(stays);
    expect(await readdir(folder)).not.toContain('clip.mp4');
    if (stays === 'receipts') expect(await readdir(receipts)).toContain('clip.mp4.json');
  });

  it('stays when the recording is kept', async () => {
    const sidecar = await besides('clip.mp4.json', text);
    await appendFile(video, 'x');
    await expectKept(eraseAfterReceipt(video, receipt, { ...grounds, sidecar }), 'not those that were sealed');
    expect(await readdir(folder)).toContain('clip.mp4.json');
  });

  async function besides(name: string, written: string): Promise<{ path: string; sha256: string }> {
    await writeFile(join(folder, name), written);
    return { path: join(folder, name), sha256 };
  }
});

/** By this process so far. */
async function bytesRead(): Promise<number> {
  return Number(/rchar: (\d+)/.exec(await readFile('/proc/self/io', 'utf8'))?.[1]);
}

async function chmodTree(mode: string): Promise<void> {
  for (const each of [folder, receipts]) await chmod(each, Number.parseInt(mode, 8));
}
