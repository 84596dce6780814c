import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

type Collect = (options: { readonly type: 'minor' }) => void;

/**
 * Frees what was made a moment ago and is not used any more, in about two milliseconds; nothing else.
 *
 * Node's HTTP parser puts every 64 KiB of a body into memory of its own outside the heap. V8 sees that memory grow, not that all of it is
 * garbage already, and marks the whole heap again and again: half of all CPU time of an upload. Told in time, it never comes to that.
 */
export function youngGarbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as Collect;
  return () => {
    collect({ type: 'minor' });
  };
}
