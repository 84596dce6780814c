import { randomInt } from 'node:crypto';
import { connect, createServer } from 'node:net';

/** True when a server could listen there now. */
export function isFree(port, host = '127.0.0.1') {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** True when something accepts connections there. */
export function accepts(port, host = '127.0.0.1', timeoutMs = 2000) {
  return new Promise((resolve) => {
    const socket = connect({ port, host, timeout: timeoutMs });
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
  });
}

/**
 * The preferred port while it is free, else a free one. Random and below the range from which the system serves outgoing
 * connections (32768 on Linux), so that two clones starting in the same second do not settle on the same one.
 */
export async function choosePort(preferred, taken = new Set()) {
  if (preferred && !taken.has(preferred) && (await isFree(preferred))) return preferred;
  for (;;) {
    const port = randomInt(20_000, 32_000);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
}
