import { readFile, writeFile } from 'node:fs/promises';
import type { MediaTools } from './media-tools.js';
import { transcodeForPlayback } from './playback.js';
import { renderPreview } from './preview.js';
import { probe } from './probe.js';
import type { RedactionPlan } from './redaction-plan.js';
import { ClipFolder } from './testing/clip-folder.js';

import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

/** ffmpeg that has been taken over by what it reads: it does its work, and in its working folder more than that. */
async function takenOver(name: string, before: string, after: string): Promise<MediaTools> {
  const program = folder.at(name);
  await writeFile(program, `#!/bin/bash\n${before}\n/usr/bin/env ffmpeg "$@"; code=$?\n${after}\nexit $code\n`, { mode: 0o755 });
  return { ...folder.tools, ffmpeg: program };
}

describe('a tool that was taken over and leaves links in its working folder', () => {
  const secret = folder.at('secret-of-the-server');
  const SECRET = 'password '.repeat(10_000);
  beforeEach(() => writeFile(secret, SECRET));

  it.each([
    ['the poster', '', `for name in poster-*.jpg; do ln -sf ${secret} $name; done`],
    ['a seek sprite', '', `ls | grep -q sprite && ln -sf ${secret} sprite-000.jpg`],
    ['an init segment', '', `ln -sf ${secret} sound-init.mp4`],
    ['a segment', `ln -sf ${secret} sound-00009.m4s`, `ln -sf ${secret} sound-00000.m4s`],
  ])('gets nothing of ours published as %s', async (what, before, after) => {
    const tools = await takenOver('reading', before, after);
    const file = await folder.clip('a.mp4');
    const taken: Buffer[] = [];
    const outDir = folder.at(`reading ${what}`);
    const take = async ({ path }: { path: string }): Promise<void> => void taken.push(await readFile(path));
    const work = transcodeForPlayback(tools, { file, probe: await probe(folder.tools, file), outDir, take });
    await work.catch(() => undefined);
    expect(taken.filter((bytes) => bytes.includes('password')).length).toBe(0);
  });

  it('cannot have us write over a file of ours', async () => {
    const names = ['check.mp4', 'playlist.m3u8', 'sprite.vtt', 'waveform.json'];
    const plant = names.map((name) => `ln -sf ${secret} ${name}`).join('; ');
    const tools = await takenOver('writing-tool', `[ -e check.mp4 ] || { ${plant}; }`, plant);
    const file = await folder.clip('a.mp4');
    await transcodeForPlayback(tools, { file, probe: await probe(folder.tools, file), outDir: folder.at('writing') });
    expect(await readFile(secret, 'utf8')).toBe(SECRET);
  });

  it('cannot have a preview show a file of ours, nor keep us waiting at a pipe', async () => {
    const file = await folder.clip('a.mp4');
    const found = await probe(folder.tools, file);
    const box = { x: 0, y: 0, width: 40, height: 40 };
    const keyframes = [0, 1000].map((atMs) => ({ atMs, ...box }));
    const plan: RedactionPlan = { v: 1, regions: [{ shape: 'rectangle', keyframes, reason: 'juvenile' }], mutes: [] };
    const of = { atMs: 500 };
    for (const after of [`ln -sf ${secret} preview`, 'rm -f preview; mkfifo preview']) {
      const tools = await takenOver('previewing', '', after);
      const work = renderPreview(tools, { span: { file, startsAtMs: 0 }, probe: found, plan, of, outline: false });
      await expect(work).rejects.toMatchObject({ code: 'failed' });
    }
  });
});
