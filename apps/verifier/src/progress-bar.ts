const PROGRESS_EVERY_MS = 100;

/** One line that is written over and over, for people only: a pipe gets nothing. */
export function progressBar(to: NodeJS.WriteStream): { show: (done: bigint, size: bigint) => void; clear: () => void } {
  if (!to.isTTY) return { show: () => undefined, clear: () => undefined };
  let last = 0;
  const show = (done: bigint, size: bigint): void => {
    const now = performance.now();
    if (now - last < PROGRESS_EVERY_MS || size === 0n) return;
    last = now;
    to.write(`\r${done} of ${size} entries (${(done * 100n) / size} %)\u001b[K`);
  };
  return { show, clear: () => void to.write('\r\u001b[K') };
}
