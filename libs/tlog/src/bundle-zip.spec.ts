import fc from 'fast-check';
import { decodeZip, encodeZip, salvageZip } from './bundle-zip.js';
import { hex, utf8 } from './encodings.js';
import { refused } from './testing/refused.js';

const files = new Map([
  ['report.pdf', utf8('%PDF-1.7\n')],
  ['README.txt', utf8('Read me.\n')],
  ['redactions/plan-ä.json', utf8('{}')],
  ['empty', new Uint8Array()],
]);
const zip = encodeZip(files);

const path = fc
  .array(fc.string({ unit: fc.constantFrom(...'abcäöü\u{1f600}. -_'), minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 3,
  })
  .filter((parts) => parts.every((part) => part !== '.' && part !== '..'))
  .map((parts) => parts.join('/'));

// Without the sentence: it quotes the names that it finds in damaged bytes.
const damaged = expect.objectContaining({ name: 'TlogError', code: 'zip-altered' }) as Error;

describe('the container of a bundle', () => {
  it('is written as the specification says, byte by byte', () => {
    // CRC-32 of "123456789" is cbf43926, by the check value of its catalogue.
    expect(hex(encodeZip(new Map([['a', utf8('123456789')]])))).toBe(
      [
        '504b0304140000080000000021002639f4cb09000000090000000100000061313233343536373839',
        '504b01021400140000080000000021002639f4cb090000000900000001000000000000000000000000000000000061',
        '504b050600000000010001002f000000280000000000',
      ].join(''),
    );
  });

  it('tells what was altered and where', () => {
    const [a, b] = [utf8('first'), utf8('second')];
    const two = encodeZip(
      new Map([
        ['a', a],
        ['b', b],
      ]),
    );
    const second = 30 + 1 + a.length;
    const central = second + 30 + 1 + b.length;
    const faultAt = (at: number): string | undefined => salvageZip(two.map((byte, i) => (i === at ? byte ^ 1 : byte))).fault;
    const told = (what: string, at: number): string =>
      `The ZIP file is not as it was written: ${what} was altered (first difference at byte ${at}).`;
    expect(salvageZip(two)).not.toHaveProperty('fault');
    expect(faultAt(4)).toBe(told('a', 4));
    expect(faultAt(second - 1)).toBe(told('a', 14));
    expect(faultAt(second + 4)).toBe(told('b', second + 4));
    expect(faultAt(central - 1)).toBe(told('b', second + 14));
    expect(faultAt(central)).toBe(told('its table of contents', central));
    expect(faultAt(two.length - 1)).toBe(told('its table of contents', two.length - 1));
    const named = (at: number, byte: number): string | undefined =>
      salvageZip(two.map((old, i) => (i === at ? byte : old))).fault;
    expect(named(second + 30, 0)).toBe(`The ZIP record at byte ${second} has no valid file name.`);
    expect(named(second + 30, 0xff)).toBe(`The ZIP record at byte ${second} has no valid file name.`);
    expect(named(second + 30, 0x61)).toBe('The ZIP file holds a twice.');
    expect(named(18, 0xff)).toBe('The ZIP file ends in the middle of a.');
    expect(salvageZip(two.slice(0, central)).files.size).toBe(2);
    expect(salvageZip(two.slice(0, central - 1)).fault).toBe('The ZIP file ends in the middle of b.');
  });

  it('knows a damaged one by its beginning or its end', () => {
    const [begun, ended] = [zip.slice(0, 4), zip.slice(-22)];
    expect(() => decodeZip(begun)).toThrow(refused('zip-altered'));
    expect(() => decodeZip(ended)).toThrow(refused('zip-altered'));
    expect(() => decodeZip(ended.slice(1))).toThrow(refused('not-a-zip'));
    expect(() => decodeZip(zip.with(0, 0))).toThrow(refused('zip-altered'));
    expect(() => decodeZip(zip.with(zip.length - 22, 0))).toThrow(refused('zip-altered'));
    expect(() => decodeZip(zip.with(0, 0).with(zip.length - 22, 0))).toThrow(refused('not-a-zip'));
  });

  it('takes names of 255 bytes, and fewer than 65,535 files', () => {
    expect(decodeZip(encodeZip(new Map([['ä'.repeat(127) + 'b', utf8('x')]]))).size).toBe(1);
    expect(() => encodeZip(new Map([['ä'.repeat(128), utf8('x')]]))).toThrow(refused('bundle-malformed'));
    const many = new Map(Array.from({ length: 65_535 }, (_, i) => [`${i}`, new Uint8Array()]));
    expect(() => encodeZip(many)).toThrow(refused('bundle-malformed'));
  });

  it('gives back what went in, sorted by name', () => {
    expect([...decodeZip(zip)]).toEqual([...files].sort(([a], [b]) => (a < b ? -1 : 1)));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, fc.uint8Array())), (members) => {
        const all = new Map(members);
        const decoded = decodeZip(encodeZip(all));
        expect(decoded.size).toBe(all.size);
        for (const [name, data] of all) expect(decoded.get(name)).toEqual(data);
      }),
    );
  });

  it('is the same bytes for the same files in any order', () => {
    expect(encodeZip(new Map([...files].reverse()))).toEqual(zip);
  });

  it('shows a change of any single byte', () => {
    for (let at = 0; at < zip.length; at += 1) {
      for (const by of [1, 32, 128, 255]) {
        const altered = zip.map((byte, i) => (i === at ? byte ^ by : byte));
        expect(() => decodeZip(altered)).toThrow(damaged);
      }
    }
  });

  it('shows a cut at any place, and anything before, between or after', () => {
    for (let at = 4; at < zip.length; at += 1) {
      expect(() => decodeZip(zip.slice(0, at))).toThrow(damaged);
    }
    expect(() => decodeZip(Uint8Array.of(...zip, 0))).toThrow('The ZIP file has 1 bytes too many at its end.');
    expect(() => decodeZip(Uint8Array.of(0, ...zip))).toThrow(damaged);
    const central = zip.length - 22 - 4 * 46 - [...files.keys()].reduce((sum, name) => sum + utf8(name).length, 0);
    expect(() => decodeZip(Uint8Array.of(...zip.slice(0, central), 0, ...zip.slice(central)))).toThrow('altered');
  });

  it('names the file that was altered, and gives what can still be read', () => {
    const at = Buffer.from(zip).indexOf('Read me');
    const altered = zip.map((byte, i) => (i === at ? 88 : byte));
    const { files: salvaged, fault } = salvageZip(altered);
    expect(fault).toContain('README.txt was altered');
    expect(Buffer.from(salvaged.get('README.txt')!).toString()).toBe('Xead me.\n');
    expect(salvaged.size).toBe(4);
  });

  it('is not one at all when it neither begins nor ends like one', () => {
    for (const bytes of [new Uint8Array(), utf8('P'), utf8('text'), utf8('x'.repeat(1000)), zip.slice(0, 3)]) {
      expect(() => decodeZip(bytes)).toThrow(refused('not-a-zip'));
    }
  });

  it('may be empty', () => {
    expect(decodeZip(encodeZip(new Map())).size).toBe(0);
  });

  it('refuses impossible names and the same name twice', () => {
    for (const name of ['', '/etc/passwd', '../x', 'a/../b', 'a\\b', 'a\0b', '\ud800']) {
      expect(() => encodeZip(new Map([[name, utf8('x')]]))).toThrow(refused('bundle-malformed'));
    }
    const one = encodeZip(new Map([['a', utf8('x')]]));
    const record = one.slice(0, 32);
    expect(() => decodeZip(Uint8Array.of(...record, ...one))).toThrow('twice');
  });

  it('refuses hostile bytes with one of its two errors', () => {
    const marks = fc.constantFrom([0x50, 0x4b, 3, 4], [0x50, 0x4b, 5, 6]);
    fc.assert(
      fc.property(marks, fc.uint8Array({ maxLength: 200 }), (mark, rest) => {
        expect(() => decodeZip(Uint8Array.of(...mark, ...rest))).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
      }),
      { numRuns: 500 },
    );
    const longName = Uint8Array.from(zip);
    longName.set([0xff, 0xff], 26);
    expect(() => decodeZip(longName)).toThrow('no valid file name');
    const longData = Uint8Array.from(zip);
    longData.set([0xff, 0xff, 0xff, 0xff], 18);
    expect(() => decodeZip(longData)).toThrow('in the middle of README.txt');
  });
});
