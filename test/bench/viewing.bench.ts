import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clipBytes } from '../e2e/clip-bytes.js';
import { ask, fileOf, grant, inSeconds, largestOf, openViewing, playable, type Segment } from '../e2e/watching.js';
import type { PersonAnswer, ViewingAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import type { Bench } from './figure.js';
import { PlainServer } from './plain-server.js';
import { cpuSeconds } from './process-usage.js';
import { load, type LoadOpener, type LoadViewer } from './viewing-load.js';

const MIB = 2 ** 20;
const SIZE = { width: 1280, height: 720, fps: 30 };
const SEGMENT_EVERY_MS = 4000;
/** As often as the player is told to, at least. */
const REPORT_EVERY_MS = 10_000;
/** Signing in is made to be slow, so that one person watches in several windows. */
const VIEWINGS_OF_A_PERSON = 10;
/** Viewers to one that opens in each second. */
const VIEWERS_TO_OPENINGS = 10;
const WARM_UP_SECONDS = 5;
const CONNECTIONS = 16;
/** Product and reference by turns, so that whatever else the machine does meanwhile meets both. */
const TURNS = 3;
const PURPOSE = 'internal-investigation';
/** Of how long the viewers watch, what each turn of fetching as fast as possible takes. */
const TURN_PART = 1 / 12;

/**
 * Viewers who each fetch a segment every four seconds and report what they played, while others open viewings, all through the running product and
 * on record. Then the same segments as fast as they come, over a few connections, by turns with nginx serving them from disk.
 */
export async function viewingBench({ seconds, viewers: count, clipSeconds, report, say }: Bench): Promise<void> {
  const stack = await startStack();
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-bench-viewing-'));
  try {
    say(`a recording of ${clipSeconds} s, ${SIZE.width}×${SIZE.height}, and its playback copy`);
    const recording = await played(stack, await clipBytes({ seconds: clipSeconds, ...SIZE }));
    const people = await viewersOf(stack, recording, Math.ceil(count / VIEWINGS_OF_A_PERSON));
    const { files, viewers } = await watching(people, recording, count);
    const size = [...files.values()].reduce((sum, bytes) => sum + bytes.length, 0) / files.size;
    const opensPerSecond = count / VIEWERS_TO_OPENINGS;
    say(
      `${viewers.length} viewings by ${people.length} people, ${files.size} segments of ${Math.round(size / 1000)} kB on average; ` +
        `${opensPerSecond} more viewings opened each second, for ${seconds} s`,
    );
    const openers = people.map(({ cookie }): LoadOpener => {
      return { cookie, path: `/api/recordings/${recording}/viewings`, body: JSON.stringify({ purpose: PURPOSE }) };
    });
    const pace = { kind: 'paced', origin: stack.url, segmentEveryMs: SEGMENT_EVERY_MS, reportEveryMs: REPORT_EVERY_MS } as const;
    // What runs for the first time is compiled first, which an agency's service was long ago. No reports: their numbers are good once.
    const silent = viewers.map(({ cookie, segments }): LoadViewer => ({ cookie, segments }));
    await load({ ...pace, seconds: Math.min(WARM_UP_SECONDS, seconds), viewers: silent, openers, opensPerSecond });
    const before = cpuOf(stack);
    const paced = await load({ ...pace, seconds, viewers, openers, opensPerSecond });
    const after = cpuOf(stack);
    const parts = (of: 'api' | 'worker'): string => `${((100 * (after[of] - before[of])) / paced.seconds).toFixed(0)} %`;
    say(
      `${paced.segments} segments (median ${at(paced.firstByteMs, 0.5).toFixed(1)} ms), ${paced.openMs.length} openings ` +
        `(median ${at(paced.openMs, 0.5).toFixed(0)} ms), ${paced.reports} reports; of a core the API took ${parts('api')}, the worker ${parts('worker')}`,
    );
    report({ name: 'viewing.first-byte-p99', value: at(paced.firstByteMs, 0.99), unit: 'ms' });
    report({ name: 'viewing.missed-deadlines', value: paced.missed, unit: 'segments' });
    report({ name: 'viewing.open-p99', value: at(paced.openMs, 0.99), unit: 'ms' });

    const full = await fullSpeed(stack, viewers.slice(0, CONNECTIONS), files, { seconds: seconds * TURN_PART, folder });
    if (full.plainSpeed === undefined)
      say('There is no nginx here (Debian: nginx-light; NGINX_PATH says where), so no ratio to it.');
    const reference = full.plainSpeed === undefined ? {} : { reference: full.plainSpeed };
    report({ name: 'viewing.throughput', value: full.speed, unit: 'MiB/s', ...reference });
    report({ name: 'viewing.api-cpu-per-gib', value: full.apiCpu, unit: 's' });
  } finally {
    await stack.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One person in one session. */
interface Watcher {
  readonly cookie: string;
  readonly http: HttpClient;
}

async function played(stack: Stack, clip: Buffer): Promise<string> {
  const dock = await TestDock.enrol(await stack.signIn('administrator'));
  const { recording } = await dock.upload('bench.mp4', clip, { officer: 'B-1' });
  await playable(await stack.signIn('auditor'), recording, 1_800_000);
  return recording;
}

/** New people who all may watch it. */
async function viewersOf(stack: Stack, recording: string, count: number): Promise<Watcher[]> {
  const [administrator, custodian] = await Promise.all([stack.signIn('administrator'), stack.signIn('custodian')]);
  const people: Watcher[] = [];
  for (let n = 0; n < count; n++) {
    const [username, password] = [`bench-${n}`, randomBytes(12).toString('base64url')];
    const person = { username, password, name: `Bench ${n}`, badge: null, roles: ['investigator'], sameAs: null };
    (await administrator.post<PersonAnswer>('/api/people', person)).expect(201);
    const http = new HttpClient(stack.url);
    const session = (await http.post('/api/session', { username, password })).expect(200);
    const [cookie = ''] = (session.headers.getSetCookie()[0] ?? '').split(';');
    await grant(custodian, await ask(http, recording, { until: inSeconds(7200) }));
    people.push({ cookie, http });
  }
  return people;
}

/** Opens that many viewings, and fetches each segment of the largest size once. */
async function watching(
  people: readonly Watcher[],
  recording: string,
  count: number,
): Promise<{ readonly files: Map<string, Buffer>; readonly viewers: LoadViewer[] }> {
  const opened = await Promise.all(
    people.map(async ({ cookie, http }, n) => {
      const own: { readonly cookie: string; readonly viewing: ViewingAnswer }[] = [];
      for (let m = n; m < count; m += people.length) own.push({ cookie, viewing: await openViewing(http, recording, PURPOSE) });
      return own;
    }),
  );
  const [first] = opened.flat();
  const [someone] = people;
  if (first === undefined || someone === undefined) throw new Error('There are no viewers.');
  const { segments } = await largestOf(someone.http, first.viewing);
  const files = new Map<string, Buffer>();
  for (const { name } of segments) files.set(name, (await someone.http.get(fileOf(first.viewing, name))).expect(200).bytes);
  const viewers = opened.flat().map(({ cookie, viewing }, n): LoadViewer => {
    // Nobody began at the same moment, so each is somewhere else in the recording.
    const turned = [...segments.slice(n % segments.length), ...segments.slice(0, n % segments.length)];
    const paths = turned.map((segment: Segment) => ({ ...segment, path: fileOf(viewing, segment.name) }));
    return { cookie, segments: paths, reports: `/api/viewings/${viewing.viewing}/reports` };
  });
  return { files, viewers };
}

async function fullSpeed(
  stack: Stack,
  viewers: readonly LoadViewer[],
  files: ReadonlyMap<string, Uint8Array>,
  { seconds, folder }: { readonly seconds: number; readonly folder: string },
): Promise<{ readonly speed: number; readonly plainSpeed: number | undefined; readonly apiCpu: number }> {
  const plain = await PlainServer.serving(files, join(folder, 'nginx'));
  const plainViewers = viewers.map(({ segments }): LoadViewer => {
    return {
      cookie: '',
      segments: segments.map((segment) => ({ ...segment, path: segment.path.slice(segment.path.lastIndexOf('/')) })),
    };
  });
  const sum = { ours: 0, oursSeconds: 0, plain: 0, plainSeconds: 0, api: 0 };
  try {
    await load({ kind: 'full', origin: stack.url, seconds: Math.min(1, seconds), viewers });
    for (let turn = 0; turn < TURNS; turn++) {
      if (plain !== undefined) {
        const reference = await load({ kind: 'full', origin: plain.url, seconds, viewers: plainViewers });
        sum.plain += reference.bytes / MIB;
        sum.plainSeconds += reference.seconds;
      }
      const before = cpuOf(stack).api;
      const ours = await load({ kind: 'full', origin: stack.url, seconds, viewers });
      sum.api += cpuOf(stack).api - before;
      sum.ours += ours.bytes / MIB;
      sum.oursSeconds += ours.seconds;
    }
  } finally {
    await plain?.stop();
  }
  const plainSpeed = plain === undefined ? undefined : sum.plain / sum.plainSeconds;
  return { speed: sum.ours / sum.oursSeconds, plainSpeed, apiCpu: sum.api / (sum.ours / 1024) };
}

function cpuOf(stack: Stack): { readonly api: number; readonly worker: number } {
  return { api: cpuSeconds(stack.api.pid), worker: cpuSeconds(stack.worker.pid) };
}

function at(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? NaN;
}
