import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/** Bytes between two collections: less costs more pauses, more lets V8 begin a whole collection of its own. */
const COLLECT_AFTER = 4 * 2 ** 20;

let sinceCollected = 0;
let collect: Collect | undefined;

/**
 * To be told how many bytes of a body, a request's or an answer's, were read and are done with. Frees now and then what was made a moment
 * ago and is not used any more, in about two milliseconds; nothing else.
 *
 * Node's HTTP parser puts every 64 KiB of a body into memory of its own outside the heap. V8 sees that memory grow, not that all of it is
 * garbage already, and marks the whole heap again and again: half of all CPU time of an upload, and of reading one back. Told in time, it
 * never comes to that.
 */
export function bytesPassed(count: number): void {
  sinceCollected += count;
  if (sinceCollected < COLLECT_AFTER) return;
  sinceCollected = 0;
  collect ??= exposed();
  collect({ type: 'minor' });
}

function exposed(): Collect {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as Collect;
}
