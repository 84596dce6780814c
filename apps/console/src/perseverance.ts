import { isPassing, waitMs } from './retry.rules.js';
import { Refused, sentenceOf, Unreachable } from './service.js';

/** Why there is a pause, and when it ends: milliseconds since 1970. */
export interface Delay {
  readonly why: string;
  readonly until: number;
}

/**
 * Does `work` until it succeeds or fails for a reason that waiting will not mend. It never gives up on a network or a service that is away:
 * whoever hands in a file may walk off, and comes back to a page that went on by itself.
 * @param onDelay is told of every wait, and with undefined that it is over
 */
export async function persevere<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onDelay: (delay: Delay | undefined) => void,
): Promise<T> {
  for (let failures = 0; ;) {
    try {
      const result = await work();
      if (failures > 0) onDelay(undefined);
      return result;
    } catch (error) {
      signal.throwIfAborted();
      failures++;
      const asked = mendsItself(error, failures);
      if (asked === undefined) throw error;
      const wait = waitMs(failures, Math.random(), asked);
      onDelay({ why: sentenceOf(error), until: Date.now() + wait });
      await pause(wait, signal);
    }
  }
}

/** A part that the network damaged is sent anew, but not for ever: something else is wrong then. */
const MOST_DAMAGED = 4;

/** Milliseconds that the service asks to wait at least; undefined when there is no use in trying again. */
function mendsItself(error: unknown, failures: number): number | undefined {
  if (error instanceof Unreachable) return 0;
  if (!(error instanceof Refused)) return undefined;
  if (error.code === 'digest-mismatch') return failures < MOST_DAMAGED ? 0 : undefined;
  return isPassing(error.status) ? error.retryAfterMs : undefined;
}

/** Cut short when the browser says that the network is back. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      removeEventListener('online', onOnline);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    const onOnline = (): void => end(resolve);
    const onAbort = (): void => end(() => reject(signal.reason as Error));
    const timer = setTimeout(onOnline, ms);
    addEventListener('online', onOnline);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
