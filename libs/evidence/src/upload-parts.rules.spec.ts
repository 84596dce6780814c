import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expectedPartSize, missingParts, partCount, partSizeFor, sha256OfContentDigest } from './upload-parts.rules.js';

const MIB = 1024 * 1024;
const MOST_PARTS = 10_000;

const fileSize = fc.oneof(fc.integer({ min: 1, max: 200 * MIB }), fc.integer({ min: 1, max: 1024 * 1024 * MIB }));
const preferredMib = fc.integer({ min: 5, max: 64 });

describe('the parts of an upload', () => {
  it('tile the file exactly, all of one size but the last, which is not empty', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300 }), (size, partSize) => {
        const count = partCount(size, partSize);
        const sizes = Array.from({ length: count }, (_, i) => expectedPartSize(size, partSize, i + 1));
        expect(sizes.slice(0, -1).every((each) => each === partSize)).toBe(true);
        expect(sizes.at(-1)).toBeGreaterThan(0);
        expect(sizes.at(-1)).toBeLessThanOrEqual(partSize);
        expect(sizes.reduce<number>((sum, each) => sum + (each ?? Number.NaN), 0)).toBe(size);
      }),
    );
  });

  it('are as large as preferred unless there would be too many, and whole MiB always', () => {
    fc.assert(
      fc.property(fileSize, preferredMib, (size, preferred) => {
        const partSize = partSizeFor(size, preferred);
        expect(partSize % MIB).toBe(0);
        expect(partCount(size, partSize)).toBeLessThanOrEqual(MOST_PARTS);
        if (size <= preferred * MIB * MOST_PARTS) expect(partSize).toBe(preferred * MIB);
        else expect(partCount(size, partSize - MIB)).toBeGreaterThan(MOST_PARTS);
      }),
    );
  });

  it('are numbered from 1, and no other number is a part', () => {
    for (const part of [0, -1, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
      expect(expectedPartSize(25, 10, part)).toBeUndefined();
    expect([1, 2, 3].map((part) => expectedPartSize(25, 10, part))).toEqual([10, 10, 5]);
    expect(expectedPartSize(0, 10, 1)).toBeUndefined();
  });

  it('are missing exactly as long as they have not been received', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 500 }),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: -2, max: 60 })),
        (size, partSize, received) => {
          const missing = missingParts(size, partSize, received);
          const all = Array.from({ length: partCount(size, partSize) }, (_, i) => i + 1);
          expect(missing).toEqual(all.filter((part) => !received.includes(part)));
          expect(missingParts(size, partSize, [...received, ...missing])).toEqual([]);
        },
      ),
    );
  });
});

describe('the Content-Digest of a part (RFC 9530)', () => {
  const sha256 = createHash('sha256').update('{"hello": "world"}').digest();
  const sha512 = createHash('sha512').update('{"hello": "world"}').digest('base64');
  const field = `sha-256=:${sha256.toString('base64')}:`;

  it('is read from the example of the RFC', () => {
    const example = 'sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:';
    expect(sha256OfContentDigest(example)).toEqual(sha256);
  });

  it('is found among other algorithms, before or after them', () => {
    const other = `sha-512=:${sha512}:`;
    for (const header of [
      `${field}, ${other}`,
      `${other}, ${field}`,
      `${other},${field},md5=:YWJj:`,
      ` ${field} `,
      `${other},\t${field}`,
    ])
      expect(sha256OfContentDigest(header)).toEqual(sha256);
  });

  it('gives back any 32 bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (digest) => {
        expect(sha256OfContentDigest(`sha-256=:${Buffer.from(digest).toString('base64')}:`)).toEqual(Buffer.from(digest));
      }),
    );
  });

  it('is absent when there is none, when it is of another algorithm, and when it is not 32 bytes between colons', () => {
    const base64 = sha256.toString('base64');
    const without = [
      '',
      `sha-512=:${sha512}:`,
      `xsha-256=:${base64}:`,
      `SHA-256=:${base64}:`,
      `sha-256=${base64}`,
      `sha-256="${base64}"`,
      `sha-256=:${sha256.toString('hex')}:`,
      `sha-256=:${sha256.toString('base64url')}:`,
      `sha-256=:${sha256.subarray(1).toString('base64')}:`,
      `sha-256=:${sha512}:`,
      'sha-256=::',
      `sha-256=:${base64}: x`,
    ];
    for (const header of without) expect([header, sha256OfContentDigest(header)]).toEqual([header, undefined]);
  });

  it('is the last one when there are two, as structured fields want it (RFC 8941 §4.2.2)', () => {
    const other = `sha-256=:${createHash('sha256').update('another').digest('base64')}:`;
    expect(sha256OfContentDigest(`${other}, ${field}`)).toEqual(sha256);
  });

  it('never fails on whatever a client sends', () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const digest = sha256OfContentDigest(header);
        expect(digest === undefined || digest.length === 32).toBe(true);
      }),
    );
  });
});
