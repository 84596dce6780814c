import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { ObjectStore, StoredVersion } from './object-store.js';

const PART_BYTES = 16 * 1024 * 1024;
const PARTS_AT_ONCE = 3;
/** S3 takes no more parts than this in one upload. */
const MOST_PARTS = 10_000;

/** See ObjectStore.putFile. On any fault the parts sent so far are dropped and the fault is thrown. */
export async function uploadFile(
  store: ObjectStore,
  to: { bucket: string; key: string; contentType: string },
  path: string,
): Promise<StoredVersion> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    if (size <= PART_BYTES) return await store.put(to.bucket, to.key, await readExactly(file, 0, size), to.contentType);
    return await uploadInParts(store, to, file, size);
  } finally {
    await file.close();
  }
}

async function uploadInParts(
  store: ObjectStore,
  to: { bucket: string; key: string; contentType: string },
  file: FileHandle,
  size: number,
): Promise<StoredVersion> {
  const partBytes = Math.max(PART_BYTES, Math.ceil(size / MOST_PARTS));
  const count = Math.ceil(size / partBytes);
  const at = { bucket: to.bucket, key: to.key, uploadId: await store.beginMultipart(to.bucket, to.key, to.contentType) };
  const sent: { part: number; etag: string }[] = [];
  let next = 1;
  const sendParts = async (): Promise<void> => {
    while (next <= count) {
      const part = next++;
      const start = (part - 1) * partBytes;
      const body = await readExactly(file, start, Math.min(partBytes, size - start));
      const { etag } = await store.putPart(at, part, body, createHash('sha256').update(body).digest('hex'));
      sent.push({ part, etag });
    }
  };
  // Settled, not raced: the file must stay open, and the upload unaborted, until the last sender has stopped
  const outcomes = await Promise.allSettled(Array.from({ length: PARTS_AT_ONCE }, sendParts));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) {
    await store.abortMultipart(at).catch(() => undefined);
    throw failed.reason;
  }
  return store.completeMultipart(at, sent);
}

async function readExactly(file: FileHandle, start: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, start + filled);
    if (bytesRead === 0) throw new Error('The file became shorter while it was being stored');
    filled += bytesRead;
  }
  return bytes;
}
