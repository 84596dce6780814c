import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hangUp } from './http-exchange.js';
import { Journal } from './journal.js';
import { DockInProcess, type RunSetting } from './testing/dock-in-process.js';
import { contentOf, FaultyDockingServer, PART_SIZE, sha256 } from './testing/faulty-docking-server.js';

let home: string;
let service: FaultyDockingServer;
let dock: DockInProcess;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'custodiet-delivery-'));
  service = new FaultyDockingServer();
  await service.start();
  dock = new DockInProcess(service, join(home, 'state'));
  await dock.enrol();
});
afterEach(async () => {
  hangUp();
  await service.stop();
  await rm(home, { recursive: true });
});

async function clip(name: string, size: number): Promise<{ path: string; content: Buffer }> {
  const [path, content] = [join(home, name), randomBytes(size)];
  await writeFile(path, content);
  return { path, content };
}

describe('a power cut', () => {
  const SIZE = 3 * PART_SIZE + 1;

  /** Cuts the power at the n-th moment of a run, then runs again. False when the run had fewer moments. */
  async function survives(n: number, setting: RunSetting): Promise<boolean> {
    service.recordings.clear();
    const state = new DockInProcess(service, join(home, `state-${String(n)}`));
    await state.enrol();
    const { path, content } = await clip(`clip-${String(n)}.mp4`, SIZE);
    const ending = new AbortController();
    let moments = 0;
    const isTheMoment = (): boolean => (moments += 1) === n;
    service.fault = () => {
      // As the request arrives, before the service does anything; the moment after its work is the one before the next write
      if (isTheMoment()) ending.abort(new Error('The power is gone'));
      return undefined;
    };
    const first = await state.run([path], { ...setting, ending, powerCut: isTheMoment });
    service.fault = () => undefined;
    const again = first ?? (await state.run([path], setting).catch((error: unknown) => error));
    const received = service.of(content);
    const isErased = !(await exists(path));
    const told = { n, recordings: received.length, repeated: received.map((each) => each.repeated), isErased, said: state.said };
    if (again instanceof Error) {
      // The deletion was the last step: there is nothing left to describe
      expect({ ...told, said: '', again: again.message }).toMatchObject({ recordings: 1, repeated: [0], isErased: true });
    } else {
      expect({ ...told, again }).toMatchObject({ recordings: 1, repeated: [0], again: [{ state: 'sealed' }] });
    }
    expect(received.map((each) => sha256(contentOf(each)))).toEqual([sha256(content)]);
    expect(isErased).toBe(setting.erase === true);
    const entries = await Journal.read(state.folder, (sentence) => state.said.push(sentence));
    expect({ n, states: entries.map((entry) => entry.state) }).toEqual({
      n,
      states: [setting.erase === true ? 'erased' : 'sealed'],
    });
    return first === undefined;
  }

  it.each([
    ['between any two steps leaves one recording, and no part is sent twice', {}],
    ['between any two steps of a run that erases', { erase: true }],
  ])('%s', async (_, setting) => {
    service.sealsAtOnce = true;
    let cuts = 0;
    while (await survives(cuts + 1, { ...setting, parallelParts: 1 })) cuts += 1;
    // Six writes with a moment on either side, and seven requests, are the least that there are
    expect(cuts).toBeGreaterThanOrEqual(19);
  });
});

it('takes the next manifest when the service gave the upload up, and keeps what it says of the first', async () => {
  const { path, content } = await clip('clip.mp4', 2 * PART_SIZE);
  service.fault = (method, request, count) => {
    const [received] = service.of(content);
    if (
      method === 'PUT' &&
      request.endsWith('/parts/2') &&
      count === 1 &&
      received !== undefined &&
      service.recordings.size === 1
    ) {
      received.state = 'expired';
    }
    return undefined;
  };
  expect(await dock.run([path])).toMatchObject([{ state: 'sealed' }]);
  expect(service.of(content).map(({ state }) => state)).toEqual(['expired', 'sealed']);
  expect(dock.said.join('\n')).toContain('gave the upload up; announcing it anew');
});

it('stops loudly when the service gives up again and again', async () => {
  const { path } = await clip('clip.mp4', PART_SIZE);
  service.fault = (method) => {
    if (method === 'PUT') for (const each of service.recordings.values()) each.state = 'expired';
    return undefined;
  };
  expect(await dock.run([path])).toMatchObject([{ state: 'failed', reason: expect.stringContaining('again and again') }]);
});

it('sends flagged files first, then the oldest, one after the other when told so', async () => {
  const names = ['new.mp4', 'old.mp4', 'middle.mp4', 'flagged.mp4'];
  const clips = await Promise.all(names.map((name) => clip(name, PART_SIZE)));
  for (const [i, day] of [4, 1, 2, 5].entries()) await utimes(clips[i]?.path ?? '', day * 86_400, day * 86_400);
  await writeFile(`${clips[3]?.path ?? ''}.json`, JSON.stringify({ flagged: true }));
  // Everything is read before the first is sent, so that all four wait together
  const { promise, resolve } = Promise.withResolvers<void>();
  const held = service.hold((method, path) => (method === 'POST' && path.endsWith('/manifests') ? promise : undefined));
  const run = dock.run(
    clips.map(({ path }) => path),
    { parallelFiles: 1 },
  );
  await held;
  while ((await Journal.read(dock.folder, () => undefined)).filter(({ file }) => file !== undefined).length < 4) await tick();
  resolve();
  await run;
  const sent = [...service.recordings.values()].map(({ file }) => file.name);
  // Whoever was described first had begun already
  expect(sent.slice(1)).toEqual(['flagged.mp4', 'old.mp4', 'middle.mp4', 'new.mp4'].filter((name) => name !== sent[0]));
});

it('never has more parts under way than it is told, over all files', async () => {
  const clips = await Promise.all(['a', 'b', 'c'].map((name) => clip(`${name}.mp4`, 6 * PART_SIZE)));
  const { promise: two, resolve } = Promise.withResolvers<void>();
  void service.hold((method) => {
    if (service.mostAtOnce >= 2) resolve();
    return method === 'PUT' ? two : undefined;
  });
  await dock.run(
    clips.map(({ path }) => path),
    { parallelParts: 2, parallelFiles: 3 },
  );
  expect(service.mostAtOnce).toBe(2);
});

it('keeps to the cap on what it sends', async () => {
  const clips = await Promise.all(['a', 'b'].map((name) => clip(`${name}.mp4`, 8 * PART_SIZE)));
  const [began, bytesPerSecond] = [performance.now(), 512 * 1024];
  await dock.run(
    clips.map(({ path }) => path),
    { cap: 0.5 },
  );
  let bytes = 0;
  for (const arrival of service.arrivals) {
    bytes += arrival.bytes;
    expect(bytes).toBeLessThanOrEqual((bytesPerSecond * (arrival.at - began)) / 1000 + bytesPerSecond / 2);
  }
  expect(bytes).toBe(16 * PART_SIZE);
});

it('a copy of a file that is being sent waits for it, and no part goes twice', async () => {
  const { path, content } = await clip('clip.mp4', 4 * PART_SIZE);
  await writeFile(join(home, 'copy.mp4'), content);
  await utimes(path, 1000, 1000);
  await utimes(join(home, 'copy.mp4'), 1000, 1000);
  await dock.run([path, join(home, 'copy.mp4')]);
  expect(service.of(content).map(({ repeated }) => repeated)).toEqual(service.of(content).map(() => 0));
  expect(service.count('PUT', /./)).toBe(4 * service.of(content).length);
});

it('keeps a file whose receipt does not verify, although it was told to erase', async () => {
  service.lies = true;
  const { path } = await clip('clip.mp4', 100);
  const outcome = await dock.run([path], { erase: true });
  expect(outcome).toMatchObject([{ state: 'failed', reason: expect.stringContaining('the receipt does not verify') }]);
  expect(await exists(path)).toBe(true);
  expect(await readdir(join(dock.folder, 'receipts')).catch(() => [])).toEqual([]);
});

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
