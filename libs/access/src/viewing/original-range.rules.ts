import type { ByteSpan } from '#custody';

/** What of a file is asked for. `span` is null where an empty file is asked for whole. */
export type AskedBytes =
  | { readonly kind: 'whole'; readonly span: ByteSpan | null }
  | { readonly kind: 'part'; readonly span: ByteSpan }
  /** Nothing of it exists: 416. RFC 9110 §15.5.17 */
  | { readonly kind: 'beyond' };

/** First byte and last, or the last so many. RFC 9110 §14.1.2 */
const ONE_RANGE = /^bytes[ \t]*=[ \t]*(?:(\d+)-(\d*)|-(\d+))[ \t]*$/i;

/**
 * What the headers `Range` and `If-Range` ask for, of a file of `size` bytes with the strong entity tag `etag` (quotes included; null when there
 * is none). A range that is none, of another unit, or one of several, is passed over and the whole file answered, as RFC 9110 §14.2 allows; so is
 * one that holds for another version only (§13.1.5).
 */
export function byteRange(
  { range, ifRange }: { readonly range: string | undefined; readonly ifRange: string | undefined },
  { size, etag }: { readonly size: number; readonly etag: string | null },
): AskedBytes {
  const whole = { kind: 'whole', span: size === 0 ? null : { first: 0, last: size - 1 } } as const;
  const [matched, from, to, suffix] = ONE_RANGE.exec(range ?? '') ?? [];
  if (matched === undefined || (ifRange !== undefined && ifRange.trim() !== etag)) return whole;
  if (from === undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? { kind: 'beyond' } : { kind: 'part', span: { first: size - length, last: size - 1 } };
  }
  const first = Number(from);
  const last = to === undefined || to === '' ? Infinity : Number(to);
  if (last < first) return whole;
  return first >= size ? { kind: 'beyond' } : { kind: 'part', span: { first, last: Math.min(last, size - 1) } };
}

/** A `Content-Disposition` under which a browser stores, never shows, and that no name can get out of. RFC 6266, RFC 8187 */
export function attachment(name: string): string {
  const plain = [...name.normalize('NFC')]
    // Control and formatting characters among them: those that turn the direction of writing make `exe.4pm` look like `mp4.exe`.
    .filter((character) => !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(character))
    .map((character) => (/[/\\:*?"<>|%]/.test(character) ? '_' : character))
    .slice(-150)
    .join('')
    .replace(/^[.\s]+/, '')
    .trim();
  const safe = plain === '' ? 'original' : plain;
  const ascii = safe.replaceAll(/[^\x20-\x7e]/g, '_');
  const encoded = encodeURIComponent(safe).replaceAll(/['()*!]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${ascii}"${ascii === safe ? '' : `; filename*=UTF-8''${encoded}`}`;
}
