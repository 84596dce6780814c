import fc from 'fast-check';
import { canonicalize, parseCanonical, TlogError, type Json } from '#tlog';
import { isCanonical } from './canonical-payload.js';

function strictly(text: string): boolean {
  try {
    parseCanonical(text);
    return true;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}

const { json } = fc.letrec<{ json: Json }>((tie) => ({
  json: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom<Json>(null, true, false),
    fc.integer(),
    fc.maxSafeInteger(),
    fc.string({ unit: 'grapheme' }),
    fc.array(tie('json'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('1', '10', '2', '__proto__', 'é')), tie('json'), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
  ),
}));

describe('canonical payloads', () => {
  it('are those that the strict reader takes', () => {
    fc.assert(fc.property(json, (value) => isCanonical(canonicalize(value))));
  });

  it('are told from texts that were written differently, as the strict reader tells them', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (text) => {
        expect(isCanonical(text)).toBe(strictly(text));
      }),
    );
  });

  it.each([
    ['a space', '{"a": 1}'],
    ['members out of order', '{"b":1,"a":2}'],
    ['members in the order of numbers', '{"2":1,"10":2}'],
    ['a member twice', '{"a":1,"a":2}'],
    ['a fraction', '[1.5]'],
    ['an integer from 2^53 up', '[9007199254740992]'],
    ['minus zero', '[-0]'],
    ['a lone surrogate', '["\\ud800"]'],
    ['an escape that is not needed', '["\\u0061"]'],
    ['nesting deeper than 64', `${'['.repeat(66)}${']'.repeat(66)}`],
    ['no JSON', '{ "not": canonical'],
    ['nothing', ''],
  ])('are not those with %s', (_, text) => {
    expect(isCanonical(text)).toBe(false);
    expect(strictly(text)).toBe(false);
  });

  it.each(['{"10":1,"2":2}', '["\\n"]', `${'['.repeat(65)}${']'.repeat(65)}`, 'null', '""'])('are such as %s', (text) => {
    expect(isCanonical(text)).toBe(true);
  });
});
