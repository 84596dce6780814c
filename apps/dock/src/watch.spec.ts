import { execFile } from 'node:child_process';
import { appendFile, mkdir, readdir, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { randomBytes } from 'node:crypto';
import { jest } from '@jest/globals';
import { builtDock, DockHome, type Running } from './testing/dock-home.js';
import { contentOf, FaultyDockingServer, PART_SIZE, sha256 } from './testing/faulty-docking-server.js';

jest.setTimeout(60_000);

let built: string;
let home: DockHome;
let service: FaultyDockingServer;

beforeAll(async () => {
  built = await builtDock();
});
afterAll(() => rm(built, { recursive: true }));

beforeEach(async () => {
  home = await DockHome.make(built, process.env);
  await mkdir(home.path('cards'));
  service = new FaultyDockingServer();
  service.sealsAtOnce = true;
  await service.start();
  await home.accepted(service);
});
afterEach(async () => {
  await service.stop();
  await home.remove();
});

const SWIFT = ['--settle', '0.4', '--ffprobe', 'off'];

function watching(...flags: string[]): Running {
  return home.start(['watch', home.path('cards'), ...SWIFT, ...flags]);
}

async function until(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await look())) {
    if (performance.now() > deadline) throw new Error(`It did not happen: ${what}`);
    await delay(20);
  }
}

/** Asks it to end and expects that it does so in order. */
async function end(watch: Running): Promise<string> {
  watch.child.kill('SIGTERM');
  const ended = await watch.ended;
  expect(ended).toMatchObject({ code: 0, signal: null });
  return ended.stderr;
}

function sealed(content: Buffer): boolean {
  return service.of(content).some(({ state }) => state === 'sealed');
}

it('takes files as they come, below any folder, and nothing that is hidden, no video, or behind a link', async () => {
  const watch = watching('--camera', 'C-9');
  const clips = await Promise.all(['cards/a.mp4', 'cards/DCIM/100/b.MOV'].map((name) => home.clip(name, PART_SIZE + 1)));
  const outside = await home.clip('elsewhere/outside.mp4', 100);
  await home.clip('cards/.hidden.mp4', 100);
  await home.clip('cards/notes.txt', 100);
  await symlink(outside.path, home.path('cards/link.mp4'));
  await symlink(home.path('elsewhere'), home.path('cards/linked'));
  await until('both are sealed', () => clips.every(({ content }) => sealed(content)));
  await until('receipts are kept', async () => (await readdir(`${home.state}/receipts`).catch(() => [])).length === 2);
  expect(service.recordings.size).toBe(2);
  const said = await end(watch);
  expect(said).toContain('a.mp4: sealed as recording');
  expect(await home.statusOf()).toEqual([]);
  expect(await home.statusOf('--all')).toHaveLength(2);
});

it('takes a file that is copied slowly only once it is whole', async () => {
  const watch = watching('--camera', 'C-9');
  const path = home.path('cards/slow.mp4');
  const pieces = Array.from({ length: 8 }, () => randomBytes(5000));
  for (const piece of pieces) {
    await appendFile(path, piece);
    // The pace of the copy is what is tried here
    await delay(250);
  }
  const whole = Buffer.concat(pieces);
  await until('it is sealed', () => sealed(whole));
  expect(service.recordings.size).toBe(1);
  await end(watch);
});

it('lists a file without a camera as waiting for metadata, and takes it once its sidecar says so', async () => {
  const { path, content } = await home.clip('cards/clip.mp4', 100);
  await writeFile(`${path}.json`, '{"camera": "C');
  const watch = watching();
  await until('it is listed', async () => (await home.statusOf())[0]?.state === 'needs-metadata');
  const [entry] = await home.statusOf();
  expect(entry?.trouble).toContain('clip.mp4.json');
  expect(service.recordings.size).toBe(0);
  await writeFile(`${path}.json`, JSON.stringify({ camera: 'C-7', counter: 12, flagged: true }));
  await until('it is sealed', () => sealed(content));
  expect(service.of(content)[0]?.file).toMatchObject({ camera: 'C-7', counter: 12, flagged: true });
  await end(watch);
});

it('sends the flagged file first although it was recorded last', async () => {
  for (const [i, name] of ['a', 'b', 'c', 'd', 'z'].entries()) {
    const { path } = await home.clip(`cards/${name}.mp4`, PART_SIZE);
    await utimes(path, 1000 + i, 1000 + i);
    await writeFile(`${path}.json`, JSON.stringify({ camera: 'C-7', flagged: name === 'z' }));
  }
  expect(await watching('--once', '--parallel-files', '1').ended).toMatchObject({ code: 0 });
  expect([...service.recordings.values()].map(({ file }) => file.name)).toEqual(
    ['z', 'a', 'b', 'c', 'd'].map((name) => `${name}.mp4`),
  );
});

it('pauses the files of a camera that is pulled out, and goes on with the same recording when it is back', async () => {
  const { content } = await home.clip('cards/E/clip.mp4', 6 * PART_SIZE);
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = service.hold((method, path) => (method === 'PUT' && path.endsWith('/4') ? promise : undefined));
  const watch = watching('--camera', 'C-9', '--parallel-parts', '1');
  await held;
  await rename(home.path('cards/E'), home.path('pulled'));
  resolve();
  await until('it is paused', async () => (await home.statusOf())[0]?.state === 'paused');
  await until('it was said', () => watch.said().includes('cannot be read'));
  await rename(home.path('pulled'), home.path('cards/E'));
  await until('it is sealed', () => sealed(content));
  expect(service.of(content).map(({ repeated }) => repeated)).toEqual([0]);
  await end(watch);
});

it('starts over with a file that changes while it is sent', async () => {
  const { path } = await home.clip('cards/clip.mp4', 4 * PART_SIZE);
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = service.hold((method, part) => (method === 'PUT' && part.endsWith('/2') ? promise : undefined));
  const watch = watching('--camera', 'C-9', '--parallel-parts', '1');
  await held;
  const other = randomBytes(3 * PART_SIZE);
  await writeFile(path, other);
  resolve();
  await until('the other is sealed', () => sealed(other));
  expect(service.recordings.size).toBe(2);
  expect((await home.statusOf('--all')).map(({ state }) => state).sort()).toEqual(['changed', 'sealed']);
  await end(watch);
});

it('ends in order when it is told to, and the next start sends only what is left', async () => {
  const { content } = await home.clip('cards/clip.mp4', 6 * PART_SIZE);
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = service.hold((method, path) => (method === 'PUT' && path.endsWith('/4') ? promise : undefined));
  const watch = watching('--camera', 'C-9', '--parallel-parts', '1');
  await held;
  expect(await end(watch)).toContain('goes on at the next start');
  resolve();
  const status = await home.run('status');
  expect(status).toMatchObject({ code: 0 });
  expect(status.stdout).toMatch(/sending +50 % +0\.4 MiB +C-9 +\S+clip\.mp4/);
  expect(await watching('--camera', 'C-9', '--once').ended).toMatchObject({ code: 0 });
  expect(service.of(content).map((each) => [each.repeated, sha256(contentOf(each))])).toEqual([[0, sha256(content)]]);
});

it('lets only one process work on a journal, and the second says which has it', async () => {
  const watch = watching('--camera', 'C-9');
  await until('it watches', () => watch.said().includes('watching'));
  const second = await watching('--camera', 'C-9').ended;
  expect(second.code).toBe(75);
  expect(second.stderr).toContain(`Process ${String(watch.child.pid)} is at work`);
  expect((await home.run('upload', (await home.clip('x.mp4', 10)).path, '--camera', 'C-9')).code).toBe(75);
  await end(watch);
});

it('asks about a file that is being sealed in its own time when its camera was pulled out and the service will not say', async () => {
  service.sealsAtOnce = false;
  const { path, content } = await home.clip('cards/clip.mp4', 100);
  const isAsked = (method: string, request: string): boolean => method === 'GET' && /recordings\/[^/]*$/.test(request);
  service.fault = (method, request) => (isAsked(method, request) ? { status: 401 } : undefined);
  const watch = watching('--camera', 'C-9');
  await until('it is being sealed', () => service.of(content)[0]?.state === 'sealing');
  await rm(path);
  await until('it was asked about', () => watch.said().includes('not finished, trying again'));
  const other = await home.clip('cards/other.mp4', 100);
  await until('many looks later the other is sent', () => service.of(other.content)[0]?.state === 'sealing');
  const { recording } = service.of(content)[0] ?? {};
  expect(
    service.requests.filter(({ method, path: request }) => method === 'GET' && request.endsWith(recording ?? '-')),
  ).toHaveLength(1);
  await end(watch);
});

it('stops a refused file loudly until a person says to try again, and the others go on', async () => {
  const [bad, good] = [await home.clip('cards/bad.mp4', 100), await home.clip('cards/good.mp4', 100)];
  // The older one is announced first
  await utimes(bad.path, 1000, 1000);
  const refused = { status: 403, problem: { title: 'Camera is not known' } };
  service.fault = (method, path, count) =>
    method === 'POST' && path.endsWith('/manifests') && count === 1 ? refused : undefined;
  expect(await watching('--camera', 'C-9', '--once', '--parallel-files', '1').ended).toMatchObject({ code: 1 });
  expect(sealed(good.content)).toBe(true);
  expect(await home.run('status')).toMatchObject({ code: 1, stdout: expect.stringContaining('Camera is not known') });
  expect(await watching('--camera', 'C-9', '--once').ended).toMatchObject({ code: 1 });
  expect(sealed(bad.content)).toBe(false);
  expect(await watching('--camera', 'C-9', '--once', '--retry-stopped').ended).toMatchObject({ code: 0 });
  expect(sealed(bad.content)).toBe(true);
});

it('waits as long as it takes for a service that is away, and says so in its status', async () => {
  const { content } = await home.clip('cards/clip.mp4', 100);
  await service.stop();
  const watch = watching('--camera', 'C-9');
  await until('the trouble is told', async () => (await home.statusOf())[0]?.trouble?.includes('ECONNREFUSED') === true);
  await service.start();
  await until('it is sealed', () => sealed(content));
  await end(watch);
});

it('erases under a verified receipt and says so, and what changed after it was sealed only under a receipt of its own', async () => {
  const [gone, kept] = [await home.clip('cards/gone.mp4', 100), await home.clip('cards/kept.mp4', 100)];
  service.fault = (method, path) => {
    const [received] = service.of(kept.content);
    if (method === 'GET' && received !== undefined && path.includes(received.recording)) void truncate(kept.path, 50);
    return undefined;
  };
  const ended = await watching('--camera', 'C-9', '--once', '--erase-after-receipt').ended;
  expect(ended.stderr).toContain('erased here');
  expect(ended.stderr).toContain('kept.mp4 was not erased');
  for (const { path } of [gone, kept]) await expect(stat(path)).rejects.toThrow('ENOENT');
  expect(sealed(kept.content.subarray(0, 50))).toBe(true);
  const [entry] = await home.statusOf();
  expect(entry).toMatchObject({ file: kept.path, state: 'sealed', trouble: expect.stringContaining('not erased') });
});

it('takes a file that looks like an erased one in everything but its bytes for what it is, another file', async () => {
  const flags = ['--camera', 'C-9', '--once', '--erase-after-receipt'];
  const contents = [];
  // A camera without a clock, whose files all end at the same size
  for (let n = 0; n < 2; n += 1) {
    const { path, content } = await home.clip('cards/MOV0001.mp4', 100);
    await utimes(path, 315_532_800, 315_532_800);
    contents.push(content);
    expect(await watching(...flags).ended).toMatchObject({ code: 0 });
    await expect(stat(path)).rejects.toThrow('ENOENT');
  }
  expect(contents.map(sealed)).toEqual([true, true]);
  expect(await readdir(`${home.state}/receipts`)).toHaveLength(2);
});

describe('a full disk on the dock', () => {
  let mounted = false;

  beforeEach(async () => {
    await mkdir(home.path('small'));
    mounted = await promisify(execFile)('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', home.path('small')]).then(
      () => true,
      () => false,
    );
  });
  afterEach(async () => {
    if (mounted) await promisify(execFile)('umount', ['-l', home.path('small')]);
  });

  it('is said, loses nothing, and what is under way goes on when there is room', async () => {
    // Without the right to mount, a limit on the size of any file stands for the full disk: it cannot be lifted, so the next start is the room
    const { content } = await home.clip('cards/clip.mp4', 2 * PART_SIZE);
    const flags = ['--camera', 'C-9', '--state', home.path('small/state')];
    if (!mounted) {
      const upload = ['upload', home.path('cards/clip.mp4'), ...flags, '--patience', '1', '--ffprobe', 'off'];
      const command = home.start(upload, {}, [], ['prlimit', '--fsize=400', '--']);
      expect((await command.ended).code).toBe(75);
    } else {
      await mkdir(home.path('small/state'), { recursive: true });
      const { promise, resolve } = Promise.withResolvers<void>();
      const held = service.hold((method) => (method === 'PUT' ? promise : undefined));
      const watch = watching(...flags);
      await held;
      await filled(home.path('small/ballast'));
      resolve();
      await until('it is said', () => watch.said().includes('the disk of this dock is full'));
      expect(await readdir(home.path('small/state/receipts')).catch(() => [])).toEqual([]);
      await rm(home.path('small/ballast'));
      await until('it is sealed', () => sealed(content));
      await until('it was said', () => watch.said().includes('sealed as recording'));
      await end(watch);
    }
    expect(await watching(...flags, '--once').ended).toMatchObject({ code: 0 });
    expect(service.of(content).map(({ state, repeated }) => [state, repeated])).toEqual([['sealed', 0]]);
  });
});

async function filled(path: string): Promise<void> {
  for (let size = 65_536; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) await appendFile(path, Buffer.alloc(size));
    } catch {
      // Full in steps of this size; smaller ones may still fit
    }
  }
}
