import fc from 'fast-check';
import { decodeZip, encodeZip, salvageZip } from './bundle-zip.js';
import { utf8 } from './encodings.js';

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

describe('the container of a bundle', () => {
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
        expect(() => decodeZip(altered)).toThrow(expect.objectContaining({ code: 'zip-altered' }) as Error);
      }
    }
  });

  it('shows a cut at any place, and anything before, between or after', () => {
    for (let at = 4; at < zip.length; at += 1) {
      expect(() => decodeZip(zip.slice(0, at))).toThrow(expect.objectContaining({ code: 'zip-altered' }) as Error);
    }
    expect(() => decodeZip(Uint8Array.of(...zip, 0))).toThrow('1 bytes too many');
    expect(() => decodeZip(Uint8Array.of(0, ...zip))).toThrow(expect.objectContaining({ code: 'zip-altered' }) as Error);
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
      expect(() => decodeZip(bytes)).toThrow(expect.objectContaining({ code: 'not-a-zip' }) as Error);
    }
  });

  it('may be empty', () => {
    expect(decodeZip(encodeZip(new Map())).size).toBe(0);
  });

  it('refuses impossible names and the same name twice', () => {
    for (const name of ['', '/etc/passwd', '../x', 'a/../b', 'a\\b', 'a\0b', '\ud800']) {
      expect(() => encodeZip(new Map([[name, utf8('x')]]))).toThrow('not a path');
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
