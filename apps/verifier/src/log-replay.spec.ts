import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addSignatureLines,
  cosign,
  encodeHeader,
  generateNoteKey,
  generateWitnessKey,
  parseCosigner,
  parsePolicy,
  parseVerifier,
} from '#tlog';
import { writeLogFolder, type LogPlan } from '../../../test/support/log-folder.js';
import { checkLog } from './log-command.js';
import { replayLog, type LogVerdict } from './log-replay.js';
import { logSource, LogUnreadable } from './log-source.js';

const key = generateNoteKey('example.com/log');
const trust = { logKey: parseVerifier(key.vkey) };
const AT = 400;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-replay-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The verdict on a log that was signed as it is, from its first entry on. */
async function verdictOn(plan: Partial<LogPlan>): Promise<LogVerdict> {
  await writeLogFolder(folder, { entries: 600, subjects: 7, skey: key.skey, ...plan });
  return replayLog(logSource(folder), trust);
}

describe('a log that was signed as it is', () => {
  it.each([1, 255, 256, 257, 600])('verifies with %i entries', async (entries) => {
    const verdict = await verdictOn({ entries });
    expect(verdict).toMatchObject({ ok: true, entriesRead: true, checkpoint: { size: BigInt(entries) } });
    expect(verdict.checks.map(({ name }) => name)).toEqual(['checkpoint', 'tiles', 'entries', 'chains']);
  });

  it('verifies without any entry, as nothing that was read', async () => {
    expect(await verdictOn({ entries: 0 })).toMatchObject({ ok: true, entriesRead: false, checkpoint: { size: 0n } });
  });

  it('verifies as hash tiles only when the folder holds no entries', async () => {
    await writeLogFolder(folder, { entries: 600, subjects: 7, skey: key.skey });
    await rm(join(folder, 'tile/entries'), { recursive: true });
    const verdict = await replayLog(logSource(folder), trust);
    expect(verdict).toMatchObject({ ok: true, entriesRead: false });
    expect(verdict.checks.map(({ name }) => name)).toEqual(['checkpoint', 'tiles']);
    await mkdir(join(folder, 'tile/entries'));
    expect((await replayLog(logSource(folder), trust)).checks.at(-1)).toMatchObject({ ok: false, where: 'tile/entries/000' });
  });

  const dishonest: Readonly<Record<string, [LogPlan['instead'], string, RegExp]>> = {
    'a second chain of one subject': [
      (header, i) => (i === AT ? { ...header, seq: 0, prev: null } : header),
      'chains',
      /number 0 of the chain/,
    ],
    'a gap in a chain': [
      (header, i) => (i === AT ? { ...header, seq: header.seq + 1 } : header),
      'chains',
      /where number 57 was/,
    ],
    'a link to another entry': [(header, i) => (i === AT ? { ...header, prev: header.pc } : header), 'chains', /does not link/],
    'an entry of another log': [(header, i) => (i === AT ? { ...header, log: 'other' } : header), 'entries', /of the log other/],
    'a header that is not canonical': [
      (header, i) => (i === AT ? Buffer.from(` ${Buffer.from(encodeHeader(header)).toString()}`) : header),
      'entries',
      /canonical/,
    ],
    'something that is no header': [(header, i) => (i === AT ? Buffer.from('{}') : header), 'entries', /malformed/],
    'an empty entry': [(header, i) => (i === AT ? Buffer.alloc(0) : header), 'entries', /not JSON/],
  };
  it.each(Object.entries(dishonest))('fails at %s', async (_, [instead, name, detail]) => {
    const verdict = await verdictOn(instead === undefined ? {} : { instead });
    expect(verdict.ok).toBe(false);
    expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([
      { name, ok: false, where: `entry ${AT}`, detail: expect.stringMatching(detail) as unknown },
    ]);
  });
});

describe('whom the verdict trusts', () => {
  const witness = generateWitnessKey('witness.example');
  const policy = (log: string): { policy: ReturnType<typeof parsePolicy> } => ({
    policy: parsePolicy(`${log}witness Board ${witness.vkey}\nquorum Board\n`),
  });

  beforeEach(async () => {
    await writeLogFolder(folder, { entries: 3, subjects: 2, skey: key.skey });
  });

  it('is the log itself where nobody else is named', async () => {
    const result = await checkLog(folder, {}, undefined);
    expect(result).toMatchObject({ logKeys: [key.vkey], logKeysPinned: false, verdict: { ok: true } });
    await writeFile(join(folder, 'keys'), '\n');
    await expect(checkLog(folder, {}, undefined)).rejects.toThrow(LogUnreadable);
    await writeFile(join(folder, 'keys'), 'no key\n');
    await expect(checkLog(folder, {}, undefined)).rejects.toThrow(LogUnreadable);
    await rm(join(folder, 'keys'));
    await expect(checkLog(folder, {}, undefined)).rejects.toThrow('--log-key');
  });

  it.each([
    [`log ${key.vkey}\n`, true],
    ['', false],
  ])('is the witnesses of a policy: %j', async (log, pinned) => {
    const missing = await checkLog(folder, policy(log), undefined);
    expect(missing.verdict.checks).toEqual([expect.objectContaining({ name: 'checkpoint', ok: false })]);
    const note = await readFile(join(folder, 'checkpoint'), 'utf8');
    const line = cosign(note, parseCosigner(witness.skey), new Date('2026-11-20T10:30:00.000Z'));
    await writeFile(join(folder, 'checkpoint'), addSignatureLines(note, line));
    const result = await checkLog(folder, policy(log), undefined);
    expect(result).toMatchObject({ logKeysPinned: pinned, verdict: { ok: true, cosigners: ['Board'] } });
    expect(result.verdict.checks[0]?.detail).toContain('over 3 entries, cosigned by Board at 2026-11-20T10:30:00.000Z.');
  });

  it('is not another key, whatever the log says of itself', async () => {
    const other = parseVerifier(generateNoteKey('example.com/log').vkey);
    expect((await checkLog(folder, { logKey: other }, undefined)).verdict.ok).toBe(false);
  });
});

describe('a log that is served', () => {
  /** Serves the folder's file through `answer`, which says with which status, and how often that was asked for before. */
  async function served(status: (path: string, before: number) => number, body = Buffer.alloc(9000)): Promise<LogVerdict> {
    await writeLogFolder(folder, { entries: 300, subjects: 7, skey: key.skey });
    const asked = new Map<string, number>();
    const server = createServer((request, response) => {
      const path = (request.url ?? '').replace('/log/', '');
      const before = asked.get(path) ?? 0;
      asked.set(path, before + 1);
      const code = status(path, before);
      if (code !== 200) return void response.writeHead(code).end(body);
      void logSource(folder)
        .read(path, 1 << 24)
        .then((bytes) => response.writeHead(bytes === undefined ? 404 : 200).end(bytes));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      return await replayLog(logSource(`http://127.0.0.1:${(server.address() as AddressInfo).port}/log`, 'token'), trust);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  it('is asked again when it says "not now"', async () => {
    expect(await served((_, before) => (before === 0 ? 503 : 200))).toMatchObject({ ok: true, entriesRead: true });
  });

  it('fails when it does not give out what it signed', async () => {
    for (const status of [404, 410, 500]) {
      const verdict = await served((path) => (path === 'tile/entries/001.p/44' ? status : 200));
      expect(verdict.checks.at(-1)).toMatchObject({ name: 'entries', ok: false, where: 'tile/entries/001.p/44' });
    }
  });

  it('is neither verified nor refuted when it cannot be read', async () => {
    await expect(served((path) => (path === 'tile/0/000' ? 403 : 200))).rejects.toThrow(LogUnreadable);
    await expect(served((path) => (path === 'tile/0/000' ? 502 : 200))).rejects.toThrow(/status 502/);
  });
});
