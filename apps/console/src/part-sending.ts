import { sha256Of } from './digest.js';
import { sendPart } from './hand-in-api.js';
import { bytesReceived, missingParts, type Part } from './parts.rules.js';
import { persevere, type Delay } from './perseverance.js';

const PARTS_AT_ONCE = 3;

export interface Upload {
  readonly file: File;
  readonly recording: string;
  /** Bytes. */
  readonly partSize: number;
  /** Numbers of the parts that the service has. */
  readonly received: readonly number[];
}

/**
 * Sends the parts that the service does not have, three at a time, each until it has arrived.
 * @throws Refused when the service will not have one of them; AbortError
 */
export async function sendMissingParts(
  { file, recording, partSize, received }: Upload,
  signal: AbortSignal,
  tell: { readonly onBytes: (bytes: number) => void; readonly onDelay: (delay: Delay | undefined) => void },
): Promise<void> {
  const missing = missingParts(file.size, partSize, received);
  let arrived = bytesReceived(file.size, missing);
  const going = new Map<number, number>();
  const show = (): void => tell.onBytes([...going.values()].reduce((sum, bytes) => sum + bytes, arrived));
  show();
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);

  const once = async ({ number, from, to }: Part, body: Blob, sha256: string): Promise<void> => {
    try {
      await sendPart({ recording, part: number, sha256, body }, both, (bytes) => {
        going.set(number, Math.min(bytes, to - from));
        show();
      });
      arrived += to - from;
    } finally {
      going.delete(number);
    }
    show();
  };
  const parts = missing.values();
  const lane = async (): Promise<void> => {
    for (const part of parts) {
      const body = file.slice(part.from, part.to);
      const sha256 = await sha256Of(body, both);
      await persevere(() => once(part, body, sha256), both, tell.onDelay);
    }
  };
  try {
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, lane));
  } finally {
    // Where one part is refused the others need not go up.
    stop.abort();
  }
}
