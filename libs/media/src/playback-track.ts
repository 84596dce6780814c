import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FragmentFaulty, readFragment, readTrackHeader } from './fragment.js';
import type { TrackHeader } from './fragment.js';
import { readMade, sizeOfMade } from './made-file.js';
import { MediaError } from './media-error.js';
import { initOf, playlistOf, segmentOf } from './playback-arguments.js';
import { readPlaylist } from './playback-playlists.js';
import type { SegmentFacts } from './playback-playlists.js';

const LOOK_MS = 200;
/** Segments of one track that may wait to be taken before ffmpeg is held up. */
const MOST_WAITING = 15;

export interface Segment extends SegmentFacts {
  readonly index: number;
  readonly path: string;
  readonly startMs: number;
  /** Pictures, or packets of sound. */
  readonly samples: number;
}

/** How far the encoder is. */
export interface Encoding {
  /** Resolves when it has ended, well or not. */
  readonly end: Promise<void>;
  state(): 'running' | 'done' | 'broken';
}

/** One rung, or the sound, as its segments appear in the folder. What has been seen of it is kept; its bytes are not. */
export class Track {
  readonly segments: Segment[] = [];
  private head: TrackHeader | undefined;
  private elapsed = 0;

  /** @param isThere whether the encoder was given anything: some write a last segment without it */
  constructor(
    readonly name: string,
    private readonly folder: string,
    private readonly isThere: () => boolean = () => true,
  ) {}

  get header(): TrackHeader {
    if (this.head === undefined)
      throw new MediaError('failed', `The playback copy is incomplete: ${initOf(this.name)} was not written.`);
    return this.head;
  }

  get samples(): number {
    return this.segments.reduce((sum, { samples }) => sum + samples, 0);
  }

  get durationMs(): number {
    return this.segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  }

  /**
   * Each segment once, in order, when it is complete: when the next one is there, or the encoder has ended.
   *
   * @throws MediaError `failed` when a segment is not what its own tables say
   */
  async *follow(encoding: Encoding): AsyncGenerator<{ segment: Segment; bytes: Buffer }> {
    for (;;) {
      const state = encoding.state();
      if (state === 'broken' || (state === 'done' && !this.isThere())) return;
      const index = this.segments.length;
      const complete = (await this.sizeOf(index + 1)) > 0 || (state === 'done' && (await this.sizeOf(index)) > 0);
      if (complete) yield await this.read(index);
      else if (state === 'done') return;
      else await Promise.race([setTimeout(LOOK_MS, undefined, { ref: false }), encoding.end]);
    }
  }

  /** Whether the encoder is far ahead of what has been read. */
  async isBehind(): Promise<boolean> {
    return (await this.sizeOf(this.segments.length + MOST_WAITING)) > 0;
  }

  /** The encoder's own list must name what was read, no less and no more. @throws MediaError `failed` */
  async checkListed(): Promise<void> {
    const text = (await readMade(join(this.folder, playlistOf(this.name))).catch(() => '')).toString();
    const { names, ended } = readPlaylist(text);
    if (ended && names.join() === this.segments.map(({ name }) => name).join()) return;
    throw new MediaError('failed', `The playback copy is incomplete: ${playlistOf(this.name)} does not list what was written.`);
  }

  private async read(index: number): Promise<{ segment: Segment; bytes: Buffer }> {
    const name = segmentOf(this.name, index);
    const path = join(this.folder, name);
    const bytes = await readMade(path);
    this.head ??= describe(
      initOf(this.name),
      readTrackHeader,
      await readMade(join(this.folder, initOf(this.name))).catch(() => Buffer.of()),
    );
    const head = this.head;
    const { samples, duration } = describe(name, (all) => readFragment(all, head), bytes);
    const ms = (units: number): number => (units * 1000) / head.timescale;
    const segment = { name, index, path, startMs: ms(this.elapsed), durationMs: ms(duration), samples, bytes: bytes.length };
    this.elapsed += duration;
    this.segments.push(segment);
    return { segment, bytes };
  }

  private async sizeOf(index: number): Promise<number> {
    return sizeOfMade(join(this.folder, segmentOf(this.name, index)));
  }
}

function describe<T>(name: string, read: (bytes: Buffer) => T, bytes: Buffer): T {
  try {
    return read(bytes);
  } catch (error) {
    const why = error instanceof FragmentFaulty ? error.message : 'breaks off';
    throw new MediaError('failed', `The playback copy is damaged: ${name} ${why}.`, { cause: error });
  }
}
