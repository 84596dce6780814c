import { createSHA256 } from 'hash-wasm';

/** What the page asks for: the SHA-256 of a file or of a piece of one, or that it be given up. */
export type DigestRequest = { readonly id: number; readonly blob: Blob } | { readonly id: number; readonly cancel: true };

/** What the page is told: how far it is, the digest in lowercase hexadecimal, or what went wrong. */
export type DigestAnswer =
  | { readonly id: number; readonly done: number }
  | { readonly id: number; readonly sha256: string }
  | { readonly id: number; readonly failed: { readonly name: string; readonly message: string } };

/** Bytes read at a time: enough for full speed, little enough for a telephone. */
const PIECE = 4 * 2 ** 20;

const cancelled = new Set<number>();

// crypto.subtle takes a message in one piece only, which a file of gigabytes is not, and is missing where an agency's own network has no TLS.
async function digest(id: number, blob: Blob): Promise<void> {
  const hash = await createSHA256();
  for (let from = 0; from < blob.size; from += PIECE) {
    if (cancelled.delete(id)) return;
    hash.update(new Uint8Array(await blob.slice(from, from + PIECE).arrayBuffer()));
    answer({ id, done: Math.min(blob.size, from + PIECE) });
  }
  answer({ id, sha256: hash.digest('hex') });
}

function answer(message: DigestAnswer): void {
  self.postMessage(message);
}

self.addEventListener('message', ({ data }: MessageEvent<DigestRequest>) => {
  if ('cancel' in data) {
    cancelled.add(data.id);
    return;
  }
  digest(data.id, data.blob).catch((error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    answer({ id: data.id, failed: { name, message } });
  });
});
