import fc from 'fast-check';
import { base64, equalBytes, fromBase64, fromDecimal, fromUtf8, hex, utf8 } from './encodings.js';
import { refused } from './testing/refused.js';

const malformed = refused('encoding-malformed');

describe('UTF-8', () => {
  it('gives back the text, a byte order mark too', () => {
    for (const text of ['', 'Ana Müller', '\ufeffa', '\u{1f600}', '\0']) expect(fromUtf8(utf8(text))).toBe(text);
    expect(hex(utf8('ä'))).toBe('c3a4');
  });

  it('holds no half of a surrogate pair, and is refused where it is none', () => {
    for (const text of ['\ud800', 'a\udc00b']) expect(() => utf8(text)).toThrow(malformed);
    for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xc3]]) {
      expect(() => fromUtf8(Uint8Array.from(bytes))).toThrow(malformed);
    }
  });
});

describe('base64', () => {
  it('gives back the bytes, of a part of a buffer too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
        expect(fromBase64(base64(bytes), bytes.length)).toEqual(bytes);
        expect(fromBase64(base64(bytes.subarray(1)))).toEqual(bytes.slice(1));
        expect(hex(bytes.subarray(1))).toBe(hex(bytes).slice(2));
      }),
    );
  });

  it('is refused in any other spelling, and for another length', () => {
    expect(fromBase64('AQ==')).toEqual(Uint8Array.of(1));
    for (const text of ['AQ', 'AQ=', 'AR==', ' AQ==', 'AQ==\n', '-_8=', 'A', '=']) {
      expect(() => fromBase64(text)).toThrow(malformed);
    }
    expect(() => fromBase64('AQ==', 2)).toThrow(malformed);
    expect(() => fromBase64('AQ==', 0)).toThrow(malformed);
  });
});

describe('a decimal', () => {
  it('is unsigned, below 2^64 and without leading zeroes', () => {
    for (const value of [0n, 9n, 10n, (1n << 64n) - 1n]) expect(fromDecimal(value.toString())).toBe(value);
    for (const text of [
      '',
      '00',
      '01',
      '-1',
      '+1',
      '1.0',
      '1e3',
      ' 1',
      '1\n',
      '0x1',
      '１',
      (1n << 64n).toString(),
      '9'.repeat(21),
    ]) {
      expect(() => fromDecimal(text)).toThrow(malformed);
    }
  });
});

it('bytes are equal when they are as many and the same', () => {
  expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(equalBytes(new Uint8Array(), new Uint8Array())).toBe(true);
  for (const other of [[1, 3], [1], [1, 2, 0], []]) expect(equalBytes(Uint8Array.of(1, 2), Uint8Array.from(other))).toBe(false);
});
