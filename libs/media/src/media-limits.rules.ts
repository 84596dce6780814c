import type { FfprobeReport } from './ffprobe-report.js';

/** No camera writes as many; each costs memory before anything is known of it. */
export const MOST_STREAMS = 64;
/** Pixels. What H.264 and HEVC allow at their highest levels is under both. */
export const LONGEST_SIDE = 16_384;
export const MOST_PIXELS = 16_384 * 8_192;

/** A sentence for people; undefined when the file claims nothing beyond what is allowed. Needs the headers alone. */
export function beyondLimits(report: FfprobeReport): string | undefined {
  const streams = report.streams ?? [];
  if (streams.length > MOST_STREAMS) return `The file has ${streams.length} tracks; at most ${MOST_STREAMS} are allowed.`;
  for (const { codec_type, width = 0, height = 0 } of streams) {
    if (codec_type !== 'video') continue;
    const size = `The file says that its picture is ${width} × ${height} pixels`;
    if (width > LONGEST_SIDE || height > LONGEST_SIDE) return `${size}; at most ${LONGEST_SIDE} are allowed on a side.`;
    if (width * height > MOST_PIXELS) return `${size}; at most ${MOST_PIXELS} in all are allowed.`;
  }
  return undefined;
}
