import fc from 'fast-check';
import { base64 } from './encodings.js';
import { generateNoteKey, noteVerifier, openNote, parseSigner, parseVerifier, signNote, verifierOf } from './note.js';
import { refused } from './testing/refused.js';
import type { TlogErrorCode } from './tlog-error.js';

// From the tests of golang.org/x/mod/sumdb/note.
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const { skey, vkey } = generateNoteKey('example.com/log');
const signer = parseSigner(skey);
const verifier = parseVerifier(vkey);
const other = generateNoteKey('example.com/other');
// Any character but halves of surrogate pairs; fast-check's own unit 'binary' takes a second to be made.
const character = fc
  .nat(0x10ffff)
  .filter((point) => point < 0xd800 || point > 0xdfff)
  .map((point) => String.fromCodePoint(point));

describe('a signed note', () => {
  it('opens when Go signed it', () => {
    const peter = parseVerifier(PETER);
    expect(peter).toMatchObject({ name: 'PeterNeumann', keyId: 0xc74f20a3, vkey: PETER });
    expect(openNote(`${TEXT}\n${SIGNATURE}`, [peter])).toEqual({ text: TEXT, signers: [peter], unknown: 0 });
  });

  it('opens under the key that signed it, whatever its text', () => {
    const line = fc.string({ unit: character }).map((s) => s.replace(/\p{Cc}/gu, ''));
    fc.assert(
      fc.property(fc.array(line, { minLength: 1 }), (lines) => {
        const text = `${lines.join('\n')}\n`;
        expect(openNote(signNote(text, signer), [verifier]).text).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused when any character of it is changed', () => {
    const note = signNote('example.com/log\n1\nroot\n', signer);
    fc.assert(
      fc.property(fc.nat(note.length - 1), character, (at, by) => {
        fc.pre(note[at] !== by);
        expect(() => openNote(note.slice(0, at) + by + note.slice(at + 1), [verifier])).toThrow(
          expect.objectContaining({ name: 'TlogError' }) as Error,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('skips signatures of unknown keys, counts them and never accepts them', () => {
    const note = signNote('text\n', signer, parseSigner(other.skey));
    expect(openNote(note, [verifier])).toMatchObject({ unknown: 1, signers: [{ name: 'example.com/log' }] });
    expect(() => openNote(note, [])).toThrow(refused('note-unsigned'));
    expect(() => openNote(note, [parseVerifier(PETER)])).toThrow(refused('note-unsigned'));
    expect(() => openNote(note.replaceAll('example.com', 'example.org'), [verifier])).toThrow(refused('note-unsigned'));
    const namesake = parseVerifier(generateNoteKey('example.com/log').vkey);
    expect(() => openNote(note, [namesake])).toThrow(refused('note-unsigned'));
  });

  it('is refused as a whole when one known signature is wrong', () => {
    const stolen = signNote('another text\n', parseSigner(other.skey)).split('\n\n')[1] ?? '';
    const note = signNote('text\n', signer) + stolen;
    expect(openNote(note, [verifier]).unknown).toBe(1);
    expect(() => openNote(note, [verifier, verifierOf(other.skey)])).toThrow(refused('signature-invalid'));
  });

  it('is refused when a key signed twice', () => {
    const note = signNote('text\n', signer);
    expect(() => openNote(note + note.slice(note.indexOf('—')), [verifier])).toThrow(refused('note-malformed'));
  });

  it.each<[string, string, TlogErrorCode?]>([
    ['nothing', ''],
    ['no signature', 'text\n'],
    ['an empty signature block', 'text\n\n'],
    ['no final newline', `${TEXT}\n${SIGNATURE}`.slice(0, -1)],
    ['a hyphen in place of the dash', `${TEXT}\n${SIGNATURE.replace('—', '-')}`],
    ['a carriage return', `${TEXT}\r\n${SIGNATURE}`],
    ['base64 with stray bits', `${TEXT}\n${SIGNATURE.replace('nAM=', 'nAN=')}`, 'encoding-malformed'],
    ['no field after the name', `${TEXT}\n— PeterNeumann\n`],
    ['no name', `${TEXT}\n—\n`],
    ['a plus in the name', `${TEXT}\n${SIGNATURE.replace('rN', 'r+N')}`],
    ['a key id and nothing else', `${TEXT}\n— PeterNeumann x08gow==\n`],
    ['a signature of one byte', `${TEXT}\n— PeterNeumann x08gowE=\n`, 'signature-invalid'],
    ['a third field', `${TEXT}\n${SIGNATURE.trimEnd()} x\n`],
    ['a lone surrogate', `\ud800\n\n${SIGNATURE}`],
    ['101 signatures', `${TEXT}\n${SIGNATURE.repeat(101)}`],
  ])('is refused with %s', (_, note, code = 'note-malformed') => {
    expect(() => openNote(note, [parseVerifier(PETER)])).toThrow(refused(code));
  });

  it('has at most 100 signatures', () => {
    const line = signNote('text\n', parseSigner(other.skey)).slice('text\n\n'.length);
    const note = (count: number): string => signNote('text\n', signer) + line.repeat(count - 1);
    expect(openNote(note(100), [verifier]).unknown).toBe(99);
    expect(() => openNote(note(101), [verifier])).toThrow(refused('note-malformed'));
  });

  it('cannot be made of a text that is none, or without a signer', () => {
    for (const text of ['', 'no newline', 'tab\tinside\n', '\ud800\n']) {
      expect(() => signNote(text, signer)).toThrow(refused('note-malformed'));
    }
    expect(() => signNote('text\n')).toThrow(refused('note-unsigned'));
  });
});

describe('a note key', () => {
  it('reads back from its text, private and public', () => {
    expect(skey).toMatch(/^PRIVATE\+KEY\+example\.com\/log\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/);
    expect(verifierOf(skey).vkey).toBe(vkey);
    expect(noteVerifier('example.com/log', verifier.publicKey).vkey).toBe(vkey);
    expect(signer).toMatchObject({ name: 'example.com/log', keyId: verifier.keyId });
    expect(verifier.verify('text', signer.sign('text'))).toBe(true);
    const signature = signer.sign('text');
    for (const other of [signature.slice(1), signature.slice(0, 63), Uint8Array.of(...signature, 0), new Uint8Array()]) {
      expect(verifier.verify('text', other)).toBe(false);
    }
  });

  it.each<[string, string, TlogErrorCode?]>([
    ['an empty text', ''],
    ['a wrong hash', PETER.replace('c74f20a3', 'c74f20a4')],
    ['an uppercase hash', PETER.replace('c74f20a3', 'C74F20A3')],
    ['another algorithm', PETER.replace('+ARp', '+AhR')],
    ['a short key', PETER.slice(0, -4)],
    ['a long key', `${PETER}AAAA`],
    ['nothing before the hash', PETER.slice(PETER.indexOf('+') + 1)],
    ['text before the prefix of the hash', PETER.replace('+c7', '+ c7')],
    ['trailing text', `${PETER}\n`, 'encoding-malformed'],
    ['a space in the name', PETER.replace('rN', 'r N')],
    ['a plus in the name', `x+${PETER}`],
    ['another type under the same hash', `${PETER.slice(0, 22)}${base64(Uint8Array.of(2, ...parseVerifier(PETER).publicKey))}`],
    ['no name', PETER.replace('PeterNeumann', '')],
  ])('is refused with %s', (_, text, code = 'key-malformed') => {
    expect(() => parseVerifier(text)).toThrow(refused(code));
    expect(() => parseSigner(`PRIVATE+KEY+${text}`)).toThrow(refused(code));
    expect(() => parseSigner(text)).toThrow(refused('key-malformed'));
    expect(() => parseSigner(skey.replace('PRIVATE', 'PRIVATF'))).toThrow(refused('key-malformed'));
  });

  it('has an id of eight digits, whatever the number', () => {
    const names = Array.from({ length: 200 }, (_, i) => `example.com/${i}`);
    const small = names.map((name) => noteVerifier(name, verifier.publicKey)).find(({ keyId }) => keyId < 0x10000000)!;
    expect(small.vkey).toMatch(/^example\.com\/\d+\+0[0-9a-f]{7}\+/);
    expect(parseVerifier(small.vkey).keyId).toBe(small.keyId);
  });

  it('has a name without spaces, control characters or plus', () => {
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u0085b', 'a\nb', '\ud800'])
      expect(() => generateNoteKey(name)).toThrow(refused('key-malformed'));
    for (const length of [0, 31, 33]) expect(() => noteVerifier('a', new Uint8Array(length))).toThrow(refused('key-malformed'));
  });
});
