import { createHash } from 'node:crypto';
import type { ObjectStore, StoredVersion } from '#storage';
import { discard } from './spent-chunk.js';

/** How the proof was made, as custody entries say it. */
export const READ_BACK = 'SHA-256 of the stored version, read back whole from the object store';

/** A store from which nothing has come for so long has hung up without a word. */
const STALLED_MS = 60_000;

/** What was really read. */
export interface ReadBack {
  readonly sha256: Buffer;
  /** Bytes. */
  readonly size: number;
}

/**
 * Reads the stored version whole and hashes it on the way.
 *
 * In one request: several ranges at once, in order, were slower by a third against the reference store, whose processor time is what
 * there is least of, and each idle range would be one more connection for a slow store to drop.
 * @param onChunk what else is to be done with the bytes, in order; reading waits for what it answers. The chunk is its own from then on, to
 *   be discarded when it is done with
 * @throws ObjectMissing, StorageUnavailable; the signal's reason
 */
export async function readBack(
  store: ObjectStore,
  version: Pick<StoredVersion, 'bucket' | 'key' | 'versionId'>,
  { signal, onChunk }: { readonly signal?: AbortSignal; readonly onChunk?: (chunk: Buffer) => Promise<void> | undefined } = {},
): Promise<ReadBack> {
  signal?.throwIfAborted();
  const { stream } = await store.open(version);
  const stop = (): void => void stream.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', stop, { once: true });
  const stalled = setTimeout(() => stream.destroy(new Error('the object store stopped in the middle of an answer')), STALLED_MS);
  const hash = createHash('sha256');
  let size = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      hash.update(chunk);
      size += chunk.length;
      if (onChunk === undefined) discard(chunk);
      else await onChunk(chunk);
      stalled.refresh();
    }
  } finally {
    clearTimeout(stalled);
    signal?.removeEventListener('abort', stop);
    stream.destroy();
  }
  signal?.throwIfAborted();
  return { sha256: hash.digest(), size };
}
