import { execFileSync } from 'node:child_process';
import { mkdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { readMade, sizeOfMade, writeOwn } from './made-file.js';
import { ClipFolder } from './testing/clip-folder.js';

const folder = new ClipFolder();
afterAll(() => folder.remove());

describe('a file that a tool has made', () => {
  const secret = folder.at('secret');
  beforeAll(() => writeFile(secret, 'secret'));

  it('is read when it is a plain file', async () => {
    await writeFile(folder.at('plain'), 'made');
    expect((await readMade(folder.at('plain'))).toString()).toBe('made');
    expect(await sizeOfMade(folder.at('plain'))).toBe(4);
  });

  it('is not read through a link, nor from a pipe or a folder, nor without end', async () => {
    await symlink(secret, folder.at('link'));
    execFileSync('mkfifo', [folder.at('pipe')]);
    await mkdir(folder.at('folder'));
    for (const name of ['link', 'pipe', 'folder']) {
      await expect(readMade(folder.at(name))).rejects.toMatchObject({ code: 'failed' });
      expect(await sizeOfMade(folder.at(name))).toBe(0);
    }
    await writeFile(folder.at('sparse'), '');
    await truncate(folder.at('sparse'), 2 ** 40);
    await expect(readMade(folder.at('sparse'))).rejects.toMatchObject({ code: 'over-limit' });
  });

  it('is replaced by one of our own, and nothing is written through a link of that name', async () => {
    await symlink(secret, folder.at('planted'));
    await writeOwn(folder.at('planted'), 'ours');
    expect(await readFile(folder.at('planted'), 'utf8')).toBe('ours');
    expect(await readFile(secret, 'utf8')).toBe('secret');
  });
});
