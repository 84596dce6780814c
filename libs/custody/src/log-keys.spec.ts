import { ConfigurationFaulty } from '#platform';
import { generateNoteKey, generateWitnessKey, openCheckpoint, parseVerifier } from '#tlog';
import { LogKeys } from './log-keys.js';

const origin = 'log.example/1';
const [first, second, other] = [generateNoteKey(origin), generateNoteKey(origin), generateNoteKey('log.example/2')];
const tree = { size: 0n, root: Buffer.from('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=', 'base64') };

describe('the keys of a log', () => {
  it('sign with each of two while one takes over from the other, so that whoever trusts either accepts it', () => {
    const note = new LogKeys(`${first.skey}\n${second.skey}\n`).sign(tree);
    for (const { vkey } of [first, second]) expect(openCheckpoint(note, [parseVerifier(vkey)]).size).toBe(0n);
  });

  it('open what a former key signed, and nothing by a key that never was one of theirs', () => {
    const before = new LogKeys(first.skey).sign(tree);
    expect(new LogKeys(second.skey, [first.vkey]).open(before).origin).toBe(origin);
    expect(() => new LogKeys(second.skey).open(before)).toThrow();
  });

  it.each([
    ['none', '', []],
    ['no key', 'PRIVATE+KEY+log', []],
    ['the key of a witness', generateWitnessKey(origin).skey, []],
    ['those of two logs', `${first.skey} ${other.skey}`, []],
    ['one twice', `${first.skey} ${first.skey}`, []],
    ['a former key of another log', first.skey, [other.vkey]],
    ['a former key that is none', first.skey, ['log.example/1+00000000+AQ==']],
  ])('are refused: %s', (_, skeys, former) => {
    expect(() => new LogKeys(skeys, former)).toThrow(ConfigurationFaulty);
  });
});
