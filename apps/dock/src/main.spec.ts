import { chmod, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { readManifest } from '#tlog';
import { builtDock, DockHome, ROOT, type Ended } from './testing/dock-home.js';
import { contentOf, DOCK, FaultyDockingServer, PART_SIZE, sha256, type Fault } from './testing/faulty-docking-server.js';

// Each test starts processes and some wait through backoffs
jest.setTimeout(60_000);

let built: string;
let dockHome: DockHome;
let home: string;
let service: FaultyDockingServer;

beforeAll(async () => {
  built = await builtDock();
});

afterAll(() => rm(built, { recursive: true }));

beforeEach(async () => {
  dockHome = await DockHome.make(built, process.env);
  home = dockHome.folder;
  service = new FaultyDockingServer();
  await service.start();
});

afterEach(async () => {
  await service.stop();
  await dockHome.remove();
});

describe('enrol and accept', () => {
  it('make a key that nobody else can read and pin the log key', async () => {
    const { stdout } = await accepted();
    expect(Buffer.from(stdout.trim(), 'base64')).toHaveLength(32);
    const config = join(home, 'custodiet-dock');
    expect((await stat(join(config, 'dock-key.pem'))).mode & 0o777).toBe(0o600);
    expect(JSON.parse(await readFile(join(config, 'config.json'), 'utf8'))).toEqual({
      server: service.url,
      keyFile: 'dock-key.pem',
      dock: DOCK,
      logKey: service.log.vkey,
    });
  });

  it('keep to the configuration file they are told, relative to the folder they run in', async () => {
    expect(await dock('enrol', '--server', service.url, '--config', 'of-its-own/dock.json')).toMatchObject({ code: 0 });
    expect(await readdir(join(home, 'of-its-own'))).toEqual(expect.arrayContaining(['dock-key.pem', 'dock.json']));
    expect(await readdir(home)).not.toContain('custodiet-dock');
  });

  it('never overwrite a key or a pinned log key', async () => {
    await accepted();
    const key = await readFile(join(home, 'custodiet-dock/dock-key.pem'), 'utf8');
    expect(await dock('enrol', '--server', service.url)).toMatchObject({ code: 2, stdout: '' });
    await rm(join(home, 'custodiet-dock/config.json'));
    const again = await dock('enrol', '--server', service.url);
    expect(again).toMatchObject({ code: 2, stdout: '' });
    expect(again.stderr).toContain('not overwritten');
    expect(await readFile(join(home, 'custodiet-dock/dock-key.pem'), 'utf8')).toBe(key);
  });

  it('refuse another log key once one is pinned', async () => {
    await accepted();
    const other = new FaultyDockingServer().log.vkey;
    const answer = await dock('accept', '--dock', DOCK, '--log-key', other);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain('accepted already');
  });

  it.each([
    ['a server that is no URL', ['enrol', '--server', 'evidence.example'], '"server" must be'],
    ['a missing option', ['enrol'], '--server'],
    ['a dock id before enrolment', ['accept', '--dock', DOCK, '--log-key', 'x'], 'enrol'],
    ['an upload before enrolment', ['upload', 'clip.mp4'], 'enrol'],
  ])('refuse %s with exit code 2', async (_, args, said) => {
    const answer = await dock(...args);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain(said);
  });
});

describe('upload', () => {
  beforeEach(async () => {
    await accepted();
  });

  it('brings files to verified receipts, leaves them as they are, and says so in JSON', async () => {
    const [first, second] = [await clip('first.mp4', 5 * PART_SIZE + 17), await clip('second.mp4', 100)];
    const answer = await upload(first.path, second.path, '--json', '--manifest');
    expect(answer).toMatchObject({ code: 0 });
    for (const [index, file] of [first, second].entries()) {
      const line = JSON.parse(answer.stdout.split('\n')[index] ?? '') as Record<string, string>;
      expect(line).toMatchObject({ file: file.path, state: 'sealed', sha256: sha256(file.content), size: file.content.length });
      const received = service.recordings.get(line['recording'] ?? '');
      expect(received && sha256(contentOf(received))).toBe(sha256(file.content));
      expect(sha256(await readFile(file.path))).toBe(sha256(file.content));
      const verified = await dock('verify-receipt', line['receipt'] ?? '', '--file', file.path);
      expect(verified).toMatchObject({ code: 0 });
    }
    const manifest = readManifest(await readFile(`${first.path}.manifest.note`, 'utf8'));
    expect(manifest.files.map(({ name }) => name)).toEqual(['first.mp4', 'second.mp4']);
    expect(await readdir(join(dockHome.state, 'manifests'))).toEqual([]);
  });

  it('takes metadata from the sidecar, flags before it, and the time of change for want of both', async () => {
    const { path } = await clip('clip.mp4', 100);
    const taken = new Date('2026-11-19T08:00:00.000Z');
    await utimes(path, taken, taken);
    await writeFile(`${path}.json`, JSON.stringify({ camera: 'C-1', officer: 'B-1', clockOffsetMs: -1500 }));
    expect(await dock('upload', path, '--officer', 'B-2')).toMatchObject({ code: 0 });
    const [received] = [...service.recordings.values()];
    const recordedAt = taken.toISOString();
    expect(received?.file).toMatchObject({ camera: 'C-1', officer: 'B-2', clockOffsetMs: -1500, recordedAt });
  });

  it('announces files with long tracks under several manifests, because one would be larger than the service takes', async () => {
    const clips = await Promise.all(['a.mp4', 'b.mp4', 'c.mp4'].map((name) => clip(name, 100)));
    const gpsTrack = Array.from({ length: 10_000 }, (_, i) => ({
      atMs: i * 1000,
      latE7: -400_000_000 - i,
      lonE7: -1_000_000_000 - i,
    }));
    for (const { path } of clips) await writeFile(`${path}.json`, JSON.stringify({ gpsTrack }));
    expect(await upload(...clips.map(({ path }) => path), '--manifest', join(home, 'note'))).toMatchObject({ code: 0 });
    expect(service.recordings.size).toBe(3);
    const copies = (await readdir(home)).filter((name) => name.startsWith('note')).sort();
    expect(copies).toEqual(['note', 'note-2', 'note-3']);
    const notes = await Promise.all(copies.map((name) => readFile(join(home, name), 'utf8')));
    expect(notes.flatMap((note) => readManifest(note).files.map(({ name }) => name)).sort()).toEqual(['a.mp4', 'b.mp4', 'c.mp4']);
  });

  it('writes a time with an offset as UTC into the manifest', async () => {
    const { path } = await clip('clip.mp4', 100);
    await upload(path, '--recorded-at', '2026-11-20T10:30:00+02:00', '--clock-offset-ms=-20');
    const [received] = [...service.recordings.values()];
    expect(received?.file).toMatchObject({ recordedAt: '2026-11-20T08:30:00.000Z', clockOffsetMs: -20 });
  });

  it('loses nothing when connections break before and after the server did its work', async () => {
    service.fault = (_method, _path, count) => (['drop', 'drop-after', { status: 503 }, { status: 408 }] as const)[count - 1];
    const { path, content } = await clip('clip.mp4', 3 * PART_SIZE + 1);
    const answer = await upload(path);
    expect(answer).toMatchObject({ code: 0 });
    const received = [...service.recordings.values()];
    expect(received).toHaveLength(1);
    expect(received.map((each) => sha256(contentOf(each)))).toEqual([sha256(content)]);
  });

  it('goes on where it was when the server is killed and comes back', async () => {
    let restarted: Promise<void> | undefined;
    service.fault = (method, path, count) => {
      if (method !== 'PUT' || !path.endsWith('/parts/3') || count > 1) return undefined;
      restarted = service.stop().then(() => service.start());
      return 'drop';
    };
    const { path, content } = await clip('clip.mp4', 8 * PART_SIZE);
    expect(await upload(path)).toMatchObject({ code: 0 });
    expect(restarted).toBeDefined();
    expect([...service.recordings.values()].map((each) => sha256(contentOf(each)))).toEqual([sha256(content)]);
  });

  it('waits as long as Retry-After asks', async () => {
    const busy: Fault = { status: 429, headers: { 'retry-after': '1' } };
    service.fault = (method, _path, count) => (method === 'POST' && count === 1 ? busy : undefined);
    const { path } = await clip('clip.mp4', 100);
    expect(await upload(path)).toMatchObject({ code: 0 });
    const [first, second] = service.requests.filter((request) => request.path.endsWith('/manifests'));
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(995);
  });

  it('ends with 75 when the server stays away, and the next run resumes the same recording without sending parts again', async () => {
    service.fault = (method, path) => (method === 'PUT' && path.endsWith('/parts/4') ? { status: 503 } : undefined);
    const { path } = await clip('clip.mp4', 4 * PART_SIZE);
    const first = await upload(path, '--patience', '1');
    expect(first.code).toBe(75);
    expect(first.stdout).toContain('run the same command again later');
    const sent = service.count('PUT', /\/parts\/[123]$/);
    expect(sent).toBe(3);
    service.fault = () => undefined;
    expect(await upload(path)).toMatchObject({ code: 0 });
    expect(service.recordings.size).toBe(1);
    expect(service.count('PUT', /\/parts\/[123]$/)).toBe(sent);
  });

  it('ends with 75 when nobody listens', async () => {
    await service.stop();
    const answer = await upload((await clip('clip.mp4', 100)).path, '--patience', '1');
    expect(answer.code).toBe(75);
    expect(answer.stderr).toContain('ECONNREFUSED');
  });

  it('ends with 75 when the disk is full already while it finishes what the last run was erasing', async () => {
    const { path } = await clip('card/clip.mp4', 100);
    expect(await upload(path, '--receipts', join(home, 'receipts'))).toMatchObject({ code: 0 });
    const [name = ''] = await readdir(join(dockHome.state, 'files'));
    const entry = join(dockHome.state, 'files', name);
    await writeFile(entry, (await readFile(entry, 'utf8')).replace('"state"', '"erasing":true,"state"'));
    await rm(path);
    // A limit on the size of any file stands for the full disk
    const args = ['upload', (await clip('other.mp4', 100)).path, '--camera', 'C-9', '--patience', '1', '--ffprobe', 'off'];
    const { code, stderr } = await dockHome.start(args, {}, [], ['prlimit', '--fsize=400', '--']).ended;
    expect({ code, stderr }).toMatchObject({ code: 75, stderr: expect.stringContaining('the disk of this dock is full') });
  });

  it('sends a part again that arrived damaged, twice at most', async () => {
    const damaged: Fault = { status: 422, problem: { title: 'Digest mismatch' } };
    service.fault = (method, path, count) => (method === 'PUT' && path.endsWith('/2') && count <= 2 ? damaged : undefined);
    const { path } = await clip('clip.mp4', 3 * PART_SIZE);
    expect(await upload(path)).toMatchObject({ code: 0 });
    service.fault = (method, part) => (method === 'PUT' && part.endsWith('/2') ? damaged : undefined);
    const before = service.count('PUT', /\/parts\/2$/);
    const answer = await upload((await clip('other.mp4', 3 * PART_SIZE)).path);
    expect(answer.code).toBe(1);
    expect(answer.stdout).toContain('Digest mismatch');
    expect(service.count('PUT', /\/parts\/2$/) - before).toBe(3);
  });

  it('stops one refused file loudly, with title and detail, and still seals the other', async () => {
    const refused: Fault = {
      status: 403,
      problem: { title: 'Camera is not known', detail: 'Ask the administrator to add C-9.' },
    };
    const [bad, good] = [await clip('bad.mp4', PART_SIZE), await clip('good.mp4', PART_SIZE)];
    // Both are under way at once, and either may come first
    const isBad = (path: string): boolean =>
      [...service.recordings.values()].some(({ file, recording }) => file.name === 'bad.mp4' && path.includes(recording));
    service.fault = (method, path) => (method === 'PUT' && isBad(path) ? refused : undefined);
    const answer = await upload(bad.path, good.path);
    expect(answer.code).toBe(1);
    expect(answer.stdout).toContain('bad.mp4: failed, kept here: Camera is not known: Ask the administrator to add C-9.');
    expect(answer.stdout).toContain('good.mp4: sealed');
    expect(service.count('PUT', /./)).toBe(2);
  });

  it('names the recording that holds a duplicate', async () => {
    const holder = '01935e6a-7b2c-7def-8a11-000000000001';
    const problem = { type: 'urn:custodiet:duplicate-recording', title: 'Held already', recordings: [holder] };
    service.fault = (method) => (method === 'POST' ? { status: 409, problem } : undefined);
    const answer = await upload((await clip('clip.mp4', 100)).path, '--json');
    expect(answer.code).toBe(1);
    expect(JSON.parse(answer.stdout)).toMatchObject({ state: 'duplicate', duplicateOf: holder, problem });
    expect(await readdir(join(dockHome.state, 'manifests'))).toEqual([]);
  });

  it('counts what it had sealed before its journal and receipts were lost as sealed, under receipts fetched anew, and sends nothing', async () => {
    const clips = [await clip('one.mp4', 2 * PART_SIZE), await clip('two.mp4', 100)];
    const paths = clips.map(({ path }) => path);
    expect(await upload(...paths, '--receipts', join(home, 'receipts'))).toMatchObject({ code: 0 });
    const sent = service.count('PUT', /./);
    await rm(dockHome.state, { recursive: true });
    await rm(join(home, 'receipts'), { recursive: true });
    // Beside a file that is new, and with nothing but what is known
    const fresh = await clip('fresh.mp4', 100);
    for (const [names, flags] of [
      [[paths[0] ?? '', fresh.path], []],
      [[paths[1] ?? ''], ['--erase-after-receipt']],
    ] as const) {
      const answer = await upload(...names, '--receipts', join(home, 'receipts'), '--json', ...flags);
      expect(answer).toMatchObject({ code: 0, stderr: expect.stringContaining('sealed before') });
      const [line = ''] = answer.stdout.split('\n');
      expect(Object.keys(JSON.parse(line) as object)).not.toEqual(expect.arrayContaining(['duplicateOf']));
      expect(Object.keys(JSON.parse(line) as object)).not.toEqual(expect.arrayContaining(['problem']));
    }
    expect(service.count('PUT', /./)).toBe(sent + 1);
    expect(clips.map(({ content }) => service.of(content).length)).toEqual([1, 1]);
    expect(await dock('verify-receipts', join(home, 'receipts'))).toMatchObject({ code: 0 });
    expect(await readdir(join(home, 'receipts'))).toHaveLength(3);
    expect((await dockHome.statusOf('--all')).map(({ state }) => state).sort()).toEqual(['erased', 'sealed', 'sealed']);
  });

  it('keeps a file that is said to be sealed already, by this dock, under a receipt that does not verify', async () => {
    const { path } = await clip('clip.mp4', 100);
    await upload(path, '--receipts', join(home, 'receipts'));
    await rm(dockHome.state, { recursive: true });
    service.lies = true;
    const answer = await upload(path, '--receipts', join(home, 'again'), '--erase-after-receipt');
    expect(answer).toMatchObject({ code: 1, stdout: expect.stringContaining('the receipt does not verify') });
    expect(await readdir(join(home, 'again'))).toEqual([]);
    expect((await stat(path)).isFile()).toBe(true);
  });

  it('keeps no receipt that does not verify', async () => {
    service.lies = true;
    const { path } = await clip('clip.mp4', 100);
    const answer = await upload(path);
    expect(answer.code).toBe(1);
    expect(answer.stdout).toContain('SHA-256');
    expect((await readdir(home)).filter((name) => name.endsWith('.receipt.json'))).toEqual([]);
  });

  it('authenticates by the time of the server when its own clock is a day off', async () => {
    service.clockOffsetMs = 86_400_000;
    expect(await upload((await clip('clip.mp4', 3 * PART_SIZE)).path)).toMatchObject({ code: 0 });
  });

  it('stops a file that changes while it is being sent', async () => {
    const { path } = await clip('clip.mp4', 2 * PART_SIZE);
    service.fault = (method) => {
      if (method === 'PUT') void utimes(path, new Date(0), new Date(0));
      return undefined;
    };
    const answer = await upload(path);
    expect(answer.code).toBe(1);
    expect(answer.stdout).toContain('changed while');
    expect(service.count('POST', /complete$/)).toBe(0);
  });

  it('does not take a video for the place to write the manifest to', async () => {
    const [first, second] = [await clip('first.mp4', 100), await clip('second.mp4', 100)];
    const answer = await upload(first.path, '--manifest', second.path);
    expect(answer.code).toBe(2);
    expect(sha256(await readFile(second.path))).toBe(sha256(second.content));
    expect(service.requests).toEqual([]);
  });

  it('names every file that cannot be announced before it sends anything', async () => {
    const { path } = await clip('clip.mp4', 100);
    await writeFile(`${path}.json`, JSON.stringify({ camera: 'C-1', oficer: 'B-1' }));
    const answer = await dock('upload', path, join(home, 'none.mp4'), home);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain('oficer');
    expect(answer.stderr).toContain('none.mp4 cannot be read');
    expect(answer.stderr).toContain('it is not a file');
    expect(service.requests).toEqual([]);
  });

  it('refuses a key that others can read', async () => {
    await chmod(join(home, 'custodiet-dock/dock-key.pem'), 0o644);
    const answer = await upload((await clip('clip.mp4', 100)).path);
    expect(answer.code).toBe(2);
    expect(answer.stderr).toContain('can be read by others');
  });
});

describe('verify-receipt', () => {
  it('tells a changed file and an unreadable one from a verified one', async () => {
    await accepted();
    const { path } = await clip('clip.mp4', 100);
    await upload(path, '--receipts', join(home, 'receipts'));
    const [name = ''] = await readdir(join(home, 'receipts'));
    const receipt = join(home, 'receipts', name);
    expect(await dock('verify-receipt', receipt, '--file', path)).toMatchObject({ code: 0 });
    const other = await clip('other.mp4', 100);
    const changed = await dock('verify-receipt', receipt, '--file', other.path);
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain('NOT verified');
    expect(await dock('verify-receipt', receipt, '--file', join(home, 'none'))).toMatchObject({ code: 2 });
    expect(await dock('verify-receipt', receipt, '--file', path, '--log-key', 'nonsense')).toMatchObject({ code: 2 });
  });
});

it('prints the version of the package, and help, with exit code 0', async () => {
  const { version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string };
  expect(await dock('--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  const help = await dock('--help');
  expect(help.code).toBe(0);
  expect(help.stdout).toContain('Exit codes');
});

function accepted(): Promise<Ended> {
  return dockHome.accepted(service);
}

function clip(name: string, size: number): Promise<{ path: string; content: Buffer }> {
  return dockHome.clip(name, size);
}

function upload(...args: string[]): Promise<Ended> {
  return dock('upload', ...args, '--camera', 'C-9', '--officer', 'B-4711');
}

function dock(...args: string[]): Promise<Ended> {
  return dockHome.run(...args);
}
