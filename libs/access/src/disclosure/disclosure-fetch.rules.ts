import type { ByteSpan } from '#custody';

/** One answer as far as it is known: `sent` bytes from `first` on; while it runs, all that was asked for counts. */
export interface Sending {
  readonly first: number;
  readonly last: number;
  readonly sent: number;
  readonly running: boolean;
}

/** Bytes, both ends included, in order, none twice. */
export function spansOf(sendings: readonly Sending[]): ByteSpan[] {
  const found = sendings.flatMap(({ first, last, sent, running }) => {
    const end = running ? last : Math.min(last, first + sent - 1);
    return end < first ? [] : [{ first, last: end }];
  });
  found.sort((a, b) => a.first - b.first);
  const spans: ByteSpan[] = [];
  for (const span of found) {
    const previous = spans.at(-1);
    if (previous === undefined || span.first > previous.last + 1) spans.push(span);
    else if (span.last > previous.last) spans[spans.length - 1] = { first: previous.first, last: span.last };
  }
  return spans;
}

export function isWhole(spans: readonly ByteSpan[], size: number): boolean {
  const [only, ...more] = spans;
  return size === 0 || (more.length === 0 && only?.first === 0 && only.last >= size - 1);
}

/**
 * Whether a request for the bytes from `first` on goes on with a fetch that was begun, rather than beginning another one. Whoever lost the
 * connection has less than we sent, and may have to begin at the first byte again; so bytes may come again, but not so often that one fetch gives
 * several copies. While the first byte is being sent, or when all were, whoever asks for it begins another fetch.
 */
export function continues(sendings: readonly Sending[], { first, last }: ByteSpan, size: number): boolean {
  const sent = sendings.reduce((sum, each) => sum + (each.running ? each.last - each.first + 1 : each.sent), 0);
  if (first === 0 && (isWhole(spansOf(sendings), size) || sendings.some((each) => each.running && each.first === 0)))
    return false;
  return sent + (last - first + 1) <= 2 * size;
}

const ONE_RANGE = /^bytes=(\d{1,15})?-(\d{1,15})?$/;

/**
 * What a Range header asks for of `size` bytes: one range, cut at the end. Undefined without one, or with one in another unit, which is passed
 * over (RFC 9110 §14.2); 'unsatisfiable' when it lies beyond the end, is malformed, or asks for several ranges, which nobody needs to resume.
 */
export function rangeOf(header: string | undefined, size: number): ByteSpan | 'unsatisfiable' | undefined {
  if (header === undefined || !/^bytes=/i.test(header.trim())) return undefined;
  const [, from, to] = ONE_RANGE.exec(header.trim().toLowerCase().replaceAll(' ', '')) ?? [];
  if (from === undefined) {
    const count = Number(to ?? 0);
    return count === 0 || size === 0 ? 'unsatisfiable' : { first: Math.max(0, size - count), last: size - 1 };
  }
  const first = Number(from);
  const last = to === undefined ? size - 1 : Math.min(Number(to), size - 1);
  return first >= size || last < first ? 'unsatisfiable' : { first, last };
}
