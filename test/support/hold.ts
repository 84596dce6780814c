import { eventually } from './eventually.js';

/** A point beyond which what comes there does not go, while a test does its worst: it stays until one of the two ends is gone. */
export class Hold {
  private isReached = false;

  /** Says that something came. */
  arrive(): void {
    this.isReached = true;
  }

  /** @param when the rest of the sentence "It did not happen within 2 min: …" @throws NeverHappened */
  async reached(when: string): Promise<void> {
    await eventually(when, () => this.isReached, { withinMs: 120_000, everyMs: 5 });
  }
}
