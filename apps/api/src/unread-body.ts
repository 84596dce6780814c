import type { IncomingMessage } from 'node:http';

/** Long enough for a sender to have seen the answer, short enough that nobody can keep us reading what nobody wants. */
const LINGER_MS = 10_000;

/**
 * For a request that was answered before its body had arrived: a sender that has not read the answer yet must not lose it with the
 * connection, and one that goes on sending must not hold the connection for ever. So the rest is thrown away for a while, and only a
 * sender that has not ended by then is cut off. RFC 9112 §9.6
 */
export function passOver(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const { socket } = request;
  const cut = setTimeout(() => socket.destroy(), LINGER_MS);
  cut.unref();
  request.once('close', () => {
    clearTimeout(cut);
  });
  request.resume();
}
