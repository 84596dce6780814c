import type { DigestAnswer, DigestRequest } from './digest.worker.js';

interface Waiting {
  readonly onProgress: (bytes: number) => void;
  readonly resolve: (sha256: string) => void;
  readonly reject: (error: unknown) => void;
}

let worker: Worker | undefined;
let last = 0;
const waiting = new Map<number, Waiting>();

/**
 * The SHA-256 of a file or of a piece of one, in lowercase hexadecimal, computed beside the page so that it stays usable.
 * @param onProgress is told how many bytes are done
 * @throws DOMException NotReadableError when the file is no longer as it was chosen; AbortError when `signal` is aborted
 */
export function sha256Of(
  blob: Blob,
  signal: AbortSignal,
  onProgress: (bytes: number) => void = () => undefined,
): Promise<string> {
  signal.throwIfAborted();
  const id = ++last;
  const hashing = startedWorker();
  return new Promise<string>((resolve, reject) => {
    const onAbort = (): void => {
      waiting.delete(id);
      hashing.postMessage({ id, cancel: true } satisfies DigestRequest);
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
    const settle = (): void => {
      waiting.delete(id);
      signal.removeEventListener('abort', onAbort);
    };
    waiting.set(id, {
      onProgress,
      resolve: (sha256) => {
        settle();
        resolve(sha256);
      },
      reject: (error) => {
        settle();
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    });
    hashing.postMessage({ id, blob } satisfies DigestRequest);
  });
}

function startedWorker(): Worker {
  if (worker !== undefined) return worker;
  worker = new Worker(new URL('./digest.worker.ts', import.meta.url), { type: 'module' });
  worker.addEventListener('message', ({ data }: MessageEvent<DigestAnswer>) => {
    const asked = waiting.get(data.id);
    if ('done' in data) asked?.onProgress(data.done);
    else if ('sha256' in data) asked?.resolve(data.sha256);
    else asked?.reject(new DOMException(data.failed.message, data.failed.name));
  });
  worker.addEventListener('error', () => {
    worker = undefined;
    const error = new Error('the part of it that computes SHA-256 could not be loaded. Reload the page.');
    for (const asked of [...waiting.values()]) asked.reject(error);
  });
  return worker;
}
