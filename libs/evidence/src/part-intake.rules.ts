/** One part that wants room: who sends it, and how many bytes of room it takes. */
export interface Claim {
  /** A dock's or a person's id. */
  readonly sender: string;
  /** Bytes. */
  readonly room: number;
}

export interface IntakeBounds {
  /** Bytes that all parts in flight may take together. One that is larger than this by itself comes in alone. */
  readonly room: number;
  /** Whoever holds this many bytes is given no more: what is left is for those who come later. */
  readonly share: number;
  /** Parts that may wait. */
  readonly queue: number;
}

/**
 * Who comes in next. Not first come, first served: of all who wait, whoever has the fewest bytes in flight, and among equals each in
 * turn. So a dock that sends a hundred parts at once delays another's first part by one part, not by a hundred.
 *
 * The one whose turn it is, is waited for, also where a smaller part would fit: otherwise small parts kept a large one out for ever.
 */
export class FairQueue<C extends Claim> {
  private taken = 0;
  private waiters = 0;
  private readonly held = new Map<string, number>();
  /** In the order of their turns: a Map keeps the order of insertion, and whoever had a turn is inserted anew at the end. */
  private readonly waiting = new Map<string, C[]>();

  constructor(private readonly bounds: IntakeBounds) {}

  /** Bytes in flight. */
  get inFlight(): number {
    return this.taken;
  }

  get length(): number {
    return this.waiters;
  }

  heldBy(sender: string): number {
    return this.held.get(sender) ?? 0;
  }

  /**
   * Puts the claim at the end of its sender's line. When the queue is full, somebody must go: the last in the longest line, so that
   * nobody can fill the queue against the others.
   * @returns who has to go; it may be the newcomer
   */
  join(claim: C): C | undefined {
    const line = this.waiting.get(claim.sender) ?? [];
    line.push(claim);
    this.waiting.set(claim.sender, line);
    this.waiters += 1;
    if (this.waiters <= this.bounds.queue) return undefined;
    const last = this.longestLine(line).at(-1) ?? claim;
    this.leave(last);
    return last;
  }

  /** Takes the room for whoever is next. To be asked until it answers undefined, after every join, leave and release. */
  admit(): C | undefined {
    const claim = this.next();
    if (claim === undefined || (this.taken > 0 && this.taken + claim.room > this.bounds.room)) return undefined;
    const { sender, room } = claim;
    this.leave(claim);
    const line = this.waiting.get(sender);
    if (line !== undefined) {
      this.waiting.delete(sender);
      this.waiting.set(sender, line);
    }
    this.taken += room;
    this.held.set(sender, this.heldBy(sender) + room);
    return claim;
  }

  /** Stops waiting. @returns false when it was not waiting */
  leave(claim: C): boolean {
    const line = this.waiting.get(claim.sender);
    const at = line?.indexOf(claim) ?? -1;
    if (line === undefined || at < 0) return false;
    line.splice(at, 1);
    if (line.length === 0) this.waiting.delete(claim.sender);
    this.waiters -= 1;
    return true;
  }

  /** Gives back the room of a claim that was admitted. */
  release({ sender, room }: C): void {
    this.taken -= room;
    const left = this.heldBy(sender) - room;
    if (left > 0) this.held.set(sender, left);
    else this.held.delete(sender);
  }

  private next(): C | undefined {
    let next: C | undefined;
    let fewest = this.bounds.share;
    for (const [sender, [first]] of this.waiting) {
      const held = this.heldBy(sender);
      if (held >= fewest) continue;
      fewest = held;
      next = first;
    }
    return next;
  }

  /** @param own which is taken for the longest as long as no other is longer: a newcomer is not let in at an equal's cost */
  private longestLine(own: readonly C[]): readonly C[] {
    let longest = own;
    for (const line of this.waiting.values()) if (line.length > longest.length) longest = line;
    return longest;
  }
}

/** Seconds after which a sender who was turned away should ask again: not all at the same moment. @param chance 0 to 1 */
export function comeBackAfter(chance: number): number {
  return 2 + Math.floor(chance * 4);
}
