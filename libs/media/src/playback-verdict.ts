import { readPackets } from './completeness.js';
import { runFfprobe } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { framesPerSecond } from './playback-ladder.js';

/** What may be missing: a picture or two at a cut, a fiftieth of a damaged recording. */
const FEW_PICTURES = 3;

/** Whether so many are all, but for the few that may be missing. */
export function isNearlyAll(pictures: number, of: number): boolean {
  return pictures >= of - Math.max(FEW_PICTURES, of / 50);
}

/**
 * A playlist of pictures ends with the last of them: where the sound goes on after it, that is where it may end.
 *
 * @throws MediaError `failed` when the rendition is not as long as the recording
 */
export async function checkPlayed(
  tools: MediaTools,
  file: string,
  { durationMs }: Probe,
  playedMs: number,
  signal: AbortSignal,
): Promise<void> {
  const tolerance = Math.max(500, durationMs / 50);
  if (Math.abs(playedMs - durationMs) <= tolerance) return;
  const packets = await readPackets(tools, file, signal);
  const { from, to } = packets.lastPictureMs;
  if (packets.endMs >= durationMs - tolerance && playedMs >= from - tolerance && playedMs <= to + tolerance) return;
  const lengths = `${(playedMs / 1000).toFixed(1)} s of ${(durationMs / 1000).toFixed(1)} s`;
  const jump = packets.jumpMs;
  const why =
    jump === undefined
      ? ''
      : ` The recording's clock jumps from ${(jump.from / 1000).toFixed(1)} s to ${(jump.to / 1000).toFixed(1)} s.`;
  throw new MediaError('failed', `The playback version is not as long as the recording: ${lengths}.${why}`);
}

/**
 * At a constant rate a picture that could not be decoded is filled up with the one before: the rendition's own count does not tell. So what the decoder
 * gave is compared with what the source has. Its packets are only counted where its header promises more than came: an edit list hides
 * pictures from players, and a field may be a packet of its own.
 *
 * @throws MediaError `failed` when pictures of the source are missing
 */
export async function checkPictures(
  tools: MediaTools,
  file: string,
  { video, durationMs }: Probe,
  decoded: number,
  signal: AbortSignal,
): Promise<void> {
  const rate = framesPerSecond(video.frameRate);
  const promised = video.frames ?? (Number.isFinite(rate) ? Math.floor((durationMs / 1000) * rate) : 0);
  if (decoded > 0 && isNearlyAll(decoded, promised)) return;
  const present = await shownPictures(tools, file, video.index, signal);
  if (decoded > 0 && isNearlyAll(decoded, present)) return;
  throw new MediaError('failed', `Only ${decoded} of the recording's ${present} pictures can be decoded.`);
}

/** Packets of the picture, without those that an edit list hides; two fields count as one. */
async function shownPictures(tools: MediaTools, file: string, index: number | undefined, signal: AbortSignal): Promise<number> {
  const times = new Set<string>();
  let untimed = 0;
  await runFfprobe(tools, {
    file,
    options: [
      '-select_streams',
      index === undefined ? 'V:0' : String(index),
      '-print_format',
      'csv=p=0',
      '-show_entries',
      'packet=pts_time,flags',
    ],
    onLine: (line) => {
      const [time = 'N/A', flags = ''] = line.split(',');
      if (flags.includes('D')) return;
      if (time === 'N/A') untimed += 1;
      else times.add(time);
    },
    signal,
  });
  // A file that gives no times to half of its packets is one of fields, whose second has none.
  return times.size === 0 ? untimed : times.size;
}
