import fc from 'fast-check';
import { generateNoteKey, noteVerifier, openNote, parseSigner, parseVerifier, signNote, verifierOf } from './note.js';

// From the tests of golang.org/x/mod/sumdb/note.
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const SIGNATURE = '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n';

const { skey, vkey } = generateNoteKey('example.com/log');
const signer = parseSigner(skey);
const verifier = parseVerifier(vkey);
const other = generateNoteKey('example.com/other');

describe('a signed note', () => {
  it('opens when Go signed it', () => {
    const peter = parseVerifier(PETER);
    expect(peter).toMatchObject({ name: 'PeterNeumann', keyId: 0xc74f20a3, vkey: PETER });
    expect(openNote(`${TEXT}\n${SIGNATURE}`, [peter])).toEqual({ text: TEXT, signers: [peter], unknown: 0 });
  });

  it('opens under the key that signed it, whatever its text', () => {
    const line = fc.string({ unit: 'binary' }).map((s) => s.replace(/\p{Cc}/gu, ''));
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
      fc.property(fc.nat(note.length - 1), fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), (at, by) => {
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
    expect(() => openNote(note, [])).toThrow(expect.objectContaining({ code: 'note-unsigned' }) as Error);
    expect(() => openNote(note, [parseVerifier(PETER)])).toThrow(expect.objectContaining({ code: 'note-unsigned' }) as Error);
    const namesake = parseVerifier(generateNoteKey('example.com/log').vkey);
    expect(() => openNote(note, [namesake])).toThrow(expect.objectContaining({ code: 'note-unsigned' }) as Error);
  });

  it('is refused as a whole when one known signature is wrong', () => {
    const stolen = signNote('another text\n', parseSigner(other.skey)).split('\n\n')[1] ?? '';
    const note = signNote('text\n', signer) + stolen;
    expect(openNote(note, [verifier]).unknown).toBe(1);
    expect(() => openNote(note, [verifier, verifierOf(other.skey)])).toThrow(
      expect.objectContaining({ code: 'signature-invalid' }) as Error,
    );
  });

  it('is refused when a key signed twice', () => {
    const note = signNote('text\n', signer);
    expect(() => openNote(note + note.slice(note.indexOf('—')), [verifier])).toThrow('signed twice');
  });

  it.each([
    ['nothing', ''],
    ['no signature', 'text\n'],
    ['an empty signature block', 'text\n\n'],
    ['no final newline', `${TEXT}\n${SIGNATURE}`.slice(0, -1)],
    ['a hyphen in place of the dash', `${TEXT}\n${SIGNATURE.replace('—', '-')}`],
    ['a carriage return', `${TEXT}\r\n${SIGNATURE}`],
    ['a signature that is too short', `${TEXT}\n— PeterNeumann x08gow==\n`],
    ['base64 with stray bits', `${TEXT}\n${SIGNATURE.replace('nAM=', 'nAN=')}`],
    ['a third field', `${TEXT}\n${SIGNATURE.trimEnd()} x\n`],
    ['a lone surrogate', `\ud800\n\n${SIGNATURE}`],
    ['101 signatures', `${TEXT}\n${SIGNATURE.repeat(101)}`],
  ])('is refused with %s', (_, note) => {
    expect(() => openNote(note, [parseVerifier(PETER)])).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
  });

  it('cannot be made of a text that is none, or without a signer', () => {
    for (const text of ['', 'no newline', 'tab\tinside\n', '\ud800\n']) expect(() => signNote(text, signer)).toThrow('note text');
    expect(() => signNote('text\n')).toThrow('needs a signer');
  });
});

describe('a note key', () => {
  it('reads back from its text, private and public', () => {
    expect(skey).toMatch(/^PRIVATE\+KEY\+example\.com\/log\+[0-9a-f]{8}\+A[A-Za-z0-9+/]{43}$/);
    expect(verifierOf(skey).vkey).toBe(vkey);
    expect(noteVerifier('example.com/log', verifier.publicKey).vkey).toBe(vkey);
    expect(signer).toMatchObject({ name: 'example.com/log', keyId: verifier.keyId });
    expect(verifier.verify('text', signer.sign('text'))).toBe(true);
    expect(verifier.verify('text', signer.sign('text').slice(1))).toBe(false);
  });

  it.each([
    ['an empty text', ''],
    ['a wrong hash', PETER.replace('c74f20a3', 'c74f20a4')],
    ['an uppercase hash', PETER.replace('c74f20a3', 'C74F20A3')],
    ['another algorithm', PETER.replace('+ARp', '+AhR')],
    ['a short key', PETER.slice(0, -4)],
    ['trailing text', `${PETER}\n`],
    ['a space in the name', PETER.replace('rN', 'r N')],
    ['no name', PETER.replace('PeterNeumann', '')],
  ])('is refused with %s', (_, text) => {
    expect(() => parseVerifier(text)).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    expect(() => parseSigner(`PRIVATE+KEY+${text}`)).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    expect(() => parseSigner(text)).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
  });

  it('has a name without spaces, control characters or plus', () => {
    for (const name of ['', 'a b', 'a+b', 'a\u00a0b', 'a\u0085b', 'a\nb', '\ud800'])
      expect(() => generateNoteKey(name)).toThrow('key name');
    expect(() => noteVerifier('a', new Uint8Array(31))).toThrow('32 bytes');
  });
});
