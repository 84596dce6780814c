import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** What a synthetic camera films. The same clip, with the same ffmpeg, gives the same bytes. */
export interface Clip {
  readonly out: string;
  readonly seconds: number;
  /** Burnt into the picture and written as the title. */
  readonly camera: string;
  readonly width?: number;
  readonly height?: number;
  readonly fps?: number;
  /** ISO 6709, e.g. `+40.7128-074.0060/` */
  readonly location?: string;
  /** RFC 3339; also where the burnt-in clock begins. */
  readonly recordedAt?: string;
  /** Body cameras keep the picture from before the button was pressed, without sound. */
  readonly silentPreEventSeconds?: number;
  readonly seed?: number;
  readonly container?: 'mp4' | 'mov' | 'mkv' | 'avi' | 'ts';
  readonly audio?: boolean;
  readonly codec?: 'h264' | 'hevc' | 'mpeg4' | 'mjpeg';
  /** Pictures in a row that are stored out of order (default none). */
  readonly bFrames?: number;
  /** Drops frames irregularly and keeps the times of the others. Not for avi, which has no times. */
  readonly variableFrameRate?: boolean;
}

const MUXERS = { mp4: 'mp4', mov: 'mov', mkv: 'matroska', avi: 'avi', ts: 'mpegts' } as const;
const VIDEO = {
  h264: ['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '26'],
  hevc: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=error:pools=2:frame-threads=1'],
  mpeg4: ['-c:v', 'mpeg4', '-q:v', '5'],
  mjpeg: ['-c:v', 'mjpeg', '-q:v', '5', '-pix_fmt', 'yuvj420p'],
} as const;

/**
 * Where the person in the clip is: a red figure that walks from left to right at an even pace. In pixels, for a redaction to cover and for a
 * test to look at.
 */
export function subjectAt(clip: Clip, atMs: number): { x: number; y: number; width: number; height: number } {
  const { width, height, figure } = scene(clip);
  const x = width * 0.1 + (width * 0.6 * atMs) / (clip.seconds * 1000);
  return { x: Math.round(x), y: figure.y, width: Math.min(figure.width, width), height: Math.min(figure.height, height) };
}

/**
 * Makes the clip. The clock and names need any TrueType font that fontconfig finds; on Debian `fonts-dejavu-core` comes with the `ffmpeg`
 * package (ffmpeg, libavfilter, libfontconfig1, fontconfig-config all the way), even without recommended packages.
 *
 * @throws Error with ffmpeg's own words
 */
export async function synthesiseClip(tools: { readonly ffmpeg: string }, clip: Clip): Promise<void> {
  await promisify(execFile)(tools.ffmpeg, clipArguments(clip), { maxBuffer: 1 << 20 });
}

function clipArguments(clip: Clip): string[] {
  const { seconds, seed = 1, audio = true, codec = 'h264', recordedAt = '2026-03-14T09:26:53Z' } = clip;
  const muxer = MUXERS[clip.container ?? 'mp4'];
  return [
    ...['-nostdin', '-hide_banner', '-loglevel', 'error', '-y'],
    ...['-f', 'lavfi', '-i', pictureSource(clip, recordedAt)],
    ...(audio ? ['-f', 'lavfi', '-i', soundSource(clip, seed)] : []),
    ...['-map', '0:v', ...(audio ? ['-map', '1:a'] : [])],
    ...(clip.variableFrameRate ? ['-fps_mode', 'passthrough', '-enc_time_base', '1/90000'] : []),
    ...[
      ...VIDEO[codec],
      ...(codec === 'mjpeg' ? [] : ['-pix_fmt', 'yuv420p']),
      '-g',
      '60',
      '-bf',
      String(clip.bFrames ?? 0),
      '-threads:v',
      '2',
    ],
    ...(audio ? ['-c:a', 'aac', '-b:a', '96k'] : []),
    ...['-metadata', `title=${clip.camera}`, '-metadata', `creation_time=${recordedAt}`],
    ...(clip.location === undefined ? [] : ['-metadata', `location=${clip.location}`]),
    ...['-fflags', '+bitexact', '-flags:v', '+bitexact', '-flags:a', '+bitexact', '-t', String(seconds), '-f', muxer, clip.out],
  ];
}

function scene(clip: Clip): { width: number; height: number; fps: number; figure: { y: number; width: number; height: number } } {
  const { width = 1280, height = 720, fps = 30, seed = 1 } = clip;
  const even = (value: number): number => Math.floor(value / 2) * 2;
  return {
    width,
    height,
    fps,
    figure: { y: even(height * (0.25 + 0.05 * (seed % 5))), width: even(width / 8), height: even(height / 3) },
  };
}

function pictureSource(clip: Clip, recordedAt: string): string {
  const { width, height, fps, figure } = scene(clip);
  const font = Math.max(12, Math.round(height / 24));
  const begun = Math.floor(Date.parse(recordedAt) / 1000);
  const box = 'fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=4';
  // Inside a filter graph a colon ends an option, and inside %{…} an argument: hence two levels of backslash.
  const clock = `%{pts\\:gmtime\\:${begun}\\:%Y-%m-%d %H\\\\\\:%M\\\\\\:%S} UTC  frame %{n}`;
  const walk = `${width}*0.1+${width}*0.6*t/${clip.seconds}`;
  const drop = clip.variableFrameRate ? `,select='gt(mod(n*7,11),3)'` : '';
  return [
    `color=c=0xb02020:s=${figure.width}x${figure.height}:r=${fps}:d=${clip.seconds}[figure]`,
    `testsrc2=size=${width}x${height}:rate=${fps}:duration=${clip.seconds}[street]`,
    `[street][figure]overlay=x='${walk}':y=${figure.y}:shortest=1` +
      `,drawtext=text='${clip.camera.replace(/[^\w .-]/g, '_')}':x=${font}:y=${font}:fontsize=${font}:${box}` +
      `,drawtext=text='${clock}':x=${font}:y=h-2*${font}:fontsize=${font}:${box}${drop}`,
  ].join(';');
}

function soundSource(clip: Clip, seed: number): string {
  const silent = clip.silentPreEventSeconds ?? 0;
  return (
    `anoisesrc=color=pink:amplitude=0.2:seed=${seed}:sample_rate=48000:duration=${clip.seconds}[noise];` +
    `sine=frequency=${300 + 40 * (seed % 20)}:beep_factor=3:sample_rate=48000:duration=${clip.seconds}[tone];` +
    `[noise][tone]amix=inputs=2:duration=first,aecho=0.8:0.6:40:0.3,volume=0:enable='lt(t,${silent})'`
  );
}
