/** Bytes [from, to) of a file. */
export interface Part {
  /** From 1. */
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

/** The parts of a file that the service does not have yet, in the order in which they are sent. An empty file has none. */
export function missingParts(size: number, partSize: number, received: readonly number[]): Part[] {
  const have = new Set(received);
  const missing: Part[] = [];
  for (let from = 0, number = 1; from < size; from += partSize, number++)
    if (!have.has(number)) missing.push({ number, from, to: Math.min(size, from + partSize) });
  return missing;
}

/** How many bytes of a file these parts leave as already there. */
export function bytesReceived(size: number, missing: readonly Part[]): number {
  return missing.reduce((left, part) => left - (part.to - part.from), size);
}
