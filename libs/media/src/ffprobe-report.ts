import {
  codecOf,
  indexOf,
  kindOf,
  milliseconds,
  NOT_LOOKED_AT,
  positive,
  problemOf,
  readTechnicalMetadata,
} from './technical-metadata.js';
import type { Beginning, TechnicalMetadata } from './technical-metadata.js';

/** What is in a file, as far as its headers and its first packets tell. */
export interface Probe {
  /** The demuxer's name, e.g. `mov,mp4,m4a,3gp,3g2,mj2`. */
  readonly container: string;
  readonly durationMs: number;
  readonly video: {
    readonly codec: string;
    /** Display orientation: `rotation` is already applied to width and height. */
    readonly width: number;
    readonly height: number;
    /** A fraction, e.g. `30000/1001`; the average, where the rate varies. */
    readonly frameRate: string;
    /** Degrees clockwise that a player turns the stored picture by: 0, 90, 180 or 270. */
    readonly rotation: number;
    readonly pixelFormat: string;
    /** Number of frames as the container states it. */
    readonly frames?: number;
    /** Of the stream in the file. Like all that follows absent from what was stored before it was looked for. */
    readonly index?: number;
  };
  /** The first sound track that can be decoded; all of them are in `technical.tracks`. */
  readonly audio: {
    readonly codec: string;
    readonly channels: number;
    readonly sampleRate: number;
    readonly index?: number;
  } | null;
  readonly tags: Readonly<Record<string, string>>;
  /** e.g. `ffprobe 5.1.9-0+deb12u1` */
  readonly tool: string;
  /** Why the picture cannot be decoded, in a sentence for people; absent when it can. */
  readonly problem?: string;
  readonly technical?: TechnicalMetadata;
}

export interface ReportedStream {
  readonly index?: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly codec_tag_string?: string;
  readonly profile?: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly color_range?: string;
  readonly color_space?: string;
  readonly color_transfer?: string;
  readonly color_primaries?: string;
  readonly field_order?: string;
  readonly sample_aspect_ratio?: string;
  readonly bits_per_raw_sample?: string;
  readonly bits_per_sample?: number;
  readonly bit_rate?: string;
  readonly start_time?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly nb_frames?: string;
  readonly closed_captions?: number;
  readonly duration?: string;
  readonly channels?: number;
  readonly channel_layout?: string;
  readonly sample_rate?: string;
  readonly disposition?: Readonly<Record<string, number>>;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** The part of ffprobe's JSON (`-show_program_version -show_format -show_streams -show_chapters`) that we read. */
export interface FfprobeReport {
  readonly program_version?: { readonly version?: string };
  readonly format?: {
    readonly format_name?: string;
    readonly duration?: string;
    readonly start_time?: string;
    readonly bit_rate?: string;
    readonly size?: string;
    readonly tags?: Readonly<Record<string, string>>;
  };
  readonly streams?: readonly ReportedStream[];
  readonly chapters?: readonly unknown[];
}

const KEPT_TAGS = 100;
const KEPT_TAG_LENGTH = 1000;

export const REPORT_OPTIONS = [
  '-print_format',
  'json',
  '-show_program_version',
  '-show_format',
  '-show_streams',
  '-show_chapters',
] as const;

/** The moving picture: cover art and thumbnails are video streams too, and are not meant. */
export function videoStream(report: FfprobeReport): ReportedStream | undefined {
  return report.streams?.find((stream) => kindOf(stream) === 'video');
}

/** @returns the probe; `undefined` for the duration where the container states none; `null` when there is no moving picture */
export function readReport(
  report: FfprobeReport,
  seen: Beginning = NOT_LOOKED_AT,
): (Omit<Probe, 'durationMs'> & { readonly durationMs: number | undefined }) | null {
  const video = videoStream(report);
  const [storedWidth, storedHeight] = [positive(video?.width), positive(video?.height)];
  if (video === undefined || storedWidth === null || storedHeight === null) return null;
  const rotation = clockwise(video);
  const sideways = rotation % 180 === 90;
  const frames = positive(video.nb_frames);
  const place = (report.streams ?? []).indexOf(video);
  const problem = problemOf(video, seen.silentTracks.has(indexOf(video, place)));
  return {
    container: report.format?.format_name ?? 'unknown',
    durationMs: length(report.format?.duration) ?? length(video.duration),
    video: {
      codec: codecOf(video),
      width: sideways ? storedHeight : storedWidth,
      height: sideways ? storedWidth : storedHeight,
      frameRate: [video.avg_frame_rate, video.r_frame_rate].find((rate) => rate !== undefined && parseFloat(rate) > 0) ?? '0/0',
      rotation,
      pixelFormat: video.pix_fmt ?? 'unknown',
      ...(frames === null ? {} : { frames }),
      index: indexOf(video, place),
    },
    audio: soundOf(report, seen),
    tags: within({ ...video.tags, ...report.format?.tags }),
    tool: `ffprobe ${report.program_version?.version ?? 'unknown'}`,
    ...(problem === undefined ? {} : { problem }),
    technical: readTechnicalMetadata(report, seen),
  };
}

function soundOf(report: FfprobeReport, seen: Beginning): Probe['audio'] {
  for (const [place, stream] of (report.streams ?? []).entries()) {
    const sampleRate = positive(stream.sample_rate);
    const index = indexOf(stream, place);
    if (stream.codec_type !== 'audio' || sampleRate === null || problemOf(stream, seen.silentTracks.has(index)) !== undefined)
      continue;
    return { codec: codecOf(stream), channels: positive(stream.channels) ?? 0, sampleRate, index };
  }
  return null;
}

/** A file may hold as much text as it likes; what is kept of it in the database is bounded. */
function within(tags: Readonly<Record<string, string>>): Record<string, string> {
  const some = Object.entries(tags).slice(0, KEPT_TAGS);
  return Object.fromEntries(some.map(([name, value]) => [name.slice(0, 100), value.slice(0, KEPT_TAG_LENGTH)]));
}

/** ffprobe gives the display matrix counter-clockwise, from -180 to 180; older files carry a `rotate` tag, clockwise. */
function clockwise(video: ReportedStream): number {
  const matrix = video.side_data_list?.find((data) => data.rotation !== undefined)?.rotation;
  const degrees = matrix === undefined ? Number(video.tags?.['rotate'] ?? 0) : -matrix;
  if (!Number.isFinite(degrees)) return 0;
  return ((Math.round((degrees % 360) / 90) * 90 + 360) % 360) + 0;
}

function length(seconds: string | undefined): number | undefined {
  const value = milliseconds(seconds);
  return value !== null && value > 0 ? value : undefined;
}
