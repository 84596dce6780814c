import { Writable } from 'node:stream';
import { runFfmpeg } from '../ffmpeg-runner.js';
import type { FfmpegOutput } from '../ffmpeg-runner.js';
import { MediaError } from '../media-error.js';
import type { MediaTools } from '../media-tools.js';
import type { GreyFrame } from './grey-frame.js';
import type { Size } from './median-flow.rules.js';

/** Part of a recording in a file of its own, such as some segments of its playback copy. */
export interface Span {
  readonly file: string;
  /** When its first picture is shown, in milliseconds from the start of the recording. */
  readonly startsAtMs: number;
}

export interface GreyFrames {
  readonly span: Span;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Pictures a second; where the recording has fewer, some come twice. */
  readonly rate: number;
  readonly size: Size;
  readonly signal?: AbortSignal;
}

/** Pure: frame by frame at an even rate, each tick with the picture a viewer sees at that time. `first` is the tick of the first. */
export function greyFrameOutput(frames: Omit<GreyFrames, 'signal'>, to: Writable): { output: FfmpegOutput; first: number } {
  const tick = (ms: number): number => Math.max(0, Math.floor(((ms - frames.span.startsAtMs) * frames.rate) / 1000 + 1e-6));
  const first = tick(frames.fromMs);
  const filters = [
    'setpts=PTS-STARTPTS',
    `fps=${frames.rate}:round=up:start_time=0`,
    `trim=start_frame=${first}:end_frame=${tick(frames.untilMs) + 1}`,
    `scale=${frames.size.width}:${frames.size.height}:flags=area`,
    'format=gray',
  ];
  const options = ['-map', '0:V:0', '-vf', filters.join(','), '-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-f', 'rawvideo'];
  return { output: { options, to }, first };
}

/**
 * Hands on the pictures of a span in shades of grey, one after the other; the next is decoded when `onFrame` is done with this one. It says
 * false when it has seen enough. A picture is only good until then: the next takes its place.
 *
 * @returns the number of pictures handed on
 * @throws MediaError `failed`, `time-limit`, `aborted`
 */
export async function readGreyFrames(
  tools: MediaTools,
  frames: GreyFrames,
  onFrame: (frame: GreyFrame, atMs: number) => Promise<boolean>,
): Promise<number> {
  const enough = new AbortController();
  const signal = frames.signal === undefined ? enough.signal : AbortSignal.any([frames.signal, enough.signal]);
  let stopped = false;
  let failure: unknown;
  let count = 0;
  const sink = new FrameSink(frames.size, async (frame) => {
    if (stopped) return;
    const atMs = frames.span.startsAtMs + ((first + count) * 1000) / frames.rate;
    count += 1;
    try {
      stopped = !(await onFrame(frame, atMs));
    } catch (error) {
      failure = error;
      stopped = true;
    }
    if (stopped) enough.abort();
  });
  const { output, first } = greyFrameOutput(frames, sink);
  try {
    await runFfmpeg(tools, { input: { options: [], file: frames.span.file }, outputs: [output], signal });
  } catch (error) {
    const ours = stopped && error instanceof MediaError && error.code === 'aborted' && frames.signal?.aborted !== true;
    if (!ours) throw failure ?? error;
  }
  if (failure !== undefined) throw failure as Error;
  return count;
}

/** Takes bytes in pieces of any size and hands on whole pictures. 'close' is not emitted: fluent-ffmpeg takes it for a broken pipe. */
class FrameSink extends Writable {
  /** Two in turn, so that the picture before the current one can still be looked at. */
  private readonly frames: readonly [GreyFrame, GreyFrame];
  private filled = 0;
  private turn: 0 | 1 = 0;

  constructor(
    size: Size,
    private readonly onFrame: (frame: GreyFrame) => Promise<void>,
  ) {
    super({ autoDestroy: false, emitClose: false, highWaterMark: 1 << 20 });
    const frame = (): GreyFrame => ({ ...size, pixels: new Uint8Array(size.width * size.height) });
    this.frames = [frame(), frame()];
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.take(chunk).then(() => done(), done);
  }

  private async take(chunk: Buffer): Promise<void> {
    for (let from = 0; from < chunk.length;) {
      const frame = this.frames[this.turn];
      const taken = chunk.copy(frame.pixels, this.filled, from);
      from += taken;
      this.filled += taken;
      if (this.filled < frame.pixels.length) continue;
      this.filled = 0;
      this.turn = this.turn === 0 ? 1 : 0;
      await this.onFrame(frame);
    }
  }
}
