import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { synthesiseClip, type Clip } from '../clips/synthesise.js';

const FFMPEG = process.env['FFMPEG_PATH'] || 'ffmpeg';

/** A small synthetic clip in memory: 320×240 at 15 frames a second unless said otherwise, with its index at the end. */
export async function clipBytes(clip: Omit<Clip, 'out' | 'camera'> & { readonly camera?: string }): Promise<Buffer> {
  return inFolder(async (folder) => {
    const out = join(folder, 'clip');
    await synthesiseClip({ ffmpeg: FFMPEG }, { camera: 'TEST-CAMERA-1', width: 320, height: 240, fps: 15, ...clip, out });
    return readFile(out);
  });
}

/** The same pictures and sound with the index at the beginning, as a file that is meant for streaming has it. */
export async function withIndexFirst(mp4: Buffer): Promise<Buffer> {
  return inFolder(async (folder) => {
    const [source, out] = [join(folder, 'source.mp4'), join(folder, 'out.mp4')];
    await writeFile(source, mp4);
    await promisify(execFile)(FFMPEG, [
      '-nostdin',
      '-loglevel',
      'error',
      '-i',
      source,
      '-c',
      'copy',
      '-movflags',
      '+faststart',
      out,
    ]);
    return readFile(out);
  });
}

/**
 * A different file that plays the same: an MP4 with a `free` box of random bytes at its end (ISO/IEC 14496-12 §8.1.2). Saves making a clip
 * for every recording that a test needs, and makes files of any size.
 */
export function variantOf(mp4: Buffer, extraBytes = 32): Buffer {
  const box = randomBytes(extraBytes);
  box.writeUInt32BE(extraBytes, 0);
  box.write('free', 4, 'latin1');
  return Buffer.concat([mp4, box]);
}

/** A WAV file: a second of noise. */
export function soundOnly(): Buffer {
  const samples = randomBytes(32_000);
  const header = Buffer.alloc(44);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + samples.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(16_000, 24);
  header.writeUInt32LE(32_000, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(samples.length, 40);
  return Buffer.concat([header, samples]);
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-clip-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
