import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkPlan, probe, renderRedaction, transcodeForPlayback, type MediaTools, type Probe, type RedactionPlan } from '#media';
import { chainOf } from '../e2e/custody-chain.js';
import { ask, grant, openViewing, playable } from '../e2e/watching.js';
import { synthesiseClip } from '../clips/synthesise.js';
import { TestDock } from '../support/dock.js';
import { startStack } from '../support/stack.js';
import type { Bench } from './figure.js';
import { cpuSecondsWithChildren } from './process-usage.js';

const REGIONS = [1, 10, 40, 200];
/** Product and reference by turns, so that whatever else the machine does meanwhile meets both. */
const TURNS = 2;
const PREVIEWS = 5;
const SIZE = { width: 1920, height: 1080, fps: 30 };

/** Processor time of renditions and redactions beside plain ffmpeg with the same encoders, then what a whole job takes beside its encoding. */
export async function mediaBench({ clipSeconds, report, say }: Bench): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-bench-media-'));
  const tools: MediaTools = {
    ffmpeg: process.env['FFMPEG_PATH'] || 'ffmpeg',
    ffprobe: process.env['FFPROBE_PATH'] || 'ffprobe',
    scratch: folder,
    // Bubblewrap does not wait for what it shut in, so nobody could say what that took.
    sandbox: 'off',
  };
  try {
    const file = join(folder, 'clip.mp4');
    say(`a clip of ${clipSeconds} s, ${SIZE.width}×${SIZE.height}, ${SIZE.fps} frames a second`);
    await synthesiseClip(tools, { out: file, seconds: clipSeconds, camera: 'BENCH-1', ...SIZE });
    const found = await probe(tools, file);
    const reference = new PlainFfmpeg(tools, file, folder);

    const renditions = await byTurns(
      () => cpuOf(async () => void (await transcodeForPlayback(tools, { file, probe: found, outDir: join(folder, 'hls') }))),
      () => cpuOf(() => reference.ladder()),
    );
    report({ name: 'media.renditions', value: renditions.ours, unit: 's', reference: renditions.plain });
    for (const count of REGIONS) {
      const plan = movingRegions(count, found);
      const faults = checkPlan(plan, found);
      if (faults.length > 0) throw new Error(faults.join(' '));
      const out = join(folder, 'redacted.mp4');
      const redaction = await byTurns(
        () => cpuOf(async () => void (await renderRedaction(tools, { file, probe: found, plan, out }))),
        () => cpuOf(() => reference.single()),
      );
      report({ name: `media.redact-${count}`, value: redaction.ours, unit: 's', reference: redaction.plain });
    }
    await wholeJob(await readFile(file), { tools, file, found, folder }, report, say);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Direct {
  readonly tools: MediaTools;
  readonly file: string;
  readonly found: Probe;
  readonly folder: string;
}

/** Through the running product: the job from its start to its end beside the same encoding alone, then previews over HTTP. */
async function wholeJob(
  bytes: Buffer,
  { tools, file, found, folder }: Direct,
  report: Bench['report'],
  say: Bench['say'],
): Promise<void> {
  say('the same clip through the running product');
  const stack = await startStack();
  try {
    const [administrator, custodian, auditor, viewer] = await Promise.all(
      ['administrator', 'custodian', 'auditor', 'investigator'].map((role) => stack.signIn(role)),
    );
    if (!administrator || !custodian || !auditor || !viewer) throw new Error('There are too few accounts.');
    const dock = await TestDock.enrol(administrator);
    const seconds = { job: 0, alone: 0 };
    let recording = '';
    for (let turn = 0; turn < TURNS; turn++) {
      // A few bytes behind the film make it another file.
      ({ recording } = await dock.upload('bench.mp4', withMark(bytes, turn), { officer: 'B-1' }));
      await playable(auditor, recording, 1_800_000);
      const chain = await chainOf(auditor, recording);
      const at = (type: string): number => Date.parse(chain.find((entry) => entry.type === type)?.at ?? '');
      // With the time that it waited in the queue.
      seconds.job += (at('rendition.published') - at('recording.sealed')) / 1000;
      const begun = performance.now();
      await transcodeForPlayback(tools, { file, probe: found, outDir: join(folder, 'alone') });
      seconds.alone += (performance.now() - begun) / 1000;
    }
    report({ name: 'media.job-overhead', value: seconds.job / TURNS, unit: 's', reference: seconds.alone / TURNS });
    await grant(custodian, await ask(viewer, recording));
    const { viewing } = await openViewing(viewer, recording);
    const plan = movingRegions(10, found);
    const middle = Math.round(found.durationMs / 2);
    for (const [name, of] of [
      ['media.preview', { atMs: middle }],
      ['media.preview-span', { fromMs: middle, toMs: middle + 2000 }],
    ] as const) {
      const times: number[] = [];
      for (let n = 0; n < PREVIEWS; n++) {
        const begun = performance.now();
        (await viewer.post(`/api/viewings/${viewing}/preview`, { plan, ...of })).expect(200);
        times.push(performance.now() - begun);
      }
      report({ name, value: times.sort((a, b) => a - b)[PREVIEWS >> 1] ?? NaN, unit: 'ms' });
    }
  } finally {
    await stack.stop();
  }
}

/** What any engineer would type: the same encoders with the same settings, and nothing else. */
class PlainFfmpeg {
  constructor(
    private readonly tools: MediaTools,
    private readonly file: string,
    private readonly folder: string,
  ) {}

  /** Three sizes in H.264, the sound once. */
  async ladder(): Promise<void> {
    const graph = '[0:v]split=3[v0][b][c];[b]scale=1280:720[v1];[c]scale=640:360[v2]';
    const rungs = ['6000', '4000', '1000'].flatMap((peak, at) => [
      ...['-map', `[v${at}]`, '-c:v', 'libx264', '-threads', '4', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23'],
      ...['-maxrate', `${peak}k`, '-bufsize', `${Number(peak) * 2}k`, '-force_key_frames', 'expr:gte(t,n_forced*4)'],
      ...['-sc_threshold', '0', join(this.folder, `plain-${at}.mp4`)],
    ]);
    await this.run(['-filter_complex', graph, ...rungs, '-map', '0:a', '-c:a', 'aac', '-b:a', '128k', this.at('plain.m4a')]);
  }

  /** One file of the source's size. */
  async single(): Promise<void> {
    const picture = ['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '18', '-bf', '0', '-threads:v', '4'];
    await this.run([...picture, '-c:a', 'aac', '-b:a', '160k', this.at('plain.mp4')]);
  }

  private at(name: string): string {
    return join(this.folder, name);
  }

  private async run(options: readonly string[]): Promise<void> {
    await promisify(execFile)(this.tools.ffmpeg, ['-nostdin', '-loglevel', 'error', '-y', '-i', this.file, ...options]);
  }
}

/** Rectangles that walk over the picture for all of its length, with a keyframe each second. */
function movingRegions(count: number, { durationMs, video }: Probe): RedactionPlan {
  const size = { width: Math.round(video.width / 12), height: Math.round(video.height / 12) };
  const room = { x: video.width - size.width, y: video.height - size.height };
  const regions = Array.from({ length: count }, (_, n): RedactionPlan['regions'][number] => ({
    shape: 'rectangle',
    reason: 'bystander',
    keyframes: Array.from({ length: Math.floor(durationMs / 1000) + 1 }, (_, second) => ({
      atMs: second * 1000,
      x: Math.round((room.x * (1 + Math.sin(n + second / 5))) / 2),
      y: Math.round((room.y * (1 + Math.cos(2 * n + second / 7))) / 2),
      ...size,
    })),
  }));
  return { v: 1, regions, mutes: [] };
}

/** Means over the turns, in seconds. */
async function byTurns(ours: () => Promise<number>, plain: () => Promise<number>): Promise<{ ours: number; plain: number }> {
  const sum = { ours: 0, plain: 0 };
  for (let turn = 0; turn < TURNS; turn++) {
    sum.plain += await plain();
    sum.ours += await ours();
  }
  return { ours: sum.ours / TURNS, plain: sum.plain / TURNS };
}

/** Processor time of this process and of all that it started and that ended meanwhile. */
async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = cpuSecondsWithChildren();
  await work();
  return cpuSecondsWithChildren() - before;
}

/** The same film as another file: a `free` box behind it (ISO/IEC 14496-12 §8.1.2). */
function withMark(mp4: Buffer, mark: number): Buffer {
  const box = Buffer.alloc(12);
  box.writeUInt32BE(12, 0);
  box.write('free', 4, 'latin1');
  box.writeUInt32BE(mark, 8);
  return Buffer.concat([mp4, box]);
}
