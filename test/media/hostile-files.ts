import { execFile } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const ffmpeg = async (...options: readonly string[]): Promise<void> => {
  await promisify(execFile)('ffmpeg', ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', ...options], {
    maxBuffer: 1 << 20,
  });
};

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=10:duration=1'];
const SOUND = ['-f', 'lavfi', '-i', 'sine=frequency=440:duration=1'];
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

export interface HostileFile {
  readonly name: string;
  /** Writes it. `trap` is a named pipe that nobody writes to: whoever opens it hangs. */
  readonly make: (file: string, trap: string) => Promise<void>;
}

/** Files that nobody's camera writes. No blobs: each is made by ffmpeg and then spoilt. */
export const HOSTILE_FILES: readonly HostileFile[] = [
  {
    name: 'an HLS playlist',
    make: (file, trap) => writeFile(file, `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://${trap}\n#EXT-X-ENDLIST\n`),
  },
  { name: 'a concat script', make: (file, trap) => writeFile(file, `ffconcat version 1.0\nfile '${trap}'\n`) },
  { name: 'an MP4 whose film lies in another file', make: makeExternalReference },
  {
    name: 'a playlist behind a real header',
    make: async (file: string, trap: string): Promise<void> => {
      await ffmpeg(...PICTURE, ...H264, '-f', 'mp4', file);
      const whole = await readFile(file);
      await writeFile(file, Buffer.concat([whole.subarray(0, 40), Buffer.from(`\n#EXTM3U\n#EXTINF:4,\n${trap}\n`)]));
    },
  },
  { name: 'a header that claims a million pixels of width', make: (file) => makeClaim(file, { width: 1_000_000, height: 100 }) },
  {
    name: 'a header that claims a billion pixels of height',
    make: (file) => makeClaim(file, { width: 160, height: 1_000_000_000 }),
  },
  { name: 'a thousand streams', make: makeThousandStreams },
  {
    name: 'random bytes',
    make: (file) =>
      writeFile(file, Buffer.from(Array.from({ length: 50_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) & 0xff))),
  },
  { name: 'nothing', make: (file) => writeFile(file, '') },
  { name: 'an MP4 cut off in the middle, its index at the end', make: (file) => makeTruncated(file, []) },
  { name: 'an MP4 cut off in the middle, its index in front', make: (file) => makeTruncated(file, ['-movflags', '+faststart']) },
  {
    name: 'negative timestamps',
    make: (file) =>
      ffmpeg(...PICTURE, ...SOUND, ...H264, '-output_ts_offset', '-5', '-avoid_negative_ts', 'disabled', '-f', 'matroska', file),
  },
  {
    name: 'overlapping timestamps',
    make: async (file: string): Promise<void> => {
      await ffmpeg(...PICTURE, ...SOUND, ...H264, '-f', 'mpegts', file);
      const whole = await readFile(file);
      await writeFile(file, Buffer.concat([whole, whole, whole]));
    },
  },
  {
    name: 'timestamps that jump ahead by a day',
    make: async (file: string): Promise<void> => {
      await ffmpeg(...PICTURE, ...H264, '-f', 'mpegts', file);
      const first = await readFile(file);
      await ffmpeg(...PICTURE, ...H264, '-output_ts_offset', '86000', '-f', 'mpegts', file);
      await writeFile(file, Buffer.concat([first, await readFile(file)]));
    },
  },
  {
    name: 'a resolution that changes midway',
    make: async (file: string): Promise<void> => {
      await ffmpeg(...PICTURE, ...H264, '-f', 'mpegts', file);
      const small = await readFile(file);
      const larger = ['-f', 'lavfi', '-i', 'testsrc2=size=482x270:rate=10:duration=1'];
      await ffmpeg(...larger, ...H264, '-output_ts_offset', '1', '-f', 'mpegts', file);
      await writeFile(file, Buffer.concat([small, await readFile(file)]));
    },
  },
];

/**
 * ISO/IEC 14496-12 §8.7.2: a data reference may say that the film lies in another file. This one does so as QuickTime's alias record with an
 * absolute path, which ffmpeg can read: with `-enable_drefs 1 -use_absolute_path 1` it opens it.
 */
async function makeExternalReference(file: string, trap: string): Promise<void> {
  await ffmpeg(...PICTURE, ...H264, '-f', 'mov', file);
  const bytes = await readFile(file);
  const type = bytes.lastIndexOf(Buffer.from('url \0\0\0\x01', 'latin1'));
  if (type === -1) throw new Error('The clip has no data reference.');
  const path = Buffer.from(trap.padEnd(trap.length + (trap.length % 2), '\0'));
  const alias = Buffer.alloc(150);
  // After size, type and flags: 10 bytes, the volume's name, 12, the file's name, 16, levels up and down, 16; then parts by number.
  alias.write('trap', alias.writeUInt8(4, 10 + 28 + 12));
  const levels = 10 + 28 + 12 + 64 + 16;
  alias.writeUInt16BE(1, levels);
  alias.writeUInt16BE(1, levels + 2);
  const absolutePath = Buffer.from([0, 2, path.length >> 8, path.length & 0xff]);
  const body = Buffer.concat([alias, absolutePath, path, Buffer.from([0xff, 0xff, 0, 0])]);
  const entry = Buffer.concat([Buffer.alloc(4), Buffer.from('alis\0\0\0\0', 'latin1'), body]);
  entry.writeUInt32BE(entry.length);
  const spoilt = Buffer.concat([bytes.subarray(0, type - 4), entry, bytes.subarray(type + 8)]);
  // Every box around it grows by as much.
  for (const box of ['moov', 'trak', 'mdia', 'minf', 'dinf', 'dref']) {
    const at = spoilt.lastIndexOf(box, type - 8) - 4;
    spoilt.writeUInt32BE(spoilt.readUInt32BE(at) + entry.length - 12, at);
  }
  await writeFile(file, spoilt);
}

/** An AVI's stream format (BITMAPINFOHEADER) has 32 bits for each side, and for uncompressed pictures nothing else says otherwise. */
async function makeClaim(file: string, claim: { readonly width: number; readonly height: number }): Promise<void> {
  await ffmpeg(...PICTURE, '-c:v', 'rawvideo', '-pix_fmt', 'bgr24', '-f', 'avi', file);
  const bytes = await readFile(file);
  const format = bytes.indexOf('strf') + 8;
  bytes.writeInt32LE(claim.width, format + 4);
  bytes.writeInt32LE(claim.height, format + 8);
  await writeFile(file, bytes);
}

async function makeThousandStreams(file: string): Promise<void> {
  const one = `${file}.one`;
  await ffmpeg(...PICTURE, ...H264, '-f', 'matroska', one);
  await ffmpeg(
    '-f',
    'matroska',
    '-i',
    one,
    ...Array.from({ length: 1000 }, () => ['-map', '0:v']).flat(),
    '-c',
    'copy',
    '-f',
    'matroska',
    file,
  );
  await rm(one);
}

async function makeTruncated(file: string, options: readonly string[]): Promise<void> {
  await ffmpeg(...PICTURE, ...SOUND, ...H264, ...options, '-f', 'mp4', file);
  const whole = await readFile(file);
  await writeFile(file, whole.subarray(0, Math.floor(whole.length / 2)));
}

/** Clips of several containers and codecs, to be broken. */
export const CLIPS_TO_BREAK: readonly { readonly name: string; readonly options: readonly string[] }[] = [
  { name: 'h264.mp4', options: [...H264, '-c:a', 'aac', '-f', 'mp4'] },
  { name: 'mpeg4.avi', options: ['-c:v', 'mpeg4', '-c:a', 'libmp3lame', '-f', 'avi'] },
  { name: 'h264.ts', options: [...H264, '-c:a', 'aac', '-f', 'mpegts'] },
  { name: 'mjpeg.mov', options: ['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-c:a', 'pcm_s16le', '-f', 'mov'] },
  {
    name: 'hevc.mkv',
    options: ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none', '-c:a', 'aac', '-f', 'matroska'],
  },
];

export async function makeClipToBreak(options: readonly string[], file: string): Promise<void> {
  await ffmpeg(...PICTURE, ...SOUND, ...options, file);
}

/** Turns over the same bits for the same seed and ratio (zzuf(1)). */
export async function breakFile(file: string, seed: number, ratio: number, out: string): Promise<void> {
  const broken = execFile('zzuf', ['-s', String(seed), '-r', String(ratio)], { encoding: 'buffer', maxBuffer: 1 << 26 });
  const bytes: Buffer[] = [];
  broken.stdout?.on('data', (chunk: Buffer) => bytes.push(chunk));
  broken.stdin?.end(await readFile(file));
  await new Promise((done, failed) => broken.once('close', done).once('error', failed));
  await writeFile(out, Buffer.concat(bytes));
}
