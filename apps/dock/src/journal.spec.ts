import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import type { ManifestFile } from '#tlog';
import { DurableWriter } from './durable-write.js';
import { Journal } from './journal.js';
import { keyOf } from './journal-entry.js';
import { signedManifest } from './manifest-signing.js';

const dock = { id: '01935e6a-7b2c-7def-8a11-5c3f0e9d4b21', key: generateKeyPairSync('ed25519').privateKey };
const file: ManifestFile = {
  name: 'clip.mp4',
  size: 3,
  sha256: 'ab'.repeat(32),
  camera: 'C-9',
  recordedAt: '2026-11-20T10:00:00.000Z',
  clockOffsetMs: 0,
};
let folder: string;
let said: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-journal-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true }));

function opened(): Promise<Journal> {
  const writer = new DurableWriter({ patienceMs: 0, onTrouble: (sentence) => said.push(sentence) });
  return Journal.open(folder, writer, (sentence) => said.push(sentence));
}

function stamp(name: string): { path: string; size: number; modifiedMs: number } {
  return { path: join(folder, name), size: 3, modifiedMs: 1000 };
}

it('remembers every member of an entry, and who reads it without taking it sees the same', async () => {
  const journal = await opened();
  const entry = await journal.begin(stamp('clip.mp4'), { file, attempts: 2, trouble: 'none to speak of' });
  await journal.close();
  expect((await opened()).all()).toEqual([entry]);
  expect(await Journal.read(folder, (sentence) => said.push(sentence))).toEqual([entry]);
  expect(said).toEqual([]);
});

it('takes the same path with another size or time of change for another file', async () => {
  const journal = await opened();
  await journal.begin(stamp('clip.mp4'));
  await journal.begin({ ...stamp('clip.mp4'), size: 4 });
  await journal.begin({ ...stamp('clip.mp4'), modifiedMs: 1001 });
  expect(journal.all()).toHaveLength(3);
  expect(journal.superseded(stamp('clip.mp4'))).toHaveLength(2);
});

it.each([0, 1, 40, 200])('sets a document of only %d bytes aside, says so and keeps the others', async (bytes) => {
  const journal = await opened();
  await journal.begin(stamp('a.mp4'), { file });
  await journal.begin(stamp('b.mp4'));
  await journal.close();
  const name = `${keyOf(stamp('a.mp4'))}.json`;
  await truncate(join(folder, 'files', name), bytes);
  const again = await opened();
  expect(again.all().map(({ path }) => path)).toEqual([stamp('b.mp4').path]);
  expect(said.join()).toContain('damaged and was set aside');
  expect((await readdir(join(folder, 'set-aside'))).join()).toContain(name);
});

it('finds the note of a file again although its entry was lost, and forgets it only when every file it lists is settled', async () => {
  const journal = await opened();
  const other = { ...file, name: 'other.mp4', sha256: 'cd'.repeat(32) };
  const note = signedManifest(dock, [file, other]);
  await journal.keepNote(note);
  await journal.begin(stamp('clip.mp4'), { file, state: 'sealed' });
  await journal.forgetNotes();
  await journal.close();
  const again = await opened();
  expect(again.noteFor(other, [])?.text).toBe(note);
  await again.begin(stamp('other.mp4'), { file: other, state: 'stopped' });
  await again.forgetNotes();
  expect(again.noteFor(other, [])?.text).toBe(note);
  await again.update(keyOf(stamp('other.mp4')), { state: 'quarantined' });
  await again.forgetNotes();
  expect(await readdir(join(folder, 'manifests'))).toEqual([]);
});

it('sets a note that was cut short aside and says so', async () => {
  const journal = await opened();
  await journal.keepNote(signedManifest(dock, [file]));
  await journal.close();
  const [name = ''] = await readdir(join(folder, 'manifests'));
  await truncate(join(folder, 'manifests', name), 100);
  expect((await opened()).noteFor(file, [])).toBeUndefined();
  expect(said.join()).toContain(`${name} is damaged and was set aside`);
});

it('gives a file no note that lists it with other words, or that is spent', async () => {
  const journal = await opened();
  await journal.keepNote(signedManifest(dock, [file]));
  expect(journal.noteFor({ ...file, officer: 'B-1' }, [])).toBeUndefined();
  const { id = '' } = journal.noteFor(file, []) ?? {};
  expect(journal.noteFor(file, [id])).toBeUndefined();
});

it('forgets settled files after thirty days, but not while the file is there, and nothing that is open', async () => {
  const journal = await opened();
  await writeFile(stamp('there.mp4').path, 'abc');
  await journal.begin(stamp('there.mp4'), { state: 'sealed' });
  await journal.begin(stamp('gone.mp4'), { state: 'sealed' });
  await journal.begin(stamp('open.mp4'), { state: 'paused' });
  await journal.close();
  for (const name of await readdir(join(folder, 'files'))) {
    const path = join(folder, 'files', name);
    const text = await readFile(path, 'utf8');
    await writeFile(path, text.replace(/"since":"[^"]*"/, '"since":"2020-01-01T00:00:00.000Z"'));
  }
  const again = await opened();
  expect(
    again
      .all()
      .map(({ path }) => path.slice(folder.length + 1))
      .sort(),
  ).toEqual(['open.mp4', 'there.mp4']);
  // Also in a process that runs for months
  await rm(stamp('there.mp4').path);
  await again.prune(Date.now());
  await again.begin(stamp('young.mp4'), { state: 'sealed' });
  await again.prune(Date.now() + 29 * 24 * 3600 * 1000);
  expect(again.all().map(({ path }) => path.slice(folder.length + 1))).toEqual(['open.mp4', 'young.mp4']);
  await again.prune(Date.now() + 31 * 24 * 3600 * 1000);
  expect(again.all().map(({ path }) => path.slice(folder.length + 1))).toEqual(['open.mp4']);
  expect(await readdir(join(folder, 'files'))).toHaveLength(1);
});

it('does not write the progress of what is settled over and over again', async () => {
  const journal = await opened();
  for (const name of ['done.mp4', 'open.mp4']) {
    journal.progress(keyOf(await journal.begin(stamp(name), { state: 'sending' })), 2);
  }
  await journal.update(keyOf(stamp('done.mp4')), { state: 'sealed' });
  await journal.close();
  const { sent } = JSON.parse(await readFile(join(folder, 'progress.json'), 'utf8')) as { sent: unknown };
  expect(sent).toEqual([[keyOf(stamp('open.mp4')), 2]]);
});

it('is taken by one process at a time, and taken over from one that died', async () => {
  const holder = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'], { stdio: 'ignore' });
  await (await opened()).close();
  const { ticks, boot } = await startOf(holder.pid ?? 0);
  await writeFile(join(folder, 'lock-7'), JSON.stringify({ pid: holder.pid, started: `${boot} ${ticks}` }));
  await expect(opened()).rejects.toThrow(`Process ${String(holder.pid)} is at work`);
  // The number of a dead process may be another's by now
  await writeFile(join(folder, 'lock-8'), JSON.stringify({ pid: holder.pid, started: `${boot} 1` }));
  await (await opened()).close();
  await writeFile(join(folder, 'lock-12'), JSON.stringify({ pid: holder.pid, started: `another-boot ${ticks}` }));
  await (await opened()).close();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await writeFile(join(folder, 'lock-20'), JSON.stringify({ pid: holder.pid, started: `${boot} ${ticks}` }));
  const journal = await opened();
  await expect(opened()).rejects.toThrow('is at work');
  await journal.close();
  expect((await readdir(folder)).filter((name) => name.startsWith('lock-'))).toEqual(['lock-21']);
});

it('takes over a lock that a power cut emptied, and only one of many who try at once', async () => {
  await writeFile(join(folder, 'lock-3'), '');
  const tries = await Promise.allSettled(Array.from({ length: 8 }, () => opened()));
  expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

it('removes what broken-off writes left', async () => {
  await (await opened()).close();
  await writeFile(join(folder, 'files', 'x.json.123.part'), '{');
  await utimes(join(folder, 'files', 'x.json.123.part'), 0, 0);
  await (await opened()).close();
  expect(await readdir(join(folder, 'files'))).toEqual([]);
});

async function startOf(pid: number): Promise<{ boot: string; ticks: string }> {
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const line = await readFile(`/proc/${String(pid)}/stat`, 'utf8');
  return { boot, ticks: line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '' };
}
