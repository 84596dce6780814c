import type { FileHandle } from 'node:fs/promises';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runFfmpeg } from './ffmpeg-runner.js';
import { openOwn, sizeOfMade } from './made-file.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { even } from './playback-ladder.js';
import type { Rung } from './playback-ladder.js';
import type { Still } from './playback-playlists.js';
import type { Segment } from './playback-track.js';
import { PictureFlow } from './waveform.js';

/** 100 s: a sheet of at most ten by ten stills, and no more than some ten megabytes on disk at a time. */
const SEGMENTS_AT_ONCE = 25;
const STILL_SIDE = 160;
const COUNTED_SIDE = 2;

/** Seconds between the stills of a sprite: close together in a short recording, where the seek bar is wide. All divide a sheet's 100 s. */
export function secondsBetweenStills(durationMs: number): number {
  if (durationMs <= 100_000) return 1;
  return durationMs <= 600_000 ? 2 : 4;
}

/** The longer side 160 pixels, never enlarged. */
export function stillSize({ width, height }: Pick<Rung, 'width' | 'height'>): {
  readonly width: number;
  readonly height: number;
} {
  const ratio = Math.min(1, STILL_SIDE / Math.max(width, height));
  return { width: even(width * ratio), height: even(height * ratio) };
}

/** How many stills fit into a span, the first at its beginning: the last must have a picture that begins at or after its time. */
export function stillsIn(spanMs: number, pictureMs: number, stepMs: number): number {
  return Math.max(1, Math.floor((spanMs - pictureMs + 1) / stepMs) + 1);
}

/**
 * Plays the smallest rung as a player would, a hundred seconds at a time while the encoder goes on, and takes the seek sprite from the same
 * decoding. All rungs come from the same pictures by the same encoder and are counted in their own tables; decoding the large ones too would
 * cost half as much again as making them.
 */
export class DecodingCheck {
  readonly stills: Still[] = [];
  readonly sheets: { readonly name: string; readonly startMs: number; readonly durationMs: number }[] = [];
  private waiting: Segment[] = [];
  private readonly path: string;
  /** Kept open: the encoder still runs, and by its name we might write into another. */
  private file: FileHandle | undefined;

  constructor(
    private readonly tools: MediaTools,
    private readonly folder: string,
    private readonly rung: Rung,
    private readonly stepMs: number,
    private readonly signal: AbortSignal,
  ) {
    this.path = join(folder, 'check.mp4');
  }

  /** @throws MediaError `failed` when a picture does not decode */
  async add(segment: Segment, init: () => Promise<Buffer>, bytes: Buffer): Promise<void> {
    if (this.file === undefined) {
      this.file = await openOwn(this.path);
      await this.file.writeFile(await init());
    }
    await this.file.writeFile(bytes);
    this.waiting.push(segment);
    if (this.waiting.length === SEGMENTS_AT_ONCE) await this.decode();
  }

  async end(): Promise<void> {
    if (this.waiting.length > 0) await this.decode();
  }

  async close(): Promise<void> {
    await this.file?.close();
    this.file = undefined;
  }

  private async decode(): Promise<void> {
    const sheet = `sprite-${String(this.sheets.length).padStart(3, '0')}.jpg`;
    const [first, last] = [this.waiting[0], this.waiting.at(-1)];
    const [fromMs, toMs] = [first?.startMs ?? 0, (last?.startMs ?? 0) + (last?.durationMs ?? 0)];
    const expected = this.waiting.reduce((sum, { samples }) => sum + samples, 0);
    this.waiting = [];
    await this.close();
    const count = stillsIn(toMs - fromMs, (toMs - fromMs) / expected, this.stepMs);
    const columns = Math.min(10, count);
    const { width, height } = stillSize(this.rung);
    const decoded = new PictureFlow(COUNTED_SIDE * COUNTED_SIDE);
    const graph = [
      '[0:v:0]split=2[all][some]',
      `[all]scale=${COUNTED_SIDE}:${COUNTED_SIDE}:flags=neighbor,format=gray[counted]`,
      `[some]select='gte(t-start_t,selected_n*${this.stepMs / 1000}-0.001)',scale=${width}:${height}:out_range=pc,format=yuvj420p,` +
        `tile=${columns}x${Math.ceil(count / columns)}[sheet]`,
    ].join(';');
    await runFfmpeg(this.tools, {
      input: { options: ['-xerror', '-threads', '1'], file: this.path },
      outputs: [
        {
          options: [
            ...['-filter_complex', graph, '-map', '[counted]', '-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-f', 'rawvideo'],
          ],
          to: decoded,
        },
        {
          options: ['-map', '[sheet]', '-frames:v', '1', '-c:v', 'mjpeg', '-q:v', '5', '-f', 'image2', '-update', '1'],
          to: sheet,
        },
      ],
      cwd: this.folder,
      signal: this.signal,
    }).catch((error: unknown) => {
      if (!(error instanceof MediaError) || error.code !== 'failed') throw error;
      throw new MediaError('failed', `The playback copy cannot be played ${this.span(fromMs, toMs)}.`, { cause: error });
    });
    await rm(this.path, { force: true });
    if (decoded.pictures !== expected) {
      const where = this.span(fromMs, toMs);
      throw new MediaError('failed', `The playback copy plays ${decoded.pictures} of its ${expected} pictures ${where}.`);
    }
    if ((await sizeOfMade(join(this.folder, sheet))) === 0)
      throw new MediaError('failed', `The playback copy is incomplete: ${sheet} was not written.`);
    this.sheets.push({ name: sheet, startMs: fromMs, durationMs: toMs - fromMs });
    for (let i = 0; i < count; i++) {
      const place = { x: (i % columns) * width, y: Math.floor(i / columns) * height };
      const still = { fromMs: fromMs + i * this.stepMs, toMs: Math.min(toMs, fromMs + (i + 1) * this.stepMs) };
      this.stills.push({ ...still, toMs: i === count - 1 ? toMs : still.toMs, sheet, ...place, width, height });
    }
  }

  private span(fromMs: number, toMs: number): string {
    return `from ${(fromMs / 1000).toFixed(1)} s to ${(toMs / 1000).toFixed(1)} s (${this.rung.name})`;
  }
}
