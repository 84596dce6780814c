import '@nestjs/core';
import type { WorkSpace, Recording } from '#evidence';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { RedactProcessor } = await import('./redact.processor.js');

describe('a rendering', () => {
  it('waits for room on the disk for the original and for what is made of it, until it is cancelled', async () => {
    const rooms: unknown[] = [];
    const parent = { id: 'p', size: 3 * 2 ** 30 } as Recording;
    const rendering = { id: 'r', redactionId: 'd', version: 1 };
    const redactions = {
      get: () => Promise.resolve({ id: 'd', recordingId: 'p', version: 1, state: 'rendering' }),
      plan: () => Promise.resolve({}),
    };
    const workSpace: Pick<WorkSpace, 'with'> = { with: (_, room) => Promise.resolve(rooms.push(room) as never) };
    const processor = new RedactProcessor(
      ...([
        { reader: { findOneByOrFail: () => Promise.resolve(rendering) } },
        {},
        redactions,
        { get: () => Promise.resolve(parent) },
        {},
        workSpace,
        {},
      ] as unknown as ConstructorParameters<typeof RedactProcessor>),
    );
    const { signal } = new AbortController();
    await processor.run('r', { signal, progress: () => undefined });
    expect(rooms).toEqual([{ bytes: 6 * 2 ** 30, signal }]);
  });
});
