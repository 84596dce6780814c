import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { canonicalize } from './canonical-json.js';
import { base64, utf8 } from './encodings.js';
import { commitPayload, decodeHeader, encodeHeader, payloadCommitment, type EntryHeader } from './entry.js';
import { isKeyName } from './note-key.js';
import { refused } from './testing/refused.js';

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

const uuid = fc.uuid();
const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
const words = fc.stringMatching(/^[a-z0-9]{1,9}(-[a-z0-9]{1,9}){0,2}(\.[a-z0-9]{1,9}){0,2}$/);
const anyHeader: fc.Arbitrary<EntryHeader> = fc
  .record(
    {
      v: fc.constant(1 as const),
      log: fc.string({ unit: 'grapheme', minLength: 1 }).filter(isKeyName),
      id: uuid,
      subject: uuid,
      seq: fc.nat({ max: Number.MAX_SAFE_INTEGER }),
      prev: hash.map(base64),
      type: words,
      at: fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }).map((d) => d.toISOString()),
      actor: fc.option(uuid),
      sha256: hash.map((bytes) => Buffer.from(bytes).toString('hex')),
      pc: hash.map(base64),
    },
    { requiredKeys: ['v', 'log', 'id', 'subject', 'seq', 'prev', 'type', 'at', 'actor', 'pc'] },
  )
  .map((header) => (header.seq === 0 ? { ...header, prev: null } : header));

describe('an entry header', () => {
  it('is the canonical JSON of whatever fields it has, and reads back to them', () => {
    fc.assert(
      fc.property(anyHeader, (any) => {
        const bytes = encodeHeader(any);
        expect(Buffer.from(bytes).toString()).toBe(canonicalize({ ...any }));
        expect(decodeHeader(bytes)).toEqual(any);
      }),
    );
  });

  it('is refused, or is another header, when a byte of it is changed, dropped, doubled or added', () => {
    const damage = fc.record({
      at: fc.nat(),
      byte: fc.nat({ max: 255 }),
      how: fc.constantFrom('change', 'drop', 'double', 'add'),
    });
    fc.assert(
      fc.property(anyHeader, damage, (any, { at, byte, how }) => {
        const bytes = Buffer.from(encodeHeader(any));
        const place = at % bytes.length;
        const there = bytes.subarray(place, place + 1);
        const instead = { change: [Buffer.of(byte)], drop: [], double: [there, there], add: [there, Buffer.of(byte)] }[how];
        const damaged = Buffer.concat([bytes.subarray(0, place), ...instead, bytes.subarray(place + 1)]);
        let read: EntryHeader;
        try {
          read = decodeHeader(damaged);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TlogError' });
          return;
        }
        expect(Buffer.from(encodeHeader(read)).equals(damaged)).toBe(true);
      }),
    );
  });

  it('has a time of a day that exists, in every month of every kind of year', () => {
    const twoDigits = (n: number): string => String(n).padStart(2, '0');
    for (const year of ['0000', '0004', '1900', '2000', '2023', '2024', '9999'])
      for (let month = 0; month <= 13; month++)
        for (let day = 0; day <= 32; day++) {
          const at = `${year}-${twoDigits(month)}-${twoDigits(day)}T23:59:59.999Z`;
          const time = new Date(at);
          const exists = !Number.isNaN(time.getTime()) && time.toISOString() === at;
          if (exists) expect(decodeHeader(encodeHeader({ ...header, at })).at).toBe(at);
          else expect(() => encodeHeader({ ...header, at })).toThrow('at is not a UTC time');
        }
  });

  it('has hashes in the one base64 text that decodes to them', () => {
    const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
    for (const last of digits) {
      const changed = { ...header, pc: `${'A'.repeat(42)}${last}=` };
      const unique = Buffer.from(changed.pc, 'base64').toString('base64') === changed.pc;
      if (unique) expect(decodeHeader(encodeHeader(changed)).pc).toBe(changed.pc);
      else expect(() => encodeHeader(changed)).toThrow('pc is not 32 bytes in base64');
    }
  });

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
    ['a seq in words that would write more fields', { seq: '1,"sha256":"' + 'ab'.repeat(32) + '"' }],
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
    ['the hour 24', { at: '2026-02-20T24:00:00.000Z' }],
    ['a minute that does not exist', { at: '2026-02-20T10:60:00.000Z' }],
    ['a second that does not exist', { at: '2026-02-20T10:30:60.000Z' }],
    ['a short commitment', { pc: 'AQ==' }],
    ['a commitment that is too long', { pc: base64(new Uint8Array(33)) }],
    ['a commitment in base64url', { pc: base64(new Uint8Array(32).fill(255)).replaceAll('/', '_') }],
    ['an actor by name', { actor: 'Ann' }],
    ['a hash in uppercase', { sha256: 'AB'.repeat(32) }],
    ['a hash that is null', { sha256: null }],
    ['a commitment that is not canonical base64', { pc: pc.replace('A=', 'B=') }],
    ['an unknown field', { extra: 1 }],
    ['an undefined field', { sha256: undefined }],
  ])('is refused with %s', (_, change) => {
    const changed = { ...header, ...change };
    expect(() => encodeHeader(changed)).toThrow(refused('header-malformed'));
    if (!Object.values(change).includes(undefined)) {
      const text = JSON.stringify(Object.fromEntries(Object.entries(changed).sort()));
      expect(() => decodeHeader(utf8(text))).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    }
  });

  it('is refused with a seq of minus zero, which no text of its own stands for', () => {
    const first = { ...header, seq: 0, prev: null };
    expect(() => encodeHeader({ ...first, seq: -0 })).toThrow('seq is not an integer');
    const text = Buffer.from(encodeHeader(first)).toString();
    expect(() => decodeHeader(utf8(text.replace('"seq":0', '"seq":-0')))).toThrow('seq is not an integer');
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
      text.replace('"v":1', '"v":1,"v":1'),
      text.replace('"seq":1', '"seq":1e0'),
      text.replace('"seq":1', '"seq":01'),
      text.replace('"prev":', '"prev" :'),
      text.replace('example.com', 'ex\\u0061mple.com'),
      text.replace('{"actor":null,', '{').replace('"v":1', '"v":1,"actor":null'),
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

  it('comes with the canonical text of the payload it is to', () => {
    const salt = Uint8Array.from({ length: 32 }, (_, i) => 255 - i);
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (payload) => {
        const { text, commitment } = commitPayload(salt, payload);
        expect(text).toBe(canonicalize(payload));
        expect(commitment).toEqual(payloadCommitment(salt, text));
      }),
    );
    expect(() => commitPayload(new Uint8Array(31), {})).toThrow('32 bytes');
    expect(() => commitPayload(salt, { half: 0.5 })).toThrow(expect.objectContaining({ code: 'not-canonical' }) as Error);
  });

  it('is refused for another length of salt and for a payload that is not canonical', () => {
    expect(() => payloadCommitment(new Uint8Array(31), '{}')).toThrow(refused('header-malformed'));
    expect(() => payloadCommitment(new Uint8Array(32), '{ }')).toThrow('canonical');
  });
});
