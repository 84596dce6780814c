/** What may still be sent at once. Below zero it is owed: whoever took last waits until it is paid. */
export interface Bucket {
  /** Bytes. */
  readonly tokens: number;
  /** Milliseconds, when it held that. */
  readonly at: number;
}

export interface Cap {
  readonly bytesPerSecond: number;
  /** Bytes that may go at once after a pause. */
  readonly burst: number;
}

/** A quarter of a second: long enough not to slow a link down, short enough not to be seen by whoever shares it. */
export function capOf(mibPerSecond: number): Cap {
  const bytesPerSecond = mibPerSecond * 1024 * 1024;
  return { bytesPerSecond, burst: bytesPerSecond / 4 };
}

export function fullBucket(cap: Cap, now: number): Bucket {
  return { tokens: cap.burst, at: now };
}

/** Takes bytes in any case and says how long to wait before sending them, so that takers are served in the order in which they came. */
export function take(bucket: Bucket, bytes: number, now: number, cap: Cap): { readonly bucket: Bucket; readonly waitMs: number } {
  // A clock that goes back gives nothing and takes nothing
  const at = Math.max(now, bucket.at);
  const filled = Math.min(cap.burst, bucket.tokens + ((at - bucket.at) * cap.bytesPerSecond) / 1000);
  const tokens = filled - bytes;
  return { bucket: { tokens, at }, waitMs: at - now + Math.max(0, (-tokens * 1000) / cap.bytesPerSecond) };
}

/** Bytes to write at once under a cap: small enough that four parts take turns several times a second. */
export function pieceOf({ bytesPerSecond }: Cap): number {
  return Math.min(256 * 1024, Math.max(1024, Math.floor(bytesPerSecond / 16)));
}

const PART_WITHIN_SECONDS = 60;

/** Bytes of parts to have under way at once: under a low cap fewer parts, so that none takes so long that the server gives it up. */
export function inFlightOf({ bytesPerSecond }: Cap): number {
  return bytesPerSecond * PART_WITHIN_SECONDS;
}
