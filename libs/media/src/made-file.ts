import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { lstat, open, rm } from 'node:fs/promises';
import { MediaError } from './media-error.js';

/** Bytes. Nothing that is read as a whole comes near: the largest is a segment of four seconds. */
const LONGEST = 256 * 2 ** 20;

/**
 * What a tool has left in its working folder, which it may write as it likes. One that was taken over may have left a link, which leads nowhere
 * in its sandbox and to our own files outside, or a pipe, on which a reader waits for ever: only plain files are read.
 *
 * @throws MediaError `failed` for anything else, `over-limit`; ENOENT where there is nothing
 */
export async function readMade(path: string, longest = LONGEST): Promise<Buffer> {
  const file = await openMade(path);
  try {
    const { size } = await file.stat();
    if (size > longest)
      throw new MediaError('over-limit', `The work on the video wrote a file larger than the ${longest} bytes allowed.`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Bytes; nought where there is no plain file. */
export async function sizeOfMade(path: string): Promise<number> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : 0;
}

/** A new file of our own in such a folder, in place of whatever is there: never through a link that was left under its name. */
export async function openOwn(path: string): Promise<FileHandle> {
  await rm(path, { force: true });
  return open(path, 'wx');
}

export async function writeOwn(path: string, text: string): Promise<void> {
  const file = await openOwn(path);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function openMade(path: string): Promise<FileHandle> {
  // Whoever looks first and opens then may open something else. Without waiting, since a pipe is opened before it is known to be one.
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
    throw (error as NodeJS.ErrnoException).code === 'ELOOP' ? notPlain() : error;
  });
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notPlain();
}

function notPlain(): MediaError {
  return new MediaError('failed', 'The work on the video left something else where a file was to be, so none of it is used.');
}
