import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readPackets } from './completeness.js';
import { runFfmpeg } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { INIT_SEGMENT, playbackOutputs, PLAYLIST, POSTER, POSTER_CANDIDATE, readPlaylist } from './playback-arguments.js';

/** One file of the playback rendition, ready to be stored under `name`. */
export interface PlaybackFile {
  readonly name: string;
  readonly path: string;
  readonly contentType: string;
  /** Of a segment. */
  readonly durationMs?: number;
}

export interface PlaybackInput {
  readonly file: string;
  readonly probe: Probe;
  /** Made if it is not there. Only our own files in it are removed when the work fails. */
  readonly outDir: string;
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/**
 * Makes the HLS rendition (fMP4 segments of 4 s, H.264 and AAC, at most 720p) and the poster in one pass over the source.
 * ffmpeg's exit code 0 does not mean that all of the source came through, so the result's length is compared with the probe's.
 *
 * @returns playlist.m3u8, init.mp4, seg-00000.m4s…, poster.jpg, in this order
 * @throws MediaError `failed`, `time-limit`, `aborted`
 */
export async function transcodeForPlayback(tools: MediaTools, input: PlaybackInput): Promise<PlaybackFile[]> {
  await mkdir(input.outDir, { recursive: true });
  try {
    await runFfmpeg(tools, {
      input: { options: [], file: input.file },
      outputs: playbackOutputs(input.probe),
      cwd: input.outDir,
      durationMs: input.probe.durationMs,
      ...(input.onProgress === undefined ? {} : { onProgress: input.onProgress }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    });
    await choosePoster(input.outDir);
    return await collect(tools, input);
  } catch (error) {
    await removeOurFiles(input.outDir);
    throw error;
  }
}

async function collect(tools: MediaTools, input: PlaybackInput): Promise<PlaybackFile[]> {
  const at = (name: string): string => join(input.outDir, name);
  const playlist = readPlaylist(await readFile(at(PLAYLIST), 'utf8'));
  const playedMs = playlist.segments.reduce((sum, segment) => sum + segment.durationMs, 0);
  if (!playlist.ended || !(await isWhole(tools, input, playedMs))) {
    const lengths = `${(playedMs / 1000).toFixed(1)} s of ${(input.probe.durationMs / 1000).toFixed(1)} s`;
    throw new MediaError('failed', `The playback version is not as long as the recording: ${lengths}.`);
  }
  const files: PlaybackFile[] = [
    { name: PLAYLIST, path: at(PLAYLIST), contentType: 'application/vnd.apple.mpegurl' },
    { name: INIT_SEGMENT, path: at(INIT_SEGMENT), contentType: 'video/mp4' },
    ...playlist.segments.map(({ name, durationMs }) => ({ name, path: at(name), contentType: 'video/iso.segment', durationMs })),
    { name: POSTER, path: at(POSTER), contentType: 'image/jpeg' },
  ];
  for (const file of files) {
    if ((await sizeOf(file.path)) === 0)
      throw new MediaError('failed', `The playback version is incomplete: ${file.name} was not written.`);
  }
  return files;
}

/** A playlist counts pictures only: where the sound goes on after the last picture, that is where it may end. */
async function isWhole(tools: MediaTools, input: PlaybackInput, playedMs: number): Promise<boolean> {
  const { durationMs } = input.probe;
  const tolerance = Math.max(500, durationMs / 50);
  if (Math.abs(playedMs - durationMs) <= tolerance) return true;
  const packets = await readPackets(tools, input.file, input.signal);
  const { from, to } = packets.lastPictureMs;
  return packets.endMs >= durationMs - tolerance && playedMs >= from - tolerance && playedMs <= to + tolerance;
}

/** The candidate with most to see: at equal quality and size in pixels that is the longest JPEG; a black or blurred picture is a short one. */
async function choosePoster(outDir: string): Promise<void> {
  const names = (await readdir(outDir)).filter((name) => POSTER_CANDIDATE.test(name)).sort();
  let best: { name: string; size: number } | undefined;
  for (const name of names) {
    const size = await sizeOf(join(outDir, name));
    if (size > (best?.size ?? 0)) best = { name, size };
  }
  if (best === undefined) throw new MediaError('failed', 'No picture could be taken from the recording for its poster.');
  await rename(join(outDir, best.name), join(outDir, POSTER));
  await Promise.all(names.map((name) => rm(join(outDir, name), { force: true })));
}

async function sizeOf(path: string): Promise<number> {
  return stat(path).then(
    (found) => found.size,
    () => 0,
  );
}

async function removeOurFiles(outDir: string): Promise<void> {
  const ours = (await readdir(outDir)).filter((name) =>
    /^(playlist\.m3u8|init\.mp4|poster(-\d{2})?\.jpg|seg-\d{5,}\.m4s)(\.tmp)?$/.test(name),
  );
  await Promise.all(ours.map((name) => rm(join(outDir, name), { force: true })));
}
