import { isKeyName } from './note-key.js';

describe('the name of a key', () => {
  it('holds any character but a plus, a control character and a space, as README.md has them', () => {
    const refused = /[+\p{Cc}\p{Zs}\u2028\u2029\ufeff]/u;
    const surrogates = (code: number): boolean => code >= 0xd800 && code <= 0xdfff;
    const wrong: string[] = [];
    for (let code = 0; code <= 0x10ffff; code += 1) {
      const name = `a${String.fromCodePoint(code)}b`;
      if (isKeyName(name) !== (!surrogates(code) && !refused.test(name))) wrong.push(code.toString(16));
    }
    expect(wrong).toEqual([]);
    expect(isKeyName('')).toBe(false);
  });
});
