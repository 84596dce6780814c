import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Unexpected } from './demo-context.js';
import type { Track, Watched } from './watching.js';

/** A part of the picture in fractions of its width and height. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Writes the picture shown at a time of the recording, decoded from what a viewing delivered. */
export async function pictureAt(ffmpeg: string, work: string, watched: Watched, atMs: number, png: string): Promise<void> {
  const { file, offset } = await segmentAt(work, watched, atMs);
  await decode(ffmpeg, [...['-ss', offset, '-i', file, '-frames:v', '1'], ...['-update', '1', png]]);
}

/** Lightest and darkest point of an area of a picture: 0 is black, 255 white. */
export async function shadesOf(
  ffmpeg: string,
  png: string,
  { x, y, width, height }: Area,
): Promise<{ darkest: number; lightest: number }> {
  const crop = `crop=w=iw*${width}:h=ih*${height}:x=iw*${x}:y=ih*${y}`;
  const pixels = await decode(ffmpeg, ['-i', png, '-vf', `${crop},format=gray,scale=64:64:flags=area`, '-f', 'rawvideo', '-']);
  if (pixels.length !== 64 * 64) throw new Unexpected(`a part of ${png}`, '4096 pixels', pixels.length);
  return { darkest: pixels.reduce((a, b) => Math.min(a, b), 255), lightest: pixels.reduce((a, b) => Math.max(a, b), 0) };
}

/** Loudest sample of the tenth of a second around a time, in dB below full scale; -96 is silence. */
export async function loudnessAt(ffmpeg: string, work: string, watched: Watched, atMs: number): Promise<number> {
  if (watched.sound === null) throw new Unexpected('the viewing', 'sound', 'none');
  const { file, offset } = await segmentAt(work, watched.sound, atMs - 50);
  // Decoded from the segment's start: sought audio begins with what the decoder has not yet settled.
  const sound = await decode(ffmpeg, [
    '-i',
    file,
    '-vn',
    '-af',
    `asetpts=N/SR/TB,atrim=${offset}:${Number(offset) + 0.1}`,
    '-ac',
    '1',
    '-f',
    's16le',
    '-',
  ]);
  if (sound.length < 2) throw new Unexpected(`sound at ${atMs} ms`, 'some samples', 'none');
  let peak = 0;
  for (let at = 0; at + 1 < sound.length; at += 2) peak = Math.max(peak, Math.abs(sound.readInt16LE(at)));
  return peak === 0 ? -96 : Math.max(-96, 20 * Math.log10(peak / 32768));
}

async function segmentAt(work: string, { init, fetched }: Track, atMs: number): Promise<{ file: string; offset: string }> {
  const segment = fetched.find(({ startMs, endMs }) => atMs >= startMs && atMs < endMs) ?? fetched.at(-1);
  if (segment === undefined) throw new Unexpected('the viewing', `a segment at ${atMs} ms`, 'none');
  const file = join(work, 'segment.mp4');
  await writeFile(file, Buffer.concat([init, segment.bytes]));
  return { file, offset: (Math.max(0, atMs - segment.startMs) / 1000).toFixed(3) };
}

async function decode(ffmpeg: string, args: readonly string[]): Promise<Buffer> {
  const { stdout } = await promisify(execFile)(ffmpeg, ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...args], {
    encoding: 'buffer',
    maxBuffer: 64 * 2 ** 20,
  });
  return stdout;
}
