import { base64 } from './encodings.js';
import { formatCheckpoint, openCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.js';
import { leafHash } from './merkle.js';
import { generateNoteKey, parseSigner, parseVerifier, signNote, verifierOf } from './note.js';
import { refused } from './testing/refused.js';
import type { TlogErrorCode } from './tlog-error.js';

const { skey, vkey } = generateNoteKey('example.com/log');
const logKey = parseVerifier(vkey);
const witness = generateNoteKey('witness.example');
const checkpoint = { origin: 'example.com/log', size: 20852163n, root: leafHash(Uint8Array.of(1)) };
const root = base64(checkpoint.root);

describe('a checkpoint', () => {
  it('opens under the key of its log', () => {
    const note = signCheckpoint(checkpoint, parseSigner(skey));
    expect(formatCheckpoint(checkpoint)).toBe(`example.com/log\n20852163\n${root}\n`);
    expect(openCheckpoint(note, [logKey])).toEqual({ ...checkpoint, note });
  });

  it('is refused when only somebody else signed it', () => {
    const note = signNote(formatCheckpoint(checkpoint), parseSigner(witness.skey));
    expect(() => openCheckpoint(note, [logKey, verifierOf(witness.skey)])).toThrow(refused('note-unsigned'));
    expect(() => signCheckpoint(checkpoint, parseSigner(witness.skey))).toThrow(refused('checkpoint-malformed'));
  });

  it('may carry cosignatures beside the log’s own', () => {
    const note = signNote(formatCheckpoint(checkpoint), parseSigner(skey), parseSigner(witness.skey));
    expect(openCheckpoint(note, [logKey]).size).toBe(20852163n);
    expect(openCheckpoint(note, [verifierOf(witness.skey), logKey]).size).toBe(20852163n);
  });

  it.each<[string, string, TlogErrorCode?]>([
    ['nothing', ''],
    ['no size', 'example.com/log\n'],
    ['no root', 'example.com/log\n1\n'],
    ['an extension line', `example.com/log\n1\n${root}\nextension\n`],
    ['an empty line more', `example.com/log\n1\n${root}\n\n`],
    ['no final newline', `example.com/log\n1\n${root}`],
    ['a leading zero', `example.com/log\n01\n${root}\n`, 'encoding-malformed'],
    ['a negative size', `example.com/log\n-1\n${root}\n`, 'encoding-malformed'],
    ['a size above 2^64', `example.com/log\n18446744073709551616\n${root}\n`, 'encoding-malformed'],
    ['a short root', `example.com/log\n1\n${root.slice(4)}\n`, 'encoding-malformed'],
    ['no origin', `\n1\n${root}\n`],
    ['a space in the origin', `example.com log\n1\n${root}\n`],
  ])('is refused with %s', (_, text, code = 'checkpoint-malformed') => {
    expect(() => parseCheckpoint(text)).toThrow(refused(code));
  });

  it('cannot be written with a size or root that cannot be read', () => {
    expect(() => formatCheckpoint({ ...checkpoint, size: -1n })).toThrow(refused('encoding-malformed'));
    expect(() => formatCheckpoint({ ...checkpoint, root: new Uint8Array(31) })).toThrow(refused('encoding-malformed'));
  });
});
