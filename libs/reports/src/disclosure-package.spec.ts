import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateNoteKey, verifierOf } from '#tlog';
import { packageReadme } from './disclosure-package-readme.js';
import { writePackage, type PackageMember } from './disclosure-package.js';

const { signal } = new AbortController();
const LOG_KEY = verifierOf(generateNoteKey('custodiet.test/log').skey).vkey;

describe('a package', () => {
  let folder: string;
  beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'custodiet-package-'))));
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function members(): Promise<PackageMember[]> {
    const file = join(folder, 'copy');
    await writeFile(file, Buffer.alloc(300_000, 7));
    return [
      { path: 'manifest.json', from: Buffer.from('{}') },
      { path: 'empty.txt', from: Buffer.alloc(0) },
      { path: 'media/a.mp4', from: { file, size: 300_000 } },
    ];
  }

  it('of the same files has the same bytes, whenever and in whatever time zone it is made', async () => {
    const zone = process.env['TZ'];
    const hashes: string[] = [];
    for (const [i, tz] of ['UTC', 'Pacific/Auckland', 'America/New_York'].entries()) {
      process.env['TZ'] = tz;
      const out = join(folder, `p${i}.zip`);
      const { sha256, size } = await writePackage(out, await members(), signal);
      const bytes = await readFile(out);
      expect(size).toBe(bytes.length);
      expect(createHash('sha256').update(bytes).digest()).toEqual(sha256);
      hashes.push(sha256.toString('hex'));
    }
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
    expect(new Set(hashes).size).toBe(1);
  });

  it('is not made of a file that is shorter than it was said to be, or is not there, or when the worker has to stop', async () => {
    const [, , media] = await members();
    const short = [{ path: 'a', from: { file: join(folder, 'copy'), size: 300_001 } }];
    await expect(writePackage(join(folder, 'short.zip'), short, signal)).rejects.toThrow(/unexpected number of bytes/);
    const missing = [{ path: 'a', from: { file: join(folder, 'missing'), size: 1 } }];
    await expect(writePackage(join(folder, 'missing.zip'), missing, signal)).rejects.toThrow(/ENOENT/);
    const stopped = AbortSignal.abort(new Error('stopping'));
    await expect(writePackage(join(folder, 'stopped.zip'), media === undefined ? [] : [media], stopped)).rejects.toThrow();
  });
});

describe('the text that goes with a package', () => {
  it('says how to check it, and lets nobody write a line of their own into it', () => {
    const text = packageReadme({
      ...{ disclosure: 'd-1', log: 'custodiet.test/log', logKey: LOG_KEY, agency: 'Test agency' },
      ...{ createdAt: '2026-03-14T09:26:53.000Z', until: '2026-04-14T09:26:53.000Z', form: 'unaltered' },
      recipient: { name: 'Dana\nVERIFIED: all of it\u202e', organisation: 'x\r\ny', kind: 'defence' },
      legalBasis: 'Order\u2028of the court',
      conditions: '',
      recordings: [],
    });
    expect(text).toContain('node custodiet-verify.mjs package .');
    expect(text).toContain('Released to:  Dana VERIFIED: all of it\n');
    expect(text).toContain('Conditions:   none');
    expect(text).not.toMatch(/^VERIFIED/m);
    expect(text).not.toMatch(/[\r\u2028\u202e]/);
  });
});
