import { createHash } from 'node:crypto';
import { base64, utf8 } from './encodings.js';
import { decodeHeader, encodeHeader, payloadCommitment, type EntryHeader } from './entry.js';

const pc = base64(new Uint8Array(32));
const header: EntryHeader = {
  v: 1,
  log: 'example.com/log',
  id: '0190c000-0000-7000-8000-000000000001',
  subject: '0190c000-0000-7000-8000-000000000002',
  seq: 1,
  prev: pc,
  type: 'recording.sealed',
  at: '2026-11-20T10:30:00.000Z',
  actor: null,
  sha256: 'ab'.repeat(32),
  pc,
};

describe('an entry header', () => {
  it('is canonical JSON of its fields and reads back', () => {
    const bytes = encodeHeader(header);
    expect(Buffer.from(bytes).toString()).toBe(
      `{"actor":null,"at":"2026-11-20T10:30:00.000Z","id":"0190c000-0000-7000-8000-000000000001","log":"example.com/log","pc":"${pc}","prev":"${pc}","seq":1,"sha256":"${'ab'.repeat(32)}","subject":"0190c000-0000-7000-8000-000000000002","type":"recording.sealed","v":1}`,
    );
    expect(decodeHeader(bytes)).toEqual(header);
  });

  it('may do without a file', () => {
    const rest = Object.fromEntries(Object.entries(header).filter(([name]) => name !== 'sha256')) as unknown as EntryHeader;
    expect(decodeHeader(encodeHeader({ ...rest, type: 'erased', seq: 0, prev: null }))).not.toHaveProperty('sha256');
  });

  it.each<[string, Record<string, unknown>]>([
    ['another version', { v: 2 }],
    ['a log name with a space', { log: 'example com' }],
    ['an id that is no UUID', { id: 'x' }],
    ['an uppercase UUID', { subject: header.subject.toUpperCase() }],
    ['a negative seq', { seq: -1 }],
    ['a seq beyond 2^53', { seq: 2 ** 53 }],
    ['no prev after the first', { prev: null }],
    ['a prev on the first', { seq: 0 }],
    ['a short prev', { prev: 'AQ==' }],
    ['an empty type', { type: '' }],
    ['an uppercase type', { type: 'Recording.sealed' }],
    ['a type that is too long', { type: 'a'.repeat(65) }],
    ['a time without milliseconds', { at: '2026-11-20T10:30:00Z' }],
    ['a time with an offset', { at: '2026-11-20T10:30:00.000+01:00' }],
    ['a day that does not exist', { at: '2026-02-30T10:30:00.000Z' }],
    ['an hour that does not exist', { at: '2026-02-20T25:30:00.000Z' }],
    ['an actor by name', { actor: 'Ann' }],
    ['a hash in uppercase', { sha256: 'AB'.repeat(32) }],
    ['a hash that is null', { sha256: null }],
    ['a commitment that is not canonical base64', { pc: pc.replace('A=', 'B=') }],
    ['an unknown field', { extra: 1 }],
    ['an undefined field', { sha256: undefined }],
  ])('is refused with %s', (_, change) => {
    const changed = { ...header, ...change };
    expect(() => encodeHeader(changed)).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    if (!Object.values(change).includes(undefined)) {
      const text = JSON.stringify(Object.fromEntries(Object.entries(changed).sort()));
      expect(() => decodeHeader(utf8(text))).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    }
  });

  it('is refused when a field is missing', () => {
    for (const key of ['v', 'log', 'id', 'subject', 'seq', 'prev', 'type', 'at', 'actor', 'pc']) {
      const rest = Object.fromEntries(Object.entries(header).filter(([name]) => name !== key));
      expect(() => encodeHeader(rest as unknown as EntryHeader)).toThrow(`${key} is missing`);
    }
  });

  it('is refused when its bytes are not the canonical ones', () => {
    const text = Buffer.from(encodeHeader(header)).toString();
    for (const other of [
      `${text}\n`,
      ` ${text}`,
      text.replace('"v":1', '"v":1.0'),
      text.replace('{', '{"a":1,'),
      'null',
      '[]',
      '\ufeff' + text,
    ]) {
      expect(() => decodeHeader(utf8(other))).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    }
    expect(() => decodeHeader(Uint8Array.of(0xff))).toThrow('not UTF-8');
  });
});

describe('a payload commitment', () => {
  it('is SHA-256 over its domain, the salt and the canonical payload', () => {
    const salt = Uint8Array.from({ length: 32 }, (_, i) => i);
    const expected = createHash('sha256').update('custodiet/payload/v1\0').update(salt).update('{"name":"Ana Müller"}').digest();
    expect(Buffer.from(payloadCommitment(salt, '{"name":"Ana Müller"}')).equals(expected)).toBe(true);
  });

  it('is refused for another length of salt and for a payload that is not canonical', () => {
    expect(() => payloadCommitment(new Uint8Array(31), '{}')).toThrow('32 bytes');
    expect(() => payloadCommitment(new Uint8Array(32), '{ }')).toThrow('canonical');
  });
});
