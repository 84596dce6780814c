import { rm, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import { runFfmpeg } from './ffmpeg-runner.js';
import type { FfmpegOutput } from './ffmpeg-runner.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';

/** Pure: one picture, without metadata. @throws MediaError `failed` for a name that ends in neither .png nor .jpg */
export function frameOutput(out: string): FfmpegOutput {
  const codecs: Readonly<Record<string, readonly string[]>> = {
    '.png': ['png'],
    '.jpg': ['mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p'],
  };
  const codec = codecs[extname(out).toLowerCase()];
  if (codec === undefined) throw new MediaError('failed', 'A still picture is written as .png or .jpg.');
  const options = [
    '-map',
    '0:V:0',
    '-frames:v',
    '1',
    '-map_metadata',
    '-1',
    '-fflags',
    '+bitexact',
    '-flags:v',
    '+bitexact',
    '-c:v',
  ];
  return { options: [...options, ...codec, '-f', 'image2', '-update', '1'], to: out };
}

/**
 * Writes the picture shown at a time (the first frame at or after it), upright.
 *
 * @throws MediaError `failed` (also when the recording ends before), `time-limit`, `aborted`
 */
export async function extractFrame(
  tools: MediaTools,
  input: { readonly file: string; readonly atMs: number; readonly out: string; readonly signal?: AbortSignal },
): Promise<void> {
  const output = frameOutput(input.out);
  // A picture from an earlier run must not pass for this one.
  await rm(input.out, { force: true });
  await runFfmpeg(tools, {
    input: { options: ['-ss', (input.atMs / 1000).toFixed(3)], file: input.file },
    outputs: [output],
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
  const written = await stat(input.out).catch(() => undefined);
  if (!written?.size) throw new MediaError('failed', `The recording has no picture at ${(input.atMs / 1000).toFixed(3)} s.`);
}
