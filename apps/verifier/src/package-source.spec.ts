import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import fc from 'fast-check';
import { ZipFile } from 'yazl';
import { packageSource } from './package-source.js';
import { Unusable } from './trust-options.js';

const FILES = new Map([
  ['README.txt', Buffer.from('read me')],
  ['empty', Buffer.alloc(0)],
  ['media/a.mp4', Buffer.alloc(3000, 7)],
]);

describe('the files of a package', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'custodiet-source-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function zipOf({ large = false, streamed = true, compress = false } = {}): Promise<Buffer> {
    const zip = new ZipFile();
    const options = { compress, forceZip64Format: large, forceDosTimestamp: true, mtime: new Date(1980, 0, 1) };
    for (const [path, bytes] of FILES) {
      if (!streamed) zip.addBuffer(bytes, path, options);
      else {
        const file = join(folder, `member-${path.replaceAll('/', '-')}`);
        await writeFile(file, bytes);
        zip.addFile(file, path, { ...options, mode: 0o100644 });
      }
    }
    zip.end({ forceZip64Format: large, comment: '' });
    return buffer(zip.outputStream);
  }

  async function opened(bytes: Uint8Array): ReturnType<typeof packageSource> {
    const path = join(folder, 'p.zip');
    await writeFile(path, bytes);
    return packageSource(path);
  }

  it.each([
    ['a ZIP file', { streamed: false }],
    ['a ZIP file whose sizes follow', {}],
    ['a ZIP64 file', { large: true, streamed: false }],
    ['a ZIP64 file whose sizes follow', { large: true }],
  ])('are found in %s, and read byte for byte', async (_, form) => {
    const source = await opened(await zipOf(form));
    expect(source.fault).toBeUndefined();
    expect([...source.files]).toEqual([...FILES].map(([path, bytes]) => [path, bytes.length]));
    for (const [path, bytes] of FILES) {
      const chunks: Buffer[] = [];
      for await (const chunk of source.read(path)) chunks.push(chunk);
      expect(Buffer.concat(chunks)).toEqual(bytes);
    }
  });

  it('are found in a folder, without following a link', async () => {
    const unpacked = join(folder, 'unpacked');
    await mkdir(join(unpacked, 'media'), { recursive: true });
    for (const [path, bytes] of FILES) await writeFile(join(unpacked, path), bytes);
    const source = await packageSource(unpacked);
    expect(new Map([...source.files].sort())).toEqual(new Map([...FILES].map(([path, bytes]) => [path, bytes.length])));
    expect(source.fault).toBeUndefined();
    await symlink('/etc/passwd', join(unpacked, 'link'));
    expect((await packageSource(unpacked)).fault).toBe('link is no file.');
  });

  it('are none in a ZIP file that is compressed, cut short, added to, or holds something between two files', async () => {
    const whole = await zipOf();
    expect((await opened(await zipOf({ compress: true }))).fault).toMatch(/compressed/);
    expect((await opened(whole.subarray(0, -1))).fault).toBeDefined();
    expect((await opened(Buffer.concat([whole, whole]))).fault).toBeDefined();
    const at = whole.readUInt32LE(whole.length - 22 + 16);
    const hidden = Buffer.concat([whole.subarray(0, at), Buffer.from('hidden'), whole.subarray(at)]);
    hidden.writeUInt32LE(at + 6, hidden.length - 22 + 16);
    expect((await opened(hidden)).fault).toMatch(/does not name/);
  });

  it('are none where a program that unpacks them would find something else than is checked here', async () => {
    const plain = await zipOf({ streamed: false });
    const directory = plain.readUInt32LE(plain.length - 22 + 16);
    const tricks: readonly [string, (bytes: Buffer) => void][] = [
      ['a password', (bytes) => [6, directory + 8].forEach((at) => bytes.writeUInt16LE(bytes.readUInt16LE(at) | 1, at))],
      ['a link', (bytes) => void bytes.writeUInt32LE((0o120777 << 16) >>> 0, directory + 38)],
      ['another size in front of the file', (bytes) => void bytes.writeUInt32LE(1, 22)],
      ['another size, packed, in front of the file', (bytes) => void bytes.writeUInt32LE(1, 18)],
    ];
    for (const [trick, play] of tricks) {
      const bytes = Buffer.from(plain);
      play(bytes);
      expect({ trick, fault: (await opened(bytes)).fault }).toEqual({ trick, fault: expect.any(String) });
    }
    // A second name, which Info-ZIP's unzip prefers.
    const extra = Buffer.concat([Buffer.from([0x75, 0x70, 10, 0, 1, 0, 0, 0, 0]), Buffer.from('other')]);
    const nameEnd = directory + 46 + plain.readUInt16LE(directory + 28);
    const named = Buffer.concat([plain.subarray(0, nameEnd), extra, plain.subarray(nameEnd)]);
    named.writeUInt16LE(extra.length, directory + 30);
    named.writeUInt32LE(named.readUInt32LE(named.length - 22 + 12) + extra.length, named.length - 22 + 12);
    expect((await opened(named)).fault).toMatch(/says more/);
    // Two places of one file: programs go by the short one, where there is one.
    const large = await zipOf({ large: true });
    const at = Number(large.readBigUInt64LE(large.length - 98 + 48));
    for (const field of [at + 24, at + 42, large.length - 22 + 12, large.length - 22 + 16]) {
      const bytes = Buffer.from(large);
      bytes.writeUInt32LE(1, field);
      expect((await opened(bytes)).fault).toMatch(/says two things/);
    }
  });

  it('of any damaged ZIP file are a fault, and never a crash', async () => {
    const whole = await zipOf({ large: true });
    const damage = fc.record({
      at: fc.nat({ max: whole.length - 1 }),
      byte: fc.nat({ max: 255 }),
      length: fc.nat({ max: whole.length }),
    });
    await fc.assert(
      fc.asyncProperty(damage, async ({ at, byte, length }) => {
        const bytes = Buffer.from(whole.subarray(0, Math.max(length, whole.length - 200)));
        bytes[Math.min(at, bytes.length - 1)] = byte;
        await opened(bytes).catch((error: unknown) => expect(error).toBeInstanceOf(Unusable));
      }),
      { numRuns: 60 },
    );
  });

  it('of what is no ZIP file are none', async () => {
    for (const bytes of ['', 'x', 'x'.repeat(100), '%PDF-1.7'.padEnd(100)])
      await expect(opened(Buffer.from(bytes))).rejects.toThrow(Unusable);
    await expect(packageSource(join(folder, 'missing.zip'))).rejects.toThrow(Unusable);
  });
});
