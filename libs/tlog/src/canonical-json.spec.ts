import oracle from 'canonicalize';
import fc from 'fast-check';
import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import { refused } from './testing/refused.js';

// Any character but halves of surrogate pairs; fast-check's own unit 'binary' takes a second to be made.
const character = fc
  .nat(0x10ffff)
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point));

const { value: json } = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger().map((n) => (n === 0 ? 0 : n)),
    fc.string({ unit: character }),
    fc.array(tie('value')),
    fc.dictionary(fc.string({ unit: character }), tie('value')),
  ),
}));

describe('canonical JSON', () => {
  it('is what RFC 8785 says, by the judgement of another implementation', () => {
    fc.assert(fc.property(json, (value) => expect(canonicalize(value)).toBe(oracle(value))));
  });

  it('reads back to an equal value, and only from the canonical text', () => {
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalize(value);
        expect(canonicalize(parseCanonical(text))).toBe(text);
        expect(() => parseCanonical(` ${text}`)).toThrow('canonical');
        expect(() => parseCanonical(`${text}\n`)).toThrow('canonical');
      }),
    );
  });

  it('sorts members by UTF-16 code units', () => {
    const keys = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
    const text = canonicalize(Object.fromEntries(keys.map((key) => [key, 0])));
    expect(Object.keys(JSON.parse(text) as object)).toEqual(['1', '\r', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33']);
  });

  it.each([
    ['a fraction', 1.5],
    ['2^53', 2 ** 53],
    ['minus zero', -0],
    ['NaN', NaN],
    ['infinity', Infinity],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate as a key', { '\udc00': 1 }],
    ['undefined', undefined],
    ['undefined in an object', { a: undefined }],
    ['a hole in an array', new Array<Json>(1)],
    ['a date', new Date(0)],
    ['a map', new Map()],
    ['bytes', new Uint8Array(1)],
    ['a function', () => 1],
    ['a bigint', 1n],
    ['a symbol', Symbol('a')],
  ])('refuses %s', (_, value) => {
    expect(() => canonicalize(value as Json)).toThrow(refused('not-canonical'));
  });

  it.each([
    '',
    '{',
    '{"a":1,"a":1}',
    '{"b":1,"a":1}',
    '1.0',
    '-0',
    '1e3',
    '"\\u0041"',
    '"\\ud800"',
    '[1, 2]',
    '9007199254740993',
    '\ufeff1',
  ])('refuses the text %j', (text) => {
    expect(() => parseCanonical(text)).toThrow(refused('not-canonical'));
  });

  it('refuses a value without end and hostile nesting, with the same error', () => {
    const endless: Json[] = [];
    endless.push(endless);
    expect(() => canonicalize(endless)).toThrow('nested deeper');
    const deep = 200_000;
    expect(() => parseCanonical('['.repeat(deep) + ']'.repeat(deep))).toThrow(refused('not-canonical'));
  });

  it('nests 64 deep, lists and objects alike', () => {
    const nested = (depth: number, wrap: (inner: Json) => Json): Json => (depth === 0 ? 1 : wrap(nested(depth - 1, wrap)));
    for (const wrap of [(inner: Json) => [inner], (inner: Json) => ({ a: inner }), (inner: Json) => [0, { a: 0, b: inner }]]) {
      const levels = canonicalize(wrap(0)).replace(/[^[{]/g, '').length;
      expect(parseCanonical(canonicalize(nested(64 / levels, wrap)))).toEqual(nested(64 / levels, wrap));
      expect(() => canonicalize([nested(64 / levels, wrap)])).toThrow(refused('not-canonical'));
      expect(() => canonicalize({ a: nested(64 / levels, wrap) })).toThrow(refused('not-canonical'));
    }
  });

  it('says what has no place in it', () => {
    expect(() => canonicalize(-0)).toThrow('-0 is not an integer of magnitude below 2^53.');
    expect(() => canonicalize(1.5)).toThrow('1.5 is not an integer of magnitude below 2^53.');
    expect(() => canonicalize(undefined as unknown as Json)).toThrow('A value of type undefined has no place in canonical JSON.');
    expect(() => parseCanonical('{')).toThrow('The text is not JSON.');
  });

  it('keeps a member named __proto__', () => {
    expect(canonicalize(parseCanonical('{"__proto__":{"a":1}}'))).toBe('{"__proto__":{"a":1}}');
  });
});
