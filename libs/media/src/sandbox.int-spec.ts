import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { runFfmpeg, runFfprobe } from './ffmpeg-runner.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { isolation } from './sandbox.js';
import { ClipFolder, eventually } from './testing/clip-folder.js';

import.meta.jest.setTimeout(60_000);
const folder = new ClipFolder();
afterAll(() => folder.remove());

const here = await isolation({});

/** On a machine that refuses bubblewrap all that can be shown is that it does refuse, and that the worker says so. */
function shutIn(what: string, test: () => Promise<void>): void {
  if (here.mode === 'bubblewrap') return void it(what, test);
  it(`${what}: not on this machine, which says so`, async () => {
    const tried = promisify(execFile)('bwrap', ['--unshare-all', '--unshare-user', '--ro-bind', '/', '/', 'true']);
    await expect(tried).rejects.toThrow();
    expect(here).toEqual({ mode: 'limits-only', sentence: expect.stringMatching(/\S/) as string });
  });
}

/** A program in place of the tool, so that a test can do in the sandbox what a taken-over ffmpeg might. */
async function pretending(name: string, script: string, rest: Partial<MediaTools> = {}): Promise<MediaTools> {
  const program = folder.at(name);
  await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { ...folder.tools, ffmpeg: program, ffprobe: program, ...rest };
}

async function failure(work: Promise<unknown>): Promise<MediaError> {
  const error: unknown = await work.then(
    () => new Error('It should have failed.'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof MediaError) return error;
  throw error;
}

/** Processes of this machine, in whatever namespace, with this word on their command line. */
async function running(word: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return pids.filter((_, index) => lines[index]?.split('\0').includes(word));
}

describe('what a tool that was taken over can reach', () => {
  const canary = folder.at('another-recording.mp4');
  const evidence = folder.at('evidence.mp4');
  const neighbour = folder.at('job-of-another');
  const connections: string[] = [];
  const listener = createServer((socket) => {
    connections.push('one');
    socket.destroy();
  });

  beforeAll(async () => {
    await writeFile(canary, 'canary');
    await writeFile(evidence, 'evidence');
    await mkdir(neighbour);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
  });
  afterAll(() => listener.close());
  beforeEach(() => connections.splice(0));

  const reaching = (): string => `
    echo "evidence: $(cat ${evidence})"
    echo "canary: $(cat ${canary})"
    echo "folder: $(ls ${folder.path} | tr '\\n' ' ')"
    echo "passwords: $(ls /etc/passwd)"
    echo "processes: $(ls /proc | grep -c '^[0-9]')"
    echo "environment: $(env | grep -c SECRET)"
    echo "parameter: $( (: >> /proc/sys/vm/swappiness) && echo can be set)"
    echo "most processes: $(bash -c 'ulimit -u')"
    echo overwritten > ${evidence}
    echo left behind > ${neighbour}/file
    bash -c 'exec 3<> /dev/tcp/127.0.0.1/${(listener.address() as AddressInfo).port}' && echo "network: open"
    exit 0`;
  const reached = async (tools: MediaTools): Promise<Record<string, string>> => {
    const lines: string[] = [];
    process.env['A_SECRET'] = 'never';
    try {
      await runFfprobe(tools, { file: evidence, options: [], onLine: (line) => void lines.push(line) });
    } finally {
      delete process.env['A_SECRET'];
    }
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  };

  shutIn('is the one file it was given, to read, and nothing else: no other file, process or network', async () => {
    const found = await reached(await pretending('taken-over', reaching(), { sandbox: 'required' }));
    expect(found).toMatchObject({ evidence: 'evidence', canary: '', passwords: '', environment: '0' });
    // A worker that runs as root is the case in question: nobody else may write there anyway.
    expect(found).toMatchObject({ parameter: '', 'most processes': '1024' });
    expect(found['folder']?.split(' ').sort()).toEqual(['evidence.mp4', 'taken-over']);
    expect(Number(found['processes'])).toBeLessThan(8);
    expect(found['network']).toBeUndefined();
    expect(connections).toEqual([]);
    expect(await readFile(evidence, 'utf8')).toBe('evidence');
    expect(await readdir(neighbour)).toEqual([]);
  });

  it('is everything where the sandbox is off, which is what the sentence says', async () => {
    const found = await reached(await pretending('taken-over', reaching(), { sandbox: 'off' }));
    expect(found).toMatchObject({ canary: 'canary', network: 'open', environment: '0' });
    expect((await isolation({ sandbox: 'off' })).sentence).toMatch(/other files and the network/);
    await writeFile(evidence, 'evidence');
  });

  shutIn('is its working folder and the files it is to make, to write, and the source is not one of them', async () => {
    const job = folder.at('job');
    await mkdir(job);
    const source = `${job}/source.mp4`;
    const out = folder.at('out.png');
    await writeFile(source, 'source');
    const tools = await pretending('writing', `echo a > inside; echo b > ${out}; echo c > ${out}.2; echo d > ${source}; exit 0`);
    const outputs = [
      { options: [], to: 'pattern-%d.jpg' },
      { options: [], to: out },
    ];
    await runFfmpeg(tools, { input: { options: [], file: source }, outputs, cwd: job });
    expect(await readdir(job)).toEqual(['inside', 'source.mp4']);
    expect(await readFile(source, 'utf8')).toBe('source');
    expect(await readFile(out, 'utf8')).toBe('b\n');
    expect(await readdir(folder.path)).not.toContain('out.png.2');
  });

  it('leaves no empty file where the tool wrote nothing', async () => {
    const tools = await pretending('idle', 'exit 1');
    const outputs = [{ options: [], to: folder.at('never.png') }];
    await failure(runFfmpeg(tools, { input: { options: [], file: evidence }, outputs }));
    expect(await readdir(folder.path)).not.toContain('never.png');
  });
});

describe('a tool that hangs', () => {
  const modes = ['auto', 'off'] as const;

  it.each(modes)('is killed with all that it has forked, whatever it makes of signals (sandbox %s)', async (sandbox) => {
    const word = `${100_000 + process.pid}.${sandbox.length}`;
    const script = `trap '' TERM INT HUP; sleep ${word} & (trap '' TERM; sleep ${word}) & sleep ${word}; sleep ${word}`;
    const tools = await pretending('hanging', script, { sandbox });
    const call = { file: folder.at('hanging'), options: [], onLine: () => undefined };
    const abort = new AbortController();
    const ended = failure(runFfprobe(tools, { ...call, signal: abort.signal }));
    await eventually('it has forked', async () => (await running(word)).length >= 3, 30_000);
    abort.abort();
    expect(await ended).toMatchObject({ code: 'aborted' });
    expect(await running(word)).toEqual([]);

    const output = { options: [], to: folder.at('x.png') };
    const input = { options: [], file: folder.at('hanging') };
    const encoded = failure(runFfmpeg({ ...tools, timeLimitSeconds: 1 }, { input, outputs: [output] }));
    expect(await encoded).toMatchObject({ code: 'time-limit' });
    expect(await running(word)).toEqual([]);
  });

  it.each(modes)('cannot keep the job by leaving a process behind in a session of its own (sandbox %s)', async (sandbox) => {
    const word = `${200_000 + process.pid}.${sandbox.length}`;
    const tools = await pretending('fleeing', `setsid sleep ${word} & sleep ${word}`, { sandbox, timeLimitSeconds: 0.5 });
    const call = { file: folder.at('fleeing'), options: [], onLine: () => undefined };
    expect(await failure(runFfprobe(tools, call))).toMatchObject({ code: 'time-limit' });
    const left = await running(word);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    // Only a process namespace can take that one down as well.
    if (sandbox === 'off' || (await isolation({ sandbox })).mode !== 'bubblewrap') expect(left.length).toBeLessThanOrEqual(1);
    else expect(left).toEqual([]);
  });
});

describe('a machine that refuses namespaces, as containers do', () => {
  /** Runs in a place where bubblewrap is installed and may do nothing. */
  const there = async (sandbox: string): Promise<string> => {
    const source = `import { probe } from './probe.js';
      import { isolation } from './sandbox.js';
      const [tools, file] = JSON.parse(process.argv[2]);
      try {
        const found = await isolation(tools);
        const { container } = await probe(tools, file);
        console.log(JSON.stringify({ ...found, container }));
      } catch (error) {
        console.log(JSON.stringify({ code: error.code, message: error.message }));
      }`;
    const require = `import { createRequire } from 'node:module'; const require = createRequire(import.meta.url); const __dirname = '/';`;
    await build({
      stdin: { contents: source, resolveDir: import.meta.dirname },
      outfile: folder.at('there.mjs'),
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: require },
    });
    const file = await folder.clip('short.mp4', { seconds: 1 });
    const command = [
      '--dev-bind',
      '/',
      '/',
      '--unshare-user',
      '--disable-userns',
      '--',
      process.execPath,
      folder.at('there.mjs'),
    ];
    const ran = await promisify(execFile)('bwrap', [...command, JSON.stringify([{ ...folder.tools, sandbox }, file])]);
    return ran.stdout;
  };

  shutIn('gets the weaker mode, and is told what that means', async () => {
    const found = JSON.parse(await there('auto')) as Record<string, string>;
    expect(found).toMatchObject({ mode: 'limits-only', container: expect.stringMatching(/^mov/) as string });
    expect(found['sentence']).toMatch(/without bubblewrap \(the system refuses it the namespaces .* Memory, .* are bounded\.$/);
  });

  shutIn('gets nothing where the sandbox is required', async () => {
    const found = JSON.parse(await there('required')) as Record<string, string>;
    expect(found).toMatchObject({ code: 'not-isolated', message: expect.stringContaining('MEDIA_SANDBOX=required') as string });
  });
});
