import { TlogError } from './tlog-error.js';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

/** UTF-8 bytes of a text. @throws TlogError for a lone surrogate, which UTF-8 cannot carry. */
export function utf8(text: string): Uint8Array {
  if (!text.isWellFormed()) throw new TlogError('encoding-malformed', 'The text holds a lone surrogate.');
  return encoder.encode(text);
}

/** Text of UTF-8 bytes; a byte order mark is kept as a character. @throws TlogError for bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new TlogError('encoding-malformed', 'The bytes are not UTF-8.');
  }
}

/** RFC 4648 §4 with padding. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** Strict RFC 4648 §4: exactly one text decodes to given bytes. @throws TlogError */
export function fromBase64(text: string, length?: number): Uint8Array {
  const bytes = new Uint8Array(Buffer.from(text, 'base64'));
  // Buffer skips what it does not know and ignores unused bits; encoding again makes the text unique.
  if (base64(bytes) !== text) throw new TlogError('encoding-malformed', 'The text is not canonical base64.');
  if (length !== undefined && bytes.length !== length) {
    throw new TlogError('encoding-malformed', `The base64 text holds ${bytes.length} bytes, not ${length}.`);
  }
  return bytes;
}

/** Lowercase hexadecimal. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Unsigned 64-bit integer in decimal without leading zeroes. @throws TlogError */
export function fromDecimal(text: string): bigint {
  const value = /^(0|[1-9][0-9]{0,19})$/.test(text) ? BigInt(text) : -1n;
  if (value < 0n || value >= 1n << 64n)
    throw new TlogError('encoding-malformed', 'The number is not an unsigned 64-bit decimal.');
  return value;
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
