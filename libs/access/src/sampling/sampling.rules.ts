import { createHash, createHmac } from 'node:crypto';

/** Of one population: two megabytes of ids, which is what somebody who draws again has to fetch. */
export const LARGEST_POPULATION = 50_000;
export const LARGEST_DRAW = 1000;
/** A lot of which more than every fourth wins is no lot: what it draws is as good as chosen. */
const ONE_IN = 4;
const TOGETHER_MS = 30 * 86_400_000;

const DOMAIN = 2n ** 64n;

/** In the order of which a population is hashed and drawn from: ascending, as text. */
export function population(ids: Iterable<string>): string[] {
  return [...new Set(ids)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
}

/** SHA-256, lowercase hexadecimal, of the ids in their order, each followed by one line feed. */
export function listDigest(ids: readonly string[]): string {
  const hash = createHash('sha256');
  for (const id of ids) hash.update(`${id}\n`);
  return hash.digest('hex');
}

/** SHA-256 of the checkpoint's root hash (32 bytes) and the sampling's id (36 characters, lowercase). */
export function seedOf(root: Uint8Array, samplingId: string): Buffer {
  return createHash('sha256').update(root).update(samplingId).digest();
}

/**
 * Numbers that nobody chose: the first eight bytes, big-endian, of HMAC-SHA-256(seed, counter as eight bytes, big-endian), counter from 0.
 * One at or above the largest multiple of `n` below 2^64 is passed over, so that every remainder is as likely as every other.
 */
export function lots(seed: Uint8Array): (n: number) => number {
  let counter = 0n;
  return (n) => {
    const below = BigInt(n);
    const limit = DOMAIN - (DOMAIN % below);
    for (;;) {
      const message = Buffer.alloc(8);
      message.writeBigUInt64BE(counter++);
      const value = createHmac('sha256', seed).update(message).digest().readBigUInt64BE();
      if (value < limit) return Number(value % below);
    }
  };
}

/**
 * The first `count` of the ids after a Fisher–Yates shuffle, in the order in which they were drawn: for i from 0, the i-th changes places with
 * the (i + lot below n - i)-th. The same seed and the same list give the same draw everywhere. @throws RangeError when there are not as many
 */
export function draw(seed: Uint8Array, ids: readonly string[], count: number): string[] {
  if (count > ids.length) throw new RangeError(`${count} cannot be drawn from ${ids.length}.`);
  const lot = lots(seed);
  const shuffled = [...ids];
  for (let i = 0; i < count; i++) {
    const j = i + lot(shuffled.length - i);
    const taken = shuffled[j] ?? '';
    shuffled[j] = shuffled[i] ?? '';
    shuffled[i] = taken;
  }
  return shuffled.slice(0, count);
}

/** Why so many are not drawn from so many; undefined when they may be. */
export function faultOfDraw(populated: number, count: number): 'empty' | 'too-large' | 'more-than-there-are' | undefined {
  if (populated === 0) return 'empty';
  if (populated > LARGEST_POPULATION) return 'too-large';
  return count > populated ? 'more-than-there-are' : undefined;
}

/** Whether this lot by itself leaves it to chance what is drawn; only then can a standing rule of the policy open it for review. */
export function isByChance(populated: number, count: number): boolean {
  return count * ONE_IN <= populated;
}

/** One lot that a recording was in. */
export interface Lot {
  readonly population: number;
  readonly draw: number;
  /** When its list was fixed. */
  readonly at: Date;
  /** It fell on the recording. */
  readonly drawn: boolean;
}

/**
 * Whether it was chance that one of these lots, oldest first, fell on a recording. Whoever has lots drawn until one falls where they want it has
 * chosen: the chances of all lots of the thirty days before count together.
 */
export function fellByChance(all: readonly Lot[]): boolean {
  // One of which more than every fourth wins opens nothing, and helps nobody to choose.
  const lotteries = all.filter(({ population: populated, draw: count }) => isByChance(populated, count));
  return lotteries.some(({ at, drawn }, place) => {
    if (!drawn) return false;
    const together = lotteries.slice(0, place + 1).filter((lot) => at.getTime() - lot.at.getTime() <= TOGETHER_MS);
    // Less what adding fractions may be off by.
    return together.reduce((chance, lot) => chance + lot.draw / lot.population, 0) <= 1 / ONE_IN + 1e-9;
  });
}
