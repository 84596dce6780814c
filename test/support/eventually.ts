import { setTimeout as wait } from 'node:timers/promises';

export class NeverHappened extends Error {}

/**
 * The first answer of `look` that is neither undefined nor false. What `look` throws ends the waiting, because it is no matter of time.
 * @param what the rest of the sentence "It did not happen within 30 s: …"
 * @throws NeverHappened
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  { withinMs = 30_000, everyMs = 100 }: { readonly withinMs?: number; readonly everyMs?: number } = {},
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new NeverHappened(`It did not happen within ${withinMs / 1000} s: ${what}`);
    await wait(everyMs);
  }
}
