/** What is in a file, as far as ffprobe can tell without decoding. */
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
  };
  readonly audio: { readonly codec: string; readonly channels: number; readonly sampleRate: number } | null;
  readonly tags: Readonly<Record<string, string>>;
  /** e.g. `ffprobe 5.1.9-0+deb12u1` */
  readonly tool: string;
}

interface ReportedStream {
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly pix_fmt?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly nb_frames?: string;
  readonly closed_captions?: number;
  readonly duration?: string;
  readonly channels?: number;
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
    readonly tags?: Readonly<Record<string, string>>;
  };
  readonly streams?: readonly ReportedStream[];
  readonly chapters?: readonly unknown[];
}

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
  return report.streams?.find((stream) => stream.codec_type === 'video' && stream.disposition?.['attached_pic'] !== 1);
}

/** @returns the probe; `undefined` for the duration where the container states none; `null` when there is no moving picture */
export function readReport(
  report: FfprobeReport,
): (Omit<Probe, 'durationMs'> & { readonly durationMs: number | undefined }) | null {
  const video = videoStream(report);
  if (video?.codec_name === undefined || !video.width || !video.height) return null;
  const audio = report.streams?.find(
    (stream) => stream.codec_type === 'audio' && stream.codec_name !== undefined && Number(stream.sample_rate) > 0,
  );
  const rotation = clockwise(video);
  const sideways = rotation % 180 === 90;
  const frames = Number(video.nb_frames);
  return {
    container: report.format?.format_name ?? 'unknown',
    durationMs: milliseconds(report.format?.duration) ?? milliseconds(video.duration),
    video: {
      codec: video.codec_name,
      width: sideways ? video.height : video.width,
      height: sideways ? video.width : video.height,
      frameRate: [video.avg_frame_rate, video.r_frame_rate].find((rate) => rate !== undefined && parseFloat(rate) > 0) ?? '0/0',
      rotation,
      pixelFormat: video.pix_fmt ?? 'unknown',
      ...(frames > 0 ? { frames } : {}),
    },
    audio:
      audio?.codec_name === undefined
        ? null
        : { codec: audio.codec_name, channels: audio.channels ?? 0, sampleRate: Number(audio.sample_rate) },
    tags: { ...video.tags, ...report.format?.tags },
    tool: `ffprobe ${report.program_version?.version ?? 'unknown'}`,
  };
}

/** ffprobe gives the display matrix counter-clockwise, from -180 to 180; older files carry a `rotate` tag, clockwise. */
function clockwise(video: ReportedStream): number {
  const matrix = video.side_data_list?.find((data) => data.rotation !== undefined)?.rotation;
  const degrees = matrix === undefined ? Number(video.tags?.['rotate'] ?? 0) : -matrix;
  return (((Math.round(degrees / 90) * 90) % 360) + 360) % 360;
}

function milliseconds(seconds: string | undefined): number | undefined {
  const value = Number(seconds);
  return value > 0 ? Math.round(value * 1000) : undefined;
}
