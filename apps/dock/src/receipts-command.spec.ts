import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { formatProof, formatReceipt, generateNoteKey } from '#tlog';
import { SampleLog, uuidOf } from '../../../libs/tlog/src/sample-log.js';
import { keyOf, type JournalEntry } from './journal-entry.js';
import type { ReceiptVerdict } from './receipts-command.js';

const ROOT = join(import.meta.dirname, '../../..');
const log = new SampleLog();
let built: string;
let home: string;

beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), 'custodiet-dock-built-'));
  const flags = ['--bundle', '--platform=node', '--target=node22', '--format=esm', '--log-level=error'];
  const files = [join(ROOT, 'apps/dock/src/main.ts'), `--outfile=${join(built, 'custodiet-dock.mjs')}`];
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/esbuild'), [...files, ...flags], { cwd: ROOT });
});

afterAll(() => rm(built, { recursive: true }));

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'custodiet-dock-receipts-'));
});

afterEach(() => rm(home, { recursive: true }));

describe('verify-receipts', () => {
  it('checks what the configuration and the journal name, each with its file', async () => {
    await configured({ receipts: 'receipts' });
    const first = await sealed('first.mp4', 'receipts');
    const second = await sealed('second.mp4', 'cameras');
    const forgotten = await receiptIn('state/receipts', uuidOf('forgotten'), 'ab'.repeat(32));
    const ended = await verify('--json');
    expect(ended.code).toBe(0);
    expect(ended.verdicts).toEqual([
      expect.objectContaining({ receipt: second.receipt, verified: true, fileState: 'matches', file: second.path }),
      expect.objectContaining({
        receipt: first.receipt,
        verified: true,
        fileState: 'matches',
        sha256: first.sha256,
        logIndex: '0',
      }),
      expect.objectContaining({ receipt: forgotten, verified: true, fileState: 'unknown' }),
    ]);
    const table = await verify();
    expect(table.stdout).toMatch(/^verified {6}\S+ {2}2026-11-20T10:30:00.000Z {2}entry 1 {2}\S+second.mp4$/m);
    expect(table.stderr).toContain('3 of 3 receipts verified');
  });

  it('says which receipts were checked alone, and why', async () => {
    await configured({});
    const [gone, erased, replaced] = [
      await sealed('gone.mp4'),
      await sealed('erased.mp4', '.', 'erased'),
      await sealed('clip.mp4'),
    ];
    await rm(gone.path);
    await rm(erased.path);
    await rm(replaced.path);
    await sealed('clip.mp4', '.', 'sealed', 'another film under the name that cameras use again');
    const strange = await receiptIn('elsewhere', uuidOf('strange'), 'ab'.repeat(32));
    const { code, verdicts } = await verify(home, '--json');
    expect(code).toBe(0);
    const states = new Map(verdicts.map(({ receipt, fileState }) => [receipt, fileState]));
    expect([gone, erased, replaced].map(({ receipt }) => states.get(receipt))).toEqual(['gone', 'erased', 'replaced']);
    expect(states.get(strange)).toBe('unknown');
    expect((await verify(home)).stdout.match(/was checked alone/g)).toHaveLength(4);
  });

  it.each<[string, (file: Sealed) => Promise<unknown>, string]>([
    ['its file grew by a byte', ({ path }) => appendFile(path, 'x'), 'not those that were sealed'],
    ['its file became a folder', ({ path }) => rm(path).then(() => mkdir(path)), 'not those that were sealed'],
    ['it is gone', ({ receipt }) => rm(receipt), 'the receipt is gone'],
    ['it is empty', ({ receipt }) => writeFile(receipt, ''), 'not whole JSON'],
    ['it is cut off', async ({ receipt }) => truncate(receipt, (await stat(receipt)).size - 1), 'not whole JSON'],
    ['it is of something else', ({ receipt }) => writeFile(receipt, '{"camera":"C-1"}'), 'it is not a receipt'],
    ['it is enormous', ({ receipt }) => truncate(receipt, 5 * 1024 ** 3), 'larger than any receipt'],
    [
      'it speaks of another hash',
      ({ receipt, recording }) => receiptAt(receipt, recording, 'ab'.repeat(32), log.entries.length - 1),
      'SHA-256',
    ],
    ['it would steer a terminal', ({ receipt }) => writeFile(receipt, '{"recording":"\\u001b[2J","sha256":"x"}'), 'malformed'],
  ])('ends with 1 when %s, and still checks the others', async (_, harm, said) => {
    await configured({});
    const [harmed, other] = [await sealed('harmed.mp4'), await sealed('other.mp4')];
    await harm(harmed);
    const { code, verdicts } = await verify('--json');
    expect(code).toBe(1);
    expect(verdicts.find(({ receipt }) => receipt === harmed.receipt)).toMatchObject({
      verified: false,
      reason: expect.stringContaining(said),
    });
    expect(verdicts.find(({ receipt }) => receipt === other.receipt)).toMatchObject({ verified: true });
    const table = await verify();
    expect(table.stdout).toContain('NOT verified');
    expect(table.stdout).not.toContain('\u001b');
    expect(table.stderr).toContain('1 of 2');
  });

  it('believes no other key than the pinned one, and without a configuration the one it is given', async () => {
    const receipt = await receiptIn('from-somebody', uuidOf('theirs'), 'cd'.repeat(32));
    expect(await verify(receipt, '--log-key', log.key.vkey)).toMatchObject({ code: 0 });
    expect(await verify(receipt, '--log-key', generateNoteKey(log.origin).vkey)).toMatchObject({ code: 1 });
    expect(await verify(receipt)).toMatchObject({ code: 2, stderr: expect.stringContaining('enrol') });
    await configured({}, generateNoteKey(log.origin).vkey);
    expect(await verify(receipt)).toMatchObject({ code: 1 });
  });

  it.each<[string, () => Promise<string[]>, string]>([
    ['there is no receipt at all', () => Promise.resolve([]), 'no receipts'],
    ['a folder holds none', () => Promise.resolve([home]), 'no receipts'],
    ['a path does not exist', () => Promise.resolve([join(home, 'none')]), 'cannot be read'],
    ['the log key is none', () => Promise.resolve([home, '--log-key', 'nonsense']), 'The log key is wrong'],
    ['a receipt is a device', () => Promise.resolve(['/dev/null']), 'neither a receipt nor a folder'],
  ])('ends with 2 when %s', async (_, args, said) => {
    await configured({});
    expect(await verify(...(await args()))).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(said) });
  });

  it('does not follow links out of a folder', async () => {
    await configured({});
    await receiptIn('outside', uuidOf('outside'), 'cd'.repeat(32));
    await mkdir(join(home, 'inside'));
    await symlink(join(home, 'outside'), join(home, 'inside', 'link'));
    expect(await verify(join(home, 'inside'))).toMatchObject({ code: 2 });
  });
});

interface Sealed {
  readonly path: string;
  readonly sha256: string;
  readonly recording: string;
  readonly receipt: string;
}

/** A file as the journal has it once it is sealed. */
async function sealed(name: string, receipts = '.', state: JournalEntry['state'] = 'sealed', content = name): Promise<Sealed> {
  const path = join(home, 'cameras', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  const sha256 = createHash('sha256').update(content).digest('hex');
  const recording = uuidOf(`recording of ${content}`);
  const receipt = await receiptIn(receipts === '.' ? 'kept' : receipts, recording, sha256);
  const { size, mtimeMs } = await stat(path);
  const stamp = { path, size, modifiedMs: Math.floor(mtimeMs) };
  const times = { foundAt: '2026-11-20T10:00:00.000Z', since: '2026-11-20T10:30:00.000Z' };
  const rest = { state, spent: [], recording, receipt, sentBytes: size, attempts: 1, ...times };
  const entry: JournalEntry = { format: 'custodiet-dock/journal/v1', ...stamp, ...rest };
  await mkdir(join(home, 'state', 'files'), { recursive: true });
  await writeFile(join(home, 'state', 'files', `${keyOf(stamp)}.json`), JSON.stringify(entry));
  return { path, sha256, recording, receipt };
}

async function receiptIn(folder: string, recording: string, sha256: string): Promise<string> {
  log.append(recording, 'recording.sealed', sha256);
  const receipt = join(home, folder, `${recording}.receipt.json`);
  await mkdir(dirname(receipt), { recursive: true });
  await receiptAt(receipt, recording, sha256, log.entries.length - 1);
  return receipt;
}

async function receiptAt(path: string, recording: string, sha256: string, at: number): Promise<void> {
  const entry = log.entries[at];
  if (entry === undefined) throw new Error('no such entry');
  const proof = formatProof({ index: entry.index, hashes: await log.proof(entry.index), checkpoint: log.checkpoint() });
  const header = Buffer.from(entry.header).toString('utf8');
  await writeFile(path, formatReceipt({ format: 'custodiet/receipt/v1', recording, sha256, header, proof }));
}

async function configured(more: object, logKey = log.key.vkey): Promise<void> {
  const config = { server: 'http://127.0.0.1:9', keyFile: 'key.pem', dock: uuidOf('dock'), logKey, state: 'state', ...more };
  await writeFile(join(home, 'dock.json'), JSON.stringify(config));
}

async function verify(
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string; verdicts: ReceiptVerdict[] }> {
  const program = [join(built, 'custodiet-dock.mjs'), 'verify-receipts', ...args, '--config', join(home, 'dock.json')];
  const child = spawn(process.execPath, program, {
    env: { PATH: process.env['PATH'] ?? '', HOME: home },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const code = await new Promise<number | null>((end) => child.on('close', end));
  const said = await stdout;
  const verdicts = said.split('\n').filter((line) => line.startsWith('{'));
  return { code, stdout: said, stderr: await stderr, verdicts: verdicts.map((line) => JSON.parse(line) as ReceiptVerdict) };
}

async function collect(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
