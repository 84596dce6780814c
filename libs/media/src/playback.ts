import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runFfmpeg } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { readMade, sizeOfMade, writeOwn } from './made-file.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import {
  COUNTED_SIDE,
  initOf,
  PICTURES,
  PLAYBACK_INPUT,
  playbackOutputs,
  playlistOf,
  POSTER,
  POSTER_CANDIDATE,
  POSTER_CANDIDATES,
  segmentOf,
  SOUND,
  soundChannels,
} from './playback-arguments.js';
import { DecodingCheck, secondsBetweenStills } from './playback-check.js';
import { HandingOver } from './playback-handing-over.js';
import { framesPerSecond, ladderOf, playbackRate } from './playback-ladder.js';
import { mediaPlaylist, multivariantPlaylist, spriteTrack } from './playback-playlists.js';
import type { PictureTrack, SoundTrack } from './playback-playlists.js';
import { Track } from './playback-track.js';
import type { Encoding } from './playback-track.js';
import { checkPictures, checkPlayed } from './playback-verdict.js';
import { PictureFlow, SoundFlow } from './waveform.js';

/** The multivariant playlist: what a player is given. */
export const PLAYLIST = 'playlist.m3u8';
export const SPRITE = 'sprite.vtt';
export const WAVEFORM = 'waveform.json';

/** One file of the playback rendition, complete, to be stored under `name`. */
export interface PlaybackFile {
  readonly name: string;
  readonly path: string;
  readonly contentType: string;
  /** Of a segment: where it lies on the recording's time axis, the same in every rung. Of a still: which part of the recording it shows. */
  readonly startMs?: number;
  readonly durationMs?: number;
}

export interface PlaybackInput {
  readonly file: string;
  readonly probe: Probe;
  /** Made if it is not there. Only our own files in it are removed when the work fails. */
  readonly outDir: string;
  /**
   * Takes each file when it is complete, at most two at the same time, while the encoder goes on; then the file is removed. Where takers are
   * slow the encoder waits, so that little of a long rendition is ever on disk. Without it, all files stay in `outDir`. Read them with `readMade`:
   * the encoder is still at work in that folder.
   */
  readonly take?: (file: PlaybackFile) => Promise<void>;
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes the playback rendition in one pass over the source: HLS (RFC 8216; fMP4 segments of 4 s, H.264 in up to three sizes, AAC beside them),
 * a poster, a seek sprite with its WebVTT file and, where there is sound, its waveform.
 *
 * ffmpeg's exit code 0 does not mean that all of the source came through. What was made is checked before this returns: pictures decoded
 * against pictures in the source, length against the probe's, each segment against its own tables and against the other rungs, and the smallest rung
 * by decoding all of it. A `take` has then had files that must not be published: they are only good when this has returned.
 *
 * @returns playlist.m3u8, then for every track its playlist, init segment and segments, then poster.jpg, sprite-000.jpg…, sprite.vtt, waveform.json
 * @throws MediaError `failed`, `time-limit`, `aborted`; what `take` threw
 */
export async function transcodeForPlayback(tools: MediaTools, input: PlaybackInput): Promise<PlaybackFile[]> {
  const { problem } = input.probe;
  if (problem !== undefined) throw new MediaError('failed', problem);
  await mkdir(input.outDir, { recursive: true });
  try {
    return await new Making(tools, input).run();
  } catch (error) {
    await removeOurFiles(input.outDir);
    throw error;
  }
}

class Making {
  private readonly stop = new AbortController();
  private readonly signal: AbortSignal;
  private readonly handing: HandingOver;
  private readonly rungs;
  private readonly pictures: readonly Track[];
  private readonly sound: Track | null;
  private readonly check: DecodingCheck;
  private readonly heard: SoundFlow | null;
  private readonly seen: PictureFlow;

  constructor(
    private readonly tools: MediaTools,
    private readonly input: PlaybackInput,
  ) {
    const { probe, outDir, take, signal } = input;
    this.signal = signal === undefined ? this.stop.signal : AbortSignal.any([signal, this.stop.signal]);
    this.handing = new HandingOver(take, this.signal);
    this.rungs = ladderOf(probe.video.width, probe.video.height);
    this.pictures = this.rungs.map(({ name }) => new Track(name, outDir));
    const step = secondsBetweenStills(probe.durationMs) * 1000;
    this.check = new DecodingCheck(tools, outDir, this.rungs.at(-1) ?? this.rungs[0], step, this.signal);
    const ready = (): Promise<void> => this.handing.caughtUp(this.tracks);
    this.heard = probe.audio === null ? null : new SoundFlow(soundChannels(probe), ready);
    this.sound = this.heard === null ? null : new Track(SOUND, outDir, () => (this.heard?.seconds ?? 0) > 0);
    this.seen = new PictureFlow(COUNTED_SIDE.inStream ** 2, ready);
  }

  async run(): Promise<PlaybackFile[]> {
    await this.encode();
    await this.verify();
    const files = await this.finish();
    this.input.onProgress?.(100);
    return files;
  }

  private get tracks(): readonly Track[] {
    return this.sound === null ? this.pictures : [...this.pictures, this.sound];
  }

  private at(name: string): string {
    return join(this.input.outDir, name);
  }

  /** Encodes, and follows each track on the side. The first thing that goes wrong stops all the others and is what is thrown. */
  private async encode(): Promise<void> {
    const { file, probe, outDir, onProgress } = this.input;
    let state: ReturnType<Encoding['state']> = 'running';
    const faults: unknown[] = [];
    const orStop = (work: Promise<void>): Promise<void> =>
      work.catch((error: unknown) => {
        faults.push(error);
        state = 'broken';
        this.stop.abort(error);
      });
    const running = runFfmpeg(this.tools, {
      input: { options: PLAYBACK_INPUT, file },
      outputs: playbackOutputs(probe, this.heard ?? this.seen),
      cwd: outDir,
      durationMs: probe.durationMs,
      // The last hundredth is for the checks.
      ...(onProgress === undefined ? {} : { onProgress: (percent: number) => percent < 100 && onProgress(percent) }),
      signal: this.signal,
    }).then(() => {
      if (state === 'running') state = 'done';
    });
    const end = orStop(running);
    const encoding: Encoding = { end, state: () => state };
    await Promise.all([end, ...this.tracks.map((track) => orStop(this.follow(track, encoding)))]);
    if (faults.length > 0) throw faults[0];
  }

  private async follow(track: Track, encoding: Encoding): Promise<void> {
    const isSmallest = track === this.pictures.at(-1);
    try {
      for await (const { segment, bytes } of track.follow(encoding)) {
        if (isSmallest) await this.check.add(segment, () => readMade(this.at(initOf(track.name))), bytes);
        const { name, path, startMs, durationMs } = segment;
        await this.handing.over({ name, path, contentType: 'video/iso.segment', startMs, durationMs });
      }
      if (isSmallest && encoding.state() === 'done') await this.check.end();
    } finally {
      if (isSmallest) await this.check.close();
    }
  }

  private async verify(): Promise<void> {
    const { probe, file } = this.input;
    for (const track of this.tracks) if (track.segments.length > 0 || track !== this.sound) await track.checkListed();
    const [first, ...others] = this.pictures;
    if (first === undefined) return;
    for (const other of others) {
      const differs = first.segments.findIndex(({ samples }, at) => other.segments[at]?.samples !== samples);
      if (differs === -1 && other.segments.length === first.segments.length) continue;
      throw new MediaError('failed', `The sizes of the playback copy differ: ${other.name} is not as long as ${first.name}.`);
    }
    const decoded =
      this.heard === null ? this.seen.pictures : Math.floor((await sizeOfMade(this.at(PICTURES))) / COUNTED_SIDE.inFile ** 2);
    await checkPlayed(this.tools, file, probe, first.durationMs, this.signal);
    await checkPictures(this.tools, file, probe, decoded, this.signal);
    const [heard, encoded] = [this.heard?.seconds ?? 0, (this.sound?.durationMs ?? 0) / 1000];
    if (Math.abs(heard - encoded) > 0.2)
      throw new MediaError('failed', `The playback copy has ${encoded.toFixed(1)} s of the ${heard.toFixed(1)} s of sound.`);
  }

  private async finish(): Promise<PlaybackFile[]> {
    const rate = framesPerSecond(playbackRate(this.input.probe.video.frameRate));
    const pictures = this.pictures.map((track, at): PictureTrack => {
      const { width, height } = this.rungs[at] ?? this.rungs[0];
      return { name: track.name, codec: track.header.codec, width, height, framesPerSecond: rate, segments: track.segments };
    });
    const heard = this.sound === null || this.sound.segments.length === 0 ? null : this.sound;
    const sound: SoundTrack | null =
      heard === null
        ? null
        : { name: heard.name, codec: heard.header.codec, channels: soundChannels(this.input.probe), segments: heard.segments };
    const tracks = [...this.pictures, ...(heard === null ? [] : [heard])];

    const chosen = await choosePoster(this.input.outDir);
    const write = (name: string, text: string): Promise<void> => writeOwn(this.at(name), text);
    await write(PLAYLIST, multivariantPlaylist(pictures, sound, playlistOf));
    for (const { name, segments } of tracks) await write(playlistOf(name), mediaPlaylist(initOf(name), segments));
    await write(SPRITE, spriteTrack(this.check.stills));
    if (heard !== null) await write(WAVEFORM, JSON.stringify(this.heard?.waveform()));
    const unwanted = [PICTURES, ...(heard === null ? [playlistOf(SOUND), initOf(SOUND), segmentOf(SOUND, 0)] : [])];
    await Promise.all(unwanted.map((name) => rm(this.at(name), { force: true })));

    const file = (name: string, contentType: string): PlaybackFile => ({ name, path: this.at(name), contentType });
    const small = {
      playlist: file(PLAYLIST, 'application/vnd.apple.mpegurl'),
      poster: { ...file(POSTER, 'image/jpeg'), ...momentOf(chosen, this.input.probe) },
      sheets: this.check.sheets.map(({ name, ...place }) => ({ ...file(name, 'image/jpeg'), ...place })),
      sprite: file(SPRITE, 'text/vtt'),
      waveform: heard === null ? [] : [file(WAVEFORM, 'application/json')],
    };
    const ofTracks = tracks.map(({ name, segments }) => ({
      heads: [file(playlistOf(name), 'application/vnd.apple.mpegurl'), file(initOf(name), 'video/mp4')],
      segments: segments.map(({ name: segment, startMs, durationMs }) => ({
        ...file(segment, 'video/iso.segment'),
        startMs,
        durationMs,
      })),
    }));
    const rest = [small.poster, ...small.sheets, small.sprite, ...small.waveform];
    for (const { path, name } of [small.playlist, ...ofTracks.flatMap(({ heads }) => heads), ...rest])
      if ((await sizeOfMade(path)) === 0)
        throw new MediaError('failed', `The playback copy is incomplete: ${name} was not written.`);
    await Promise.all([...ofTracks.flatMap(({ heads }) => heads), ...rest].map((each) => this.handing.over(each)));
    await this.handing.over(small.playlist);
    return [small.playlist, ...ofTracks.flatMap(({ heads, segments }) => [...heads, ...segments]), ...rest];
  }
}

/**
 * The candidate with most to see: at equal quality and size in pixels that is the longest JPEG; a black or blurred picture is a short one.
 * @returns which one it was, counted from 0
 */
async function choosePoster(outDir: string): Promise<number> {
  const names = (await readdir(outDir)).filter((name) => POSTER_CANDIDATE.test(name)).sort();
  let best: { name: string; size: number } | undefined;
  for (const name of names) {
    const size = await sizeOfMade(join(outDir, name));
    if (size > (best?.size ?? 0)) best = { name, size };
  }
  if (best === undefined) throw new MediaError('failed', 'No picture could be taken from the recording for its poster.');
  await rename(join(outDir, best.name), join(outDir, POSTER));
  await Promise.all(names.map((name) => rm(join(outDir, name), { force: true })));
  return names.indexOf(best.name);
}

/** Where a candidate may have been taken: each is the first picture that comes at least a step after the one before. */
function momentOf(candidate: number, { durationMs, video }: Probe): { readonly startMs: number; readonly durationMs: number } {
  const pictureMs = 1000 / framesPerSecond(playbackRate(video.frameRate));
  const startMs = candidate * Math.round(durationMs / POSTER_CANDIDATES);
  return { startMs, durationMs: Math.ceil((candidate + 1) * pictureMs) };
}

const OURS =
  /^(((\d+p|sound|playlist)\.m3u8|(\d+p|sound)-(init\.mp4|\d{5,}\.m4s)|poster(-\d{2})?\.jpg|sprite-\d{3,}\.jpg|sprite\.vtt|waveform\.json|pictures\.gray|check\.mp4)(\.tmp)?)$/;

async function removeOurFiles(outDir: string): Promise<void> {
  const ours = (await readdir(outDir)).filter((name) => OURS.test(name));
  await Promise.all(ours.map((name) => rm(join(outDir, name), { force: true })));
}
