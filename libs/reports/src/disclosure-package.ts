import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

/** A file of a package: its bytes, or where they lie. */
export interface PackageMember {
  readonly path: string;
  readonly from: Buffer | { readonly file: string; readonly size: number };
}

/** In the machine's own time, as DOS had it: the same two bytes everywhere. Other dates would make other packages of the same files. */
const NO_DATE = new Date(1980, 0, 1);
const OPTIONS = { mtime: NO_DATE, mode: 0o100644, compress: false, forceDosTimestamp: true } as const;

/**
 * Writes a ZIP file, ZIP64 where it has to be, of files as they are: video does not get smaller, and whoever looks into it finds the bytes that were
 * hashed. The same members give the same bytes; memory does not grow with them.
 * @throws Error when a file is not as long as it was said to be; the signal's reason
 */
export async function writePackage(
  out: string,
  members: readonly PackageMember[],
  signal: AbortSignal,
): Promise<{ readonly sha256: Buffer; readonly size: number }> {
  const zip = new ZipFile();
  const failed = new AbortController();
  zip.on('error', (error) => failed.abort(error));
  for (const { path, from } of members) {
    if (Buffer.isBuffer(from)) zip.addBuffer(from, path, OPTIONS);
    else
      zip.addReadStreamLazy(path, { ...OPTIONS, size: from.size }, (take) => {
        const stream = createReadStream(from.file);
        stream.on('error', (error) => failed.abort(error));
        take(null, stream);
      });
  }
  zip.end();
  const hash = createHash('sha256');
  let size = 0;
  const hashed = new Transform({
    transform(chunk: Buffer, _, next): void {
      hash.update(chunk);
      size += chunk.length;
      next(null, chunk);
    },
  });
  try {
    const stop = AbortSignal.any([signal, failed.signal]);
    await pipeline(zip.outputStream, hashed, createWriteStream(out), { signal: stop });
  } catch (error) {
    throw failed.signal.aborted ? failed.signal.reason : error;
  }
  return { sha256: hash.digest(), size };
}
