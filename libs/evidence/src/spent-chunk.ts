/**
 * Gives back the memory of a chunk of a body, a request's or an answer's, once nobody needs its bytes any more. It is empty after that.
 *
 * Node's HTTP parser puts every 64 KiB of a body into memory of its own outside the heap. V8 sees that memory grow, not that all of it is
 * garbage already, and marks the whole heap again and again: half of all CPU time of an upload, and of reading one back. What is given
 * back at once never grows, and the next chunk finds its memory still in the processor's cache.
 */
export function discard({ buffer, length }: Buffer): void {
  // A chunk that has not its memory to itself, as small ones in Node's pool, is left to the garbage collector.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === length) buffer.transfer(0);
}
