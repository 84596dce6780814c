import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { timestampRequest, unsignedInteger } from './timestamp-request.js';

describe('a request for a timestamp', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-tsq-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  const openssl = async (...args: string[]): Promise<Buffer> => {
    return (await promisify(execFile)('openssl', args, { cwd: folder, encoding: 'buffer' })).stdout;
  };
  const digestOf = (text: string): Buffer => createHash('sha256').update(text).digest();

  it('reads in openssl as one of that digest and nonce that asks for the certificate', async () => {
    for (const [nonce, shown] of [
      ['0123456789abcdef', '0x0123456789ABCDEF'],
      ['fedcba9876543210', '0xFEDCBA9876543210'],
      ['000000000000ff01', '0xFF01'],
      ['0000000000000005', '0x05'],
    ] as const) {
      const digest = digestOf(nonce);
      await writeFile(join(folder, 'query.tsq'), timestampRequest(digest, Buffer.from(nonce, 'hex')));
      const text = (await openssl('ts', '-query', '-in', 'query.tsq', '-text')).toString();
      expect(text).toContain('Version: 1\nHash Algorithm: sha256\n');
      expect(text).toContain('Policy OID: unspecified\n');
      expect(text).toContain(`Nonce: ${shown}\n`);
      expect(text).toContain('Certificate required: yes\n');
      const dumped = [...text.matchAll(/^ {4}[0-9a-f]{4} - (.{47})/gm)].map(([, bytes = '']) => bytes.replace(/[ -]/g, ''));
      expect(dumped.join('')).toBe(digest.toString('hex'));
    }
  });

  it('is what openssl makes itself, byte for byte', async () => {
    await writeFile(join(folder, 'data'), 'a checkpoint');
    const theirs = await openssl('ts', '-query', '-data', 'data', '-sha256', '-cert');
    await writeFile(join(folder, 'theirs.tsq'), theirs);
    const text = (await openssl('ts', '-query', '-in', 'theirs.tsq', '-text')).toString();
    const nonce = /^Nonce: 0x([0-9A-F]+)$/m.exec(text)?.[1] ?? '';
    expect(nonce).not.toBe('');
    expect(Buffer.from(timestampRequest(digestOf('a checkpoint'), Buffer.from(nonce, 'hex')))).toEqual(theirs);
  });

  it('writes every unsigned number as DER has it, the shortest and never negative', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
        const content = unsignedInteger(bytes);
        const value = (from: Uint8Array): bigint => BigInt(`0x0${Buffer.from(from).toString('hex')}`);
        expect(value(content)).toBe(value(bytes));
        expect(content[0]).toBeLessThan(0x80);
        expect(content.length === 1 || content[0] !== 0 || content[1]! >= 0x80).toBe(true);
      }),
    );
  });

  it('is refused for a digest that is no SHA-256', () => {
    expect(() => timestampRequest(new Uint8Array(20), new Uint8Array(8))).toThrow('32 bytes, not 20');
  });
});
