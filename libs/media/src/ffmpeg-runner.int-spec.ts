import { execFileSync, fork } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { build } from 'esbuild';
import { extractFrame } from './frame.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { transcodeForPlayback } from './playback.js';
import { probe } from './probe.js';
import { toolVersion } from './tool-version.js';
import { ClipFolder, eventually } from './testing/clip-folder.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

const failure = (work: Promise<unknown>): Promise<MediaError> =>
  work.then(
    () => Promise.reject(new Error('It should have failed.')),
    (error: unknown) => {
      if (error instanceof MediaError) return error;
      throw error;
    },
  );

describe('hostile files', () => {
  // Opening a pipe that nobody writes to blocks: a tool that followed a reference would run into its time limit.
  const trap = folder.at('trap');
  const tools = { ...folder.tools, timeLimitSeconds: 10 };
  const files: Readonly<Record<string, string | Buffer>> = {
    'an HLS playlist': `#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nfile://${trap}\n#EXT-X-ENDLIST\n`,
    'a concat script': `ffconcat version 1.0\nfile '${trap}'\n`,
    'a DASH manifest': `<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><BaseURL>${trap}</BaseURL></Period></MPD>`,
    'a session description':
      'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n',
    'a subtitle with a file name': `[Script Info]\nVideo File: ${trap}\n`,
    'random bytes': Buffer.from(Array.from({ length: 20_000 }, (_, index) => (index * 7919 + (index >> 3) * 104_729) & 0xff)),
    'one byte': 'x',
    nothing: '',
    'a PNG picture': Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
  };
  beforeAll(() => void execFileSync('mkfifo', [trap]));

  it.each(Object.keys(files))('refuses %s named .mp4 as unreadable and opens nothing else', async (what) => {
    const file = folder.at('hostile.mp4');
    await writeFile(file, files[what] ?? '');
    const error = await failure(probe(tools, file));
    expect(error.code).toBe('unreadable');
    expect(error.message).not.toContain(folder.path);
  });

  it('opens nothing else when such a file comes to the transcoder unprobed', async () => {
    const file = folder.at('hostile.mp4');
    await writeFile(file, files['an HLS playlist'] ?? '');
    const forged = await probe(tools, await folder.clip('honest.mp4', { seconds: 1 }));
    const error = await failure(transcodeForPlayback(tools, { file, probe: forged, outDir: folder.at('hostile') }));
    expect(error.code).toBe('failed');
    expect(error.message).not.toContain(folder.path);
  });
});

describe('limits', () => {
  // Long enough to be in the middle of it when it is stopped.
  const long = (): Promise<string> => folder.clip('long.mp4', { seconds: 60, width: 640, height: 360 });

  it('kills ffmpeg within two seconds of an abort and leaves neither a process nor files', async () => {
    const file = await long();
    const abort = new AbortController();
    let abortedAt = 0;
    const onProgress = (): void => {
      abortedAt ||= Date.now();
      abort.abort();
    };
    const outDir = folder.at('aborted');
    const input = { file, probe: await probe(folder.tools, file), outDir, onProgress, signal: abort.signal };
    const error = await failure(transcodeForPlayback(folder.tools, input));
    expect(error.code).toBe('aborted');
    expect(abortedAt).toBeGreaterThan(0);
    expect(Date.now() - abortedAt).toBeLessThan(2000);
    expect(await folder.processes()).toEqual([]);
    expect(await readdir(outDir)).toEqual([]);
  });

  it('lets everything else on the machine go first while it encodes', async () => {
    const file = await long();
    const abort = new AbortController();
    let niceness: string[] = [];
    const onProgress = (): void => {
      const processes = execFileSync('ps', ['-eo', 'ni=,args='], { encoding: 'utf8' }).split('\n');
      if (!abort.signal.aborted) niceness = processes.filter((line) => line.includes(file) && /\d (\S*\/)?ffmpeg /.test(line));
      abort.abort();
    };
    const input = { file, probe: await probe(folder.tools, file), outDir: folder.at('nice'), onProgress, signal: abort.signal };
    await failure(transcodeForPlayback(folder.tools, input));
    // Also of what shuts it in.
    expect([...new Set(niceness.map((line) => Number.parseInt(line)))]).toEqual([19]);
  });

  it('starts nothing for a signal that has already fired', async () => {
    const error = await failure(probe(folder.tools, await folder.clip('short.mp4'), AbortSignal.abort()));
    expect(error.code).toBe('aborted');
  });

  it('stops what takes longer than its time limit', async () => {
    const file = await long();
    const found = await probe(folder.tools, file);
    const tools = { ...folder.tools, timeLimitSeconds: 0.3 };
    const error = await failure(transcodeForPlayback(tools, { file, probe: found, outDir: folder.at('late') }));
    expect(error.code).toBe('time-limit');
    expect(error.message).toContain('0.3 s');
    expect(await folder.processes()).toEqual([]);
  });

  it('bounds the memory of the tool and says that it was the memory', async () => {
    const file = await folder.clip('short.mp4');
    const found = await probe(folder.tools, file);
    // Under the first ffmpeg cannot even load its libraries, under the second it cannot make room for pictures.
    for (const mebibytes of [64, 400]) {
      const tools = { ...folder.tools, memoryBytes: mebibytes * 1024 ** 2 };
      const error = await failure(transcodeForPlayback(tools, { file, probe: found, outDir: folder.at('small') }));
      expect(error).toMatchObject({
        code: 'over-limit',
        message: expect.stringContaining(`the ${mebibytes} MiB allowed`) as string,
      });
    }
  });

  it('bounds the size of what the tool writes and says that it was the size', async () => {
    const file = await folder.clip('short.mp4');
    const tools = { ...folder.tools, fileBytes: 2000 };
    const input = { file, probe: await probe(folder.tools, file), outDir: folder.at('large') };
    expect(await failure(transcodeForPlayback(tools, input))).toMatchObject({ code: 'over-limit' });
  });

  it.each(['auto', 'off'] as const)(
    'takes ffmpeg down with a process that is killed without a chance to clean up (sandbox %s)',
    async (sandbox) => {
      const tools: MediaTools = { ...folder.tools, sandbox };
      const file = await long();
      const source = `import { transcodeForPlayback } from './playback.js';
      import { probe } from './probe.js';
      const [tools, file, outDir] = JSON.parse(process.argv[2]);
      await transcodeForPlayback(tools, { file, probe: await probe(tools, file), outDir, onProgress: () => process.send('begun') });`;
      await build({
        stdin: { contents: source, resolveDir: import.meta.dirname },
        outfile: folder.at('worker.mjs'),
        bundle: true,
        platform: 'node',
        format: 'esm',
        banner: {
          js: `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = '/';`,
        },
      });
      const worker = fork(folder.at('worker.mjs'), [JSON.stringify([tools, file, folder.at('orphan')])], { execArgv: [] });
      await new Promise<void>((begun, failed) => {
        worker.once('message', () => begun());
        worker.once('exit', (code) => failed(new Error(`The worker ended with ${code}.`)));
      });
      worker.kill('SIGKILL');
      const gone = async (): Promise<boolean> => (await folder.processes()).length === 0;
      await eventually('ffmpeg is gone', gone, 2000);
    },
  );
});

describe('tools', () => {
  it('names the version of ffmpeg', async () => {
    expect(await toolVersion(folder.tools)).toMatch(/^ffmpeg \d/);
  });

  it('says that a tool is not there, not that the file is bad', async () => {
    const tools = { ...folder.tools, ffmpeg: '/nonexistent/ffmpeg', ffprobe: '/nonexistent/ffprobe' };
    const file = await folder.clip('short.mp4');
    const wrong = { code: 'failed', message: expect.stringContaining('not installed') as string };
    await expect(toolVersion(tools)).rejects.toMatchObject(wrong);
    await expect(probe(tools, file)).rejects.toMatchObject(wrong);
    await expect(extractFrame(tools, { file, atMs: 0, out: folder.at('x.png') })).rejects.toMatchObject(wrong);
  });

  it('keeps the names of files with spaces, quotes, colons and per cent signs whole', async () => {
    const file = await folder.clip("it's: 100% [a,b];c.mp4", { seconds: 1 });
    const found = await probe(folder.tools, file);
    await extractFrame(folder.tools, { file, atMs: 500, out: folder.at("it's: 50%d.png") });
    const files = await transcodeForPlayback(folder.tools, { file, probe: found, outDir: folder.at("o'ut: 100%d") });
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['playlist.m3u8', 'poster.jpg']));
  });
});
