import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { discard } from './spent-chunk.js';

const MIB = 2 ** 20;

describe('a chunk that is done with', () => {
  it('gives its memory back at once, however large the body is that it came in', async () => {
    let [arrived, most] = [0, 0];
    const server = createServer((incoming, answer) => {
      const before = process.memoryUsage().arrayBuffers;
      incoming.on('data', (chunk: Buffer) => {
        arrived += chunk.length;
        discard(chunk);
        most = Math.max(most, process.memoryUsage().arrayBuffers - before);
      });
      incoming.on('end', () => answer.end());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    try {
      const sender = request({ port: (server.address() as AddressInfo).port, method: 'PUT' });
      sender.end(Buffer.alloc(64 * MIB));
      await once(sender, 'response');
      expect(arrived).toBe(64 * MIB);
      expect(most).toBeLessThan(MIB);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('is left alone where other bytes lie beside it', () => {
    const both = Buffer.from('footage');
    for (const part of [both.subarray(0, 4), both.subarray(4)]) discard(part);
    expect(both.toString()).toBe('footage');
  });
});
