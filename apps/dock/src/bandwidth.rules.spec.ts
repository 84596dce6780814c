import fc from 'fast-check';
import { capOf, fullBucket, inFlightOf, pieceOf, take } from './bandwidth.rules.js';

const cap = fc.double({ min: 0.01, max: 10_000, noNaN: true }).map(capOf);
const takes = fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 4_000_000 }), afterMs: fc.integer({ min: 0, max: 5000 }) }), {
  minLength: 1,
  maxLength: 60,
});

describe('a cap on what is sent', () => {
  it('never lets more go in any span of time than its rate allows, but for one burst and the last piece', () => {
    fc.assert(
      fc.property(cap, takes, (limit, asked) => {
        let [now, bucket] = [0, fullBucket(limit, 0)];
        const sent = asked.map(({ bytes, afterMs }) => {
          now += afterMs;
          const taken = take(bucket, bytes, now, limit);
          bucket = taken.bucket;
          return { bytes, at: now + taken.waitMs };
        });
        sent.forEach((first, i) => {
          let bytes = 0;
          for (const { at, bytes: more } of sent.slice(i)) {
            // Before the newest piece, because that one may have begun to wait for the time until now
            const allowed = limit.burst + (limit.bytesPerSecond * (at - first.at)) / 1000;
            expect(bytes).toBeLessThanOrEqual(allowed + first.bytes + 1 + allowed * 1e-9);
            bytes += more;
          }
        });
      }),
    );
  });

  it('serves takers in the order in which they came, and lets nobody wait who has a credit', () => {
    fc.assert(
      fc.property(cap, takes, (limit, asked) => {
        let [now, last, bucket] = [0, 0, fullBucket(limit, 0)];
        for (const { bytes, afterMs } of asked) {
          now += afterMs;
          const { bucket: next, waitMs } = take(bucket, bytes, now, limit);
          expect(now + waitMs).toBeGreaterThanOrEqual(last - 1e-6);
          if (next.tokens >= 0) expect(waitMs).toBe(0);
          [last, bucket] = [now + waitMs, next];
        }
      }),
    );
  });

  it('sends in pieces of which several go in a second, and fewer parts at once the lower it is', () => {
    expect(pieceOf(capOf(1000))).toBe(256 * 1024);
    expect(pieceOf(capOf(0.01))).toBe(1024);
    expect(pieceOf(capOf(1))).toBe(65_536);
    expect(inFlightOf(capOf(0.5))).toBe(30 * 1024 * 1024);
  });
});
