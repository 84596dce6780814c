import fc from 'fast-check';
import { leafHash } from './merkle.js';
import { refused } from './testing/refused.js';
import type { TlogErrorCode } from './tlog-error.js';
import { formatProof, parseProof } from './tlog-proof.js';

const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const checkpoint = 'example.com/log\n1\nroot\n\n— example.com/log AAAA\n';

describe('a proof text', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(
        fc.bigInt(0n, (1n << 64n) - 1n),
        fc.array(hash, { maxLength: 64 }),
        fc.uint8Array({ minLength: 1 }),
        (index, hashes, extra) => {
          expect(parseProof(formatProof({ index, hashes, checkpoint }))).toStrictEqual({ index, hashes, checkpoint });
          expect(parseProof(formatProof({ index, hashes, checkpoint, extra }))).toStrictEqual({
            index,
            hashes,
            checkpoint,
            extra,
          });
        },
      ),
    );
  });

  it('looks as C2SP tlog-proof says', () => {
    expect(formatProof({ index: 7n, hashes: [leafHash(new Uint8Array())], checkpoint, extra: Uint8Array.of(1) })).toBe(
      `c2sp.org/tlog-proof@v1\nextra AQ==\nindex 7\nbjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n\n${checkpoint}`,
    );
  });

  it('has at most 64 hashes', () => {
    const hashes = Array.from({ length: 64 }, (_, i) => leafHash(Uint8Array.of(i)));
    expect(parseProof(formatProof({ index: 7n, hashes, checkpoint })).hashes).toEqual(hashes);
    const more = { index: 7n, hashes: [...hashes, hashes[0]!], checkpoint };
    expect(() => formatProof(more)).toThrow(refused('proof-malformed'));
  });

  it.each<[string, string, TlogErrorCode?]>([
    ['nothing', ''],
    ['no empty line', 'c2sp.org/tlog-proof@v1\nindex 7\n'],
    ['another version', `c2sp.org/tlog-proof@v2\nindex 7\n\n${checkpoint}`],
    ['no index', `c2sp.org/tlog-proof@v1\n\n${checkpoint}`],
    ['another word for the index', `c2sp.org/tlog-proof@v1\nplace 7\n\n${checkpoint}`],
    ['extra data after the index', `c2sp.org/tlog-proof@v1\nindex 7\nextra AQ==\n\n${checkpoint}`, 'encoding-malformed'],
    ['a leading zero', `c2sp.org/tlog-proof@v1\nindex 07\n\n${checkpoint}`, 'encoding-malformed'],
    ['empty extra data', `c2sp.org/tlog-proof@v1\nextra \nindex 7\n\n${checkpoint}`],
    ['a short hash', `c2sp.org/tlog-proof@v1\nindex 7\nAQ==\n\n${checkpoint}`, 'encoding-malformed'],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 7\n\n'],
    [
      '65 hashes',
      `c2sp.org/tlog-proof@v1\nindex 7\n${'bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=\n'.repeat(65)}\n${checkpoint}`,
    ],
  ])('is refused with %s', (_, text, code = 'proof-malformed') => {
    expect(() => parseProof(text)).toThrow(refused(code));
  });
});
