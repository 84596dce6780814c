import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);
/** Another ffmpeg can be tried on all clips: FFMPEG_PATH. */
export const FFMPEG = process.env['FFMPEG_PATH'] || 'ffmpeg';
export const FFPROBE = process.env['FFPROBE_PATH'] || 'ffprobe';

/** What is true of a clip. Sizes are those a viewer sees: rotation is applied. */
export interface ClipFacts {
  /** The first of the demuxer's names: mov, matroska, avi, mpegts. */
  readonly container: string;
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  readonly rotation: 0 | 90 | 180 | 270;
  readonly pixelFormat: string;
  readonly bitDepth: number;
  readonly durationMs: number;
  /** Pictures that a player shows. */
  readonly frames: number;
  /** Pictures in the file that an edit list keeps from being shown. */
  readonly hiddenFrames: number;
  readonly variableRate: boolean;
  readonly interlaced: boolean;
  readonly fullRange: boolean;
  /** Codecs of the sound tracks in order. */
  readonly audio: readonly string[];
  readonly subtitles: number;
  readonly data: number;
  readonly attachments: number;
  readonly covers: number;
  readonly chapters: number;
  readonly timecode: boolean;
  readonly location: boolean;
  readonly captions: boolean;
}

export interface MatrixClip {
  /** Container, codecs and what is odd about it. */
  readonly name: string;
  /** Ends in the extension that goes with the container. */
  readonly fileName: string;
  /** Writes the clip. @throws Error with ffmpeg's own words */
  make(path: string): Promise<void>;
  readonly expect: ClipFacts;
}

/** In titles, names of tracks, chapters, subtitles, captions, data and place of the clips: none of it may be left in a redaction. */
export const PLANTED = { officer: 'Officer Jane Roe 4711', latitude: '+40.7128', longitude: '-074.0060' } as const;
export const LOCATION = `${PLANTED.latitude}${PLANTED.longitude}/`;

const SECONDS = 2;
export const RATE = 15;

export const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '26', '-pix_fmt', 'yuv420p'];
export const HEVC = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:pools=1:frame-threads=1'];
export const MPEG4 = ['-c:v', 'mpeg4', '-q:v', '5'];
export const MJPEG = ['-c:v', 'mjpeg', '-q:v', '5', '-pix_fmt', 'yuvj420p'];
export const AAC = ['-c:a', 'aac', '-b:a', '64k'];
export const MP3 = ['-c:a', 'libmp3lame', '-b:a', '64k'];
export const PCM = ['-c:a', 'pcm_s16le'];

const MUXERS = { mp4: 'mp4', mov: 'mov', mkv: 'matroska', avi: 'avi', ts: 'mpegts' } as const;
const DEMUXERS = { mp4: 'mov', mov: 'mov', mkv: 'matroska', avi: 'avi', ts: 'mpegts' } as const;
type Container = keyof typeof MUXERS;

/** One pass of ffmpeg, or a step of our own from a file to a file; the last one writes the clip. */
type Step = (at: (name: string) => string, out: string) => Promise<unknown>;

const TAGS = ['title', 'comment'].flatMap((tag) => ['-metadata', `${tag}=${PLANTED.officer}`]);
export const BITEXACT = ['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact'];

export async function ffmpeg(...options: readonly string[]): Promise<void> {
  await run(FFMPEG, ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...options], { maxBuffer: 1 << 22 });
}

/** Something moves in every picture, and no two are alike. */
export function picture(spec: { readonly size?: string; readonly filter?: string; readonly seconds?: number } = {}): string[] {
  const { size = '320x180', seconds = SECONDS, filter = 'null' } = spec;
  return ['-f', 'lavfi', '-i', `testsrc2=s=${size}:r=${RATE}:d=${seconds},${filter}`];
}

/** The test picture comes in even sizes only. */
export const ODD = { size: '336x192', filter: 'format=yuv444p,crop=321:181:0:0' };

export function sound(seed = 1, seconds = SECONDS): string[] {
  return ['-f', 'lavfi', '-i', `anoisesrc=color=pink:amplitude=0.3:seed=${seed}:sample_rate=48000:duration=${seconds}`];
}

/** The plain way: pictures, sound, one pass. */
export function encode(
  container: Container,
  options: readonly string[],
  inputs: readonly string[] = [...picture(), ...sound()],
): Step {
  return (_, out) => ffmpeg(...inputs, '-g', '10', ...options, ...TAGS, ...BITEXACT, '-f', MUXERS[container], out);
}

/** A plain clip under this name, for a step after it. */
export function source(name: string, options: readonly string[] = [...H264, ...AAC], inputs?: readonly string[]): Step {
  const container = name.slice(name.lastIndexOf('.') + 1) as Container;
  return (at) => encode(container, options, inputs)(at, at(name));
}

function text(name: string, content: string): Step {
  return (at) => writeFile(at(name), content);
}

/** Packets as they are, in another wrapping. */
export function remux(container: Container, arguments_: (at: (name: string) => string) => readonly string[]): Step {
  return (at, out) => ffmpeg(...arguments_(at), '-c', 'copy', ...BITEXACT, '-f', MUXERS[container], out);
}

export const SUBTITLES = text('text.srt', `1\n00:00:00,200 --> 00:00:01,500\n${PLANTED.officer}\n`);
export const CHAPTERS = text(
  'chapters.txt',
  [
    ';FFMETADATA1',
    ...[0, 1000].flatMap((at) => ['[CHAPTER]', 'TIMEBASE=1/1000', `START=${at}`, `END=${at + 1000}`, `title=${PLANTED.officer}`]),
  ].join('\n'),
);

export function entry(
  name: string,
  container: Container,
  steps: readonly Step[] | Step,
  facts: Partial<ClipFacts> = {},
): MatrixClip {
  const expect: ClipFacts = {
    container: DEMUXERS[container],
    codec: 'h264',
    width: 320,
    height: 180,
    rotation: 0,
    pixelFormat: 'yuv420p',
    bitDepth: 8,
    durationMs: SECONDS * 1000,
    frames: SECONDS * RATE,
    hiddenFrames: 0,
    variableRate: false,
    interlaced: false,
    fullRange: facts.pixelFormat?.startsWith('yuvj') ?? false,
    audio: ['aac'],
    subtitles: 0,
    data: 0,
    attachments: 0,
    covers: 0,
    chapters: 0,
    timecode: false,
    location: false,
    captions: false,
    ...facts,
  };
  const make = async (path: string): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-clip-'));
    try {
      const all = [steps].flat();
      for (const step of all) await step((file) => join(folder, file), path);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return { name, fileName: `${name}.${container}`, make, expect };
}
