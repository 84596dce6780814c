import type { FfmpegOutput } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';

/** Raise it whenever the arguments below change what comes out: renditions made by an older recipe can then be found and made anew. */
export const PLAYBACK_RECIPE = 'hls-720p-v1';

export const SEGMENT_SECONDS = 4;
export const PLAYLIST = 'playlist.m3u8';
export const INIT_SEGMENT = 'init.mp4';
export const POSTER = 'poster.jpg';
export const POSTER_CANDIDATE = /^poster-\d{2}\.jpg$/;
const POSTER_CANDIDATES = 12;
const STEADY_RATES = [5, 8, 10, 12, 12.5, 15, 20, 24, 25, 30, 48, 50, 60];

/** Fits into 1280×720 lying or 720×1280 standing, never larger than the source, both sides even as H.264 in 4:2:0 needs. */
export function playbackSize(width: number, height: number): { readonly width: number; readonly height: number } {
  const ratio = Math.min(1, 1280 / Math.max(width, height), 720 / Math.min(width, height));
  return { width: even(width * ratio), height: even(height * ratio) };
}

/**
 * A constant rate: ffmpeg 5.1 adds up HLS segment lengths from frame durations, which it does not know where the rate varies. A steady source
 * keeps its own rate, up to 60.
 */
export function playbackRate(frameRate: string): string {
  const [frames = 0, seconds = 0] = frameRate.split('/').map(Number);
  const rate = frames / seconds;
  if (STEADY_RATES.some((steady) => Math.abs(rate / steady - 1) < 0.002)) return frameRate;
  return rate > 30 ? '60' : '30';
}

/**
 * One decode feeds the HLS rendition and a dozen small pictures spread over the recording, one of which becomes the poster: a recording
 * that begins in the dark needs a face too. File names are relative: run it inside the output folder.
 *
 * Not the `thumbnail` filter, which would choose by itself: it writes at the end, and ffmpeg reports no progress before every output has begun.
 */
export function playbackOutputs(probe: Probe): readonly FfmpegOutput[] {
  const size = playbackSize(probe.video.width, probe.video.height);
  const poster = {
    width: even(size.width * Math.min(1, 640 / size.width)),
    height: even(size.height * Math.min(1, 640 / size.width)),
  };
  const step = (probe.durationMs / 1000 / POSTER_CANDIDATES).toFixed(3);
  const graph = [
    `[0:V:0]scale=${size.width}:${size.height}:out_range=tv,format=yuv420p,split=2[moving][candidates]`,
    `[moving]fps=${playbackRate(probe.video.frameRate)}:start_time=0[video]`,
    `[candidates]select='isnan(prev_selected_t)+gte(t-prev_selected_t,${step})',scale=${poster.width}:${poster.height}:out_range=pc,` +
      `format=yuvj420p[posters]`,
  ].join(';');
  // Timestamps that jump ahead by hours would be filled with as many frames.
  const limit = ['-t', ((probe.durationMs + 1000) / 1000).toFixed(3)];
  return [
    {
      options: [
        ...limit,
        ...['-fps_mode', 'passthrough'],
        ...[
          '-filter_complex',
          graph,
          '-map',
          '[video]',
          '-map',
          '0:a:0?',
          '-sn',
          '-dn',
          '-map_metadata',
          '-1',
          '-map_chapters',
          '-1',
        ],
        ...['-c:v', 'libx264', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23', '-maxrate', '4M', '-bufsize', '8M'],
        ...[
          '-fps_mode',
          'vfr',
          '-force_key_frames',
          `expr:gte(t,n_forced*${SEGMENT_SECONDS})`,
          '-sc_threshold',
          '0',
          '-a53cc',
          '0',
        ],
        // Cameras leave gaps in the sound (pre-event buffer); filling them keeps picture and sound together.
        ...['-af', 'aresample=48000:async=1:first_pts=0', '-c:a', 'aac', '-ac', '2', '-b:a', '128k'],
        ...['-f', 'hls', '-hls_time', String(SEGMENT_SECONDS), '-hls_playlist_type', 'vod', '-hls_flags', 'independent_segments'],
        ...['-hls_segment_type', 'fmp4', '-hls_fmp4_init_filename', INIT_SEGMENT, '-hls_segment_filename', 'seg-%05d.m4s'],
      ],
      to: PLAYLIST,
    },
    {
      options: ['-map', '[posters]', '-frames:v', '50', '-fps_mode', 'passthrough', '-c:v', 'mjpeg', '-q:v', '3', '-f', 'image2'],
      to: 'poster-%02d.jpg',
    },
  ];
}

/** Segment names and lengths in an HLS media playlist (RFC 8216), and whether it says that it is complete. */
export function readPlaylist(text: string): {
  readonly segments: readonly { name: string; durationMs: number }[];
  readonly ended: boolean;
} {
  const segments: { name: string; durationMs: number }[] = [];
  let durationMs = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#EXTINF:')) durationMs = Math.round(parseFloat(line.slice('#EXTINF:'.length)) * 1000);
    else if (line !== '' && !line.startsWith('#')) segments.push({ name: line, durationMs });
  }
  return { segments, ended: text.includes('#EXT-X-ENDLIST') };
}

function even(pixels: number): number {
  return Math.max(2, Math.floor(pixels / 2) * 2);
}
