import fc from 'fast-check';
import { DER, DerReader, encodeDer } from './der.js';
import { hex } from './encodings.js';

const reader = (...bytes: number[]): DerReader => new DerReader(Uint8Array.from(bytes), 'value');

describe('a value in DER', () => {
  it('is read as it was written, whatever its length', () => {
    const content = fc.oneof(
      fc.uint8Array(),
      fc.constantFrom(127, 128, 255, 256, 65_535, 65_536).map((length) => new Uint8Array(length)),
    );
    fc.assert(
      fc.property(content, content, (first, second) => {
        const bytes = encodeDer(DER.sequence, encodeDer(DER.octetString, first), encodeDer(DER.octetString, second));
        const outer = new DerReader(bytes, 'value');
        const inner = outer.enter(DER.sequence);
        outer.end();
        const read = [inner.read(DER.octetString), inner.next()];
        inner.end();
        expect(read.map((value) => hex(value.content))).toEqual([hex(first), hex(second)]);
        expect(read.map((value) => hex(value.bytes))).toEqual(
          [first, second].map((each) => hex(encodeDer(DER.octetString, each))),
        );
      }),
      { numRuns: 50 },
    );
  });

  it('has the encodings of X.690', () => {
    expect(hex(encodeDer(DER.null))).toBe('0500');
    expect(hex(encodeDer(DER.octetString, new Uint8Array(127))).slice(0, 4)).toBe('047f');
    expect(hex(encodeDer(DER.octetString, new Uint8Array(128))).slice(0, 6)).toBe('048180');
    expect(hex(encodeDer(DER.octetString, new Uint8Array(255))).slice(0, 6)).toBe('0481ff');
    expect(hex(encodeDer(DER.octetString, new Uint8Array(256))).slice(0, 8)).toBe('04820100');
    expect(hex(encodeDer(DER.octetString, new Uint8Array(65_536))).slice(0, 10)).toBe('0483010000');
  });

  it('is refused with a length that is indefinite, not the shortest, or reaches beyond the end', () => {
    for (const [why, ...bytes] of [
      ['indefinite', 0x30, 0x80, 0, 0],
      ['not in its shortest form', 0x04, 0x81, 0x01, 7],
      ['not in its shortest form', 0x04, 0x81, 0x7f],
      ['not in its shortest form', 0x04, 0x82, 0x00, 0x80],
      ['not in its shortest form', 0x04, 0x82, 0x00, 0xff],
      ['not in its shortest form', 0x04, 0x83, 0x00, 0xff, 0xff],
      ['not in its shortest form', 0x04, 0x84, 0x00, 0xff, 0xff, 0xff],
      ['reaches beyond its end', 0x04, 0x01],
      ['reaches beyond its end', 0x04, 0x84, 0xff, 0xff, 0xff, 0xff],
      ['reaches beyond its end', 0x04, 0x85, 0x01, 0, 0, 0, 0],
      ['reaches beyond its end', 0x04, 0xff],
      ['more than 30', 0x1f, 0x20, 0],
      ['more than 30', 0xbf, 0x81, 0x01, 0],
      ['in the middle', 0x04],
      ['in the middle', 0x04, 0x82, 0x01],
      ['in the middle'],
    ] as const)
      expect(() => reader(...bytes).next()).toThrow(why);
  });

  it('is refused for another kind, and with something behind it', () => {
    expect(() => reader(0x02, 1, 7).read(DER.octetString)).toThrow('it has a value of kind 0x02 where 0x04 belongs');
    expect(() => reader(0x04, 0).enter(DER.sequence)).toThrow('0x04');
    const two = reader(0x05, 0, 0x05, 0);
    two.read(DER.null);
    expect(two.atEnd).toBe(false);
    expect(() => two.end()).toThrow('The value is malformed: something follows where it should end.');
    two.read(DER.null);
    expect(two.atEnd).toBe(true);
    two.end();
  });

  it('is left where it is when another was looked for', () => {
    const one = reader(0x05, 0);
    expect(one.readIf(DER.boolean)).toBeUndefined();
    expect(one.readIf(DER.null)?.content).toHaveLength(0);
    expect(one.readIf(DER.null)).toBeUndefined();
  });

  it('ends in an error of its own, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const all = new DerReader(bytes, 'value');
        const read: Uint8Array[] = [];
        try {
          while (!all.atEnd) read.push(all.next().bytes);
          expect(Buffer.concat(read)).toEqual(Buffer.from(bytes));
        } catch (error) {
          expect(error).toMatchObject({ code: 'der-malformed' });
        }
      }),
      { numRuns: 1000 },
    );
  });
});
