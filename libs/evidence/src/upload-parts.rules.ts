const MIB = 1024 * 1024;
/** S3 multipart uploads have at most this many parts. */
const MOST_PARTS = 10_000;

/** Bytes a part, in whole MiB: the preferred size unless the file would need too many parts. */
export function partSizeFor(size: number, preferredMib: number): number {
  return Math.max(preferredMib, Math.ceil(size / MOST_PARTS / MIB)) * MIB;
}

export function partCount(size: number, partSize: number): number {
  return Math.ceil(size / partSize);
}

/** Bytes that part `part` (from 1) must have; undefined when the file has no such part. */
export function expectedPartSize(size: number, partSize: number, part: number): number | undefined {
  const count = partCount(size, partSize);
  if (!Number.isInteger(part) || part < 1 || part > count) return undefined;
  return part < count ? partSize : size - partSize * (count - 1);
}

/** Parts not in `received`, ascending. */
export function missingParts(size: number, partSize: number, received: Iterable<number>): number[] {
  const have = new Set(received);
  return Array.from({ length: partCount(size, partSize) }, (_, i) => i + 1).filter((part) => !have.has(part));
}

const DIGEST = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?=,|$)/g;

/** The SHA-256 of a `Content-Digest` header, 32 bytes; undefined when it holds none. Of several the last one counts. RFC 9530 §2, RFC 8941 §4.2.2 */
export function sha256OfContentDigest(header: string): Buffer | undefined {
  const found = [...header.matchAll(DIGEST)].at(-1)?.[1];
  return found === undefined ? undefined : Buffer.from(found, 'base64');
}
