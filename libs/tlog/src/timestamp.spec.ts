import fc from 'fast-check';
import { DER, encodeDer } from './der.js';
import { hex, utf8 } from './encodings.js';
import { sha256 } from './merkle.js';
import { generalizedTime, imprint, integer, oid, sampleInfo, sampleTimestamp } from './sample-timestamp.js';
import { readTimestamp } from './timestamp.js';
import type { TlogError } from './tlog-error.js';

/** What `openssl ts -reply` answered for `a checkpoint\n`, with every part that TSTInfo may have but extensions. */
const BY_OPENSSL = Buffer.from(
  `
MIIDYzADAgEAMIIDWgYJKoZIhvcNAQcCoIIDSzCCA0cCAQMxDzANBglghkgBZQMEAgEFADCBlAYLKoZIhvcNAQkQAQSggYQEgYEwfwIBAQYEKgMEATAxMA
0GCWCGSAFlAwQCAQUABCCvPyEYFiLQXrY3Xrsw5iu+mPhUHHeK4uzt0K8zPEOlBAIBAhgTMjAyNjExMjExMjE2NTguNDk3WjAHAgEBgAIB9AEB/wIJAL1h
ZfQoJRBooBKkEDAOMQwwCgYDVQQDDANUU0GgggFaMIIBVjCB/aADAgECAhQYW6YicBLJ2wCsGDcJrB8p3oKP7DAKBggqhkjOPQQDAjAOMQwwCgYDVQQDDA
NUU0EwHhcNMjYxMTIxMTIxNjU4WhcNMzUwMjA3MTIxNjU4WjAOMQwwCgYDVQQDDANUU0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASht90XLXDcOu61
GXskXz1Ln22njG/pk9Lt66f3TTcmXBwAMalZcXJx+yYCD4i2IV7eZv370vXkcw1t2T4hmkyBozkwNzAWBgNVHSUBAf8EDDAKBggrBgEFBQcDCDAdBgNVHQ
4EFgQUANDHj/6VljEFTGEB+lfA6WUHudcwCgYIKoZIzj0EAwIDSAAwRQIhAP74riBDcimzjtPoUrsGaqRxTWTe29b1kSvgx2U7U2VrAiAR7Bdw6P/IgRX9
JBRyPJGOixp3Tjeu7MekkfV/fc8OCDGCATowggE2AgEBMCYwDjEMMAoGA1UEAwwDVFNBAhQYW6YicBLJ2wCsGDcJrB8p3oKP7DANBglghkgBZQMEAgEFAK
CBpDAaBgkqhkiG9w0BCQMxDQYLKoZIhvcNAQkQAQQwHAYJKoZIhvcNAQkFMQ8XDTI2MTEyMTEyMTY1OFowLwYJKoZIhvcNAQkEMSIEIOmqrg6gBP+indxd
Q6YMGBybdBTMpVCOuT6oG6rCWxtHMDcGCyqGSIb3DQEJEAIvMSgwJjAkMCIEIOoCMv9N0OqQWUI7lKf47I09Gg5WPkIrsCqTD5sVa0JNMAoGCCqGSM49BA
MCBEcwRQIhAOPBen8/B6mjkzSRXfQnulLeD9b1Xc69F0SEi5gkax3DAiBK5LXx5pU9Qre3/g1QUKoa1buf+GY3Bx3xSvOnf1osrQ==
`,
  'base64',
);

const digest = sha256(utf8('the checkpoint'));
const nonce = integer(0, 0xff);
const accuracy = encodeDer(DER.sequence, integer(1));
const ordering = encodeDer(DER.boolean, Uint8Array.of(0xff));
const tsa = encodeDer(0xa0, accuracy);
const extensions = encodeDer(0xa1, accuracy);

const withInfo = (...info: Uint8Array[]): Uint8Array => sampleTimestamp(digest, { info });
const withTime = (time: string): Uint8Array => withInfo(...sampleInfo(digest, time));
const replaced = (at: number, part: Uint8Array): Uint8Array =>
  withInfo(...sampleInfo(digest).map((each, i) => (i === at ? part : each)));

describe('a timestamp', () => {
  it('that openssl made reads as openssl shows it', () => {
    const { imprint: seen, time, nonce: sent, certificates, signers, digestAlgorithms } = readTimestamp(BY_OPENSSL);
    expect(hex(seen)).toBe(hex(sha256(utf8('a checkpoint\n'))));
    expect(time).toBe('2026-11-21T12:16:58.497Z');
    expect(hex(sent!)).toBe('00bd6165f428251068');
    expect([certificates.length, signers.length, digestAlgorithms.length]).toEqual([1, 1, 1]);
  });

  it('has the optional parts in their order, each once or not at all', () => {
    const parts = [accuracy, ordering, nonce, tsa, extensions];
    fc.assert(
      fc.property(fc.subarray(parts), (some) => {
        expect(readTimestamp(withInfo(...sampleInfo(digest), ...some)).nonce).toEqual(
          some.includes(nonce) ? Uint8Array.of(0, 0xff) : undefined,
        );
      }),
    );
    fc.assert(
      fc.property(fc.shuffledSubarray([...parts, ...parts], { minLength: 2 }), (some) => {
        fc.pre(some.some((part, i) => i > 0 && parts.indexOf(part) <= parts.indexOf(some[i - 1]!)));
        expect(() => readTimestamp(withInfo(...sampleInfo(digest), ...some))).toThrow('malformed');
      }),
    );
  });

  it('may come with certificates and revocation lists', () => {
    const wrapped = encodeDer(DER.context0, encodeDer(DER.octetString, encodeDer(DER.sequence, ...sampleInfo(digest))));
    const content = encodeDer(DER.sequence, oid('2a864886f70d0109100104'), wrapped);
    const algorithms = encodeDer(DER.set, accuracy);
    const certificates = encodeDer(0xa0, accuracy, nonce);
    const signers = encodeDer(DER.set, nonce);
    const read = readTimestamp(
      sampleTimestamp(digest, { signedData: [integer(3), algorithms, content, certificates, extensions, signers] }),
    );
    expect(read.certificates.map(({ bytes }) => hex(bytes))).toEqual([accuracy, nonce].map(hex));
    expect(read.digestAlgorithms.map(({ bytes }) => hex(bytes))).toEqual([hex(accuracy)]);
    expect(read.signers.map(({ bytes }) => hex(bytes))).toEqual([hex(nonce)]);
  });

  it('counts when it was granted with modifications, and says why when it was not granted', () => {
    expect(readTimestamp(sampleTimestamp(digest, { status: [integer(1)] })).time).toBe('2026-11-20T11:05:00.000Z');
    const said = (...texts: string[]): string => {
      const text = encodeDer(DER.sequence, ...texts.map((each) => encodeDer(DER.utf8String, utf8(each))));
      const response = sampleTimestamp(digest, { status: [integer(2), ...(texts.length > 0 ? [text] : [])] });
      try {
        return readTimestamp(response).time;
      } catch (error) {
        return (error as TlogError).message;
      }
    };
    expect(said()).toBe('The authority did not grant it (status 0x02)');
    expect(said('no such', 'policy')).toBe('The authority did not grant it (status 0x02): no such policy');
    expect(said('x'.repeat(1000))).toBe(`The authority did not grant it (status 0x02): ${'x'.repeat(200)}`);
    const refusal = encodeDer(DER.sequence, encodeDer(DER.sequence, integer(2)));
    expect(() => readTimestamp(refusal)).toThrow('(status 0x02)');
    expect(() => readTimestamp(sampleTimestamp(digest, { status: [integer(0xff)] }))).toThrow('(status 0xff)');
    expect(() => readTimestamp(encodeDer(DER.sequence, encodeDer(DER.sequence, integer(0))))).toThrow('in the middle');
  });

  it('is refused when it is of another kind of message, content, version or digest', () => {
    const other = oid('2a864886f70d010701');
    expect(() => readTimestamp(sampleTimestamp(digest, { contentType: other }))).toThrow('not a signed message');
    expect(() => readTimestamp(sampleTimestamp(digest, { infoType: other }))).toThrow('not of a time');
    expect(() => readTimestamp(replaced(0, integer(2)))).toThrow('not of version 1');
    expect(() => readTimestamp(replaced(2, imprint(digest, oid('608648016503040203'))))).toThrow('not of a SHA-256');
    expect(() => readTimestamp(replaced(2, imprint(digest.slice(1))))).toThrow('of 31 bytes');
    expect(() => readTimestamp(replaced(2, imprint(Uint8Array.of(...digest, 0))))).toThrow('of 33 bytes');
  });

  it('has a time in UTC that there is, with or without a fraction', () => {
    for (const [time, read] of [
      ['20261120110500Z', '2026-11-20T11:05:00.000Z'],
      ['20261120110500.5Z', '2026-11-20T11:05:00.500Z'],
      ['20261120110500.123456789Z', '2026-11-20T11:05:00.123Z'],
      ['20240229235959.999Z', '2024-02-29T23:59:59.999Z'],
    ] as const)
      expect(readTimestamp(withTime(time)).time).toBe(read);
    for (const time of [
      '',
      '202611201105Z',
      '20261120110500',
      '20261120110500.Z',
      '20261120110500.50Z',
      '20261120110500,5Z',
      '20261120110500+0100',
      '261120110500Z',
      '20260230110500Z',
      '20261320110500Z',
      '20261120110560Z',
      '20261120240000Z',
      ' 20261120110500Z',
      '20261120110500Z\n',
    ])
      expect(() => readTimestamp(withTime(time))).toThrow('has no time');
    expect(() => readTimestamp(replaced(4, encodeDer(DER.generalizedTime, Uint8Array.of(0xff))))).toThrow('not UTF-8');
    expect(() => readTimestamp(replaced(4, encodeDer(0x17, utf8('261120110500Z'))))).toThrow('0x17');
    expect(generalizedTime('20261120110500Z')).toHaveLength(17);
  });

  it('is refused when any part of it is missing, doubled or cut off, or something follows', () => {
    const whole = sampleTimestamp(digest);
    for (let length = 0; length < whole.length; length++) expect(() => readTimestamp(whole.slice(0, length))).toThrow();
    expect(() => readTimestamp(Uint8Array.of(...whole, 0))).toThrow(
      'The timestamp is malformed: something follows where it should end.',
    );
    const info = sampleInfo(digest);
    info.forEach((part, i) => {
      expect(() => readTimestamp(withInfo(...info.filter((_, k) => k !== i)))).toThrow();
      expect(() => readTimestamp(withInfo(...info.slice(0, i), part, ...info.slice(i)))).toThrow();
    });
  });

  it('ends in an error of this library, whatever is in it: lengths beyond the end, deep nesting, indefinite lengths, rubbish', () => {
    const refused = (bytes: Uint8Array): void => {
      expect(() => readTimestamp(bytes)).toThrow(expect.objectContaining({ name: 'TlogError' }) as Error);
    };
    refused(new Uint8Array(1_000_000).fill(0x30));
    refused(new Uint8Array(1_000_000).fill(0x80).fill(0x30, 0, 1));
    refused(new Uint8Array(1_000_000).map((_, i) => (i % 2 === 0 ? 0x30 : 0x80)));
    let nested: Uint8Array = encodeDer(DER.null);
    for (let i = 0; i < 2000; i++) nested = encodeDer(DER.sequence, nested);
    refused(nested);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), refused));
    const change = fc.tuple(fc.nat(BY_OPENSSL.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const bytes = Uint8Array.from(BY_OPENSSL);
        for (const [at, value] of changes) bytes[at] = value;
        try {
          readTimestamp(bytes);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TlogError' });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
