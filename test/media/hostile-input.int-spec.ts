import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkRedaction, checkWhole, isolation, MediaError, probe, renderRedaction, transcodeForPlayback } from '#media';
import type { MediaTools, RedactionPlan } from '#media';
import { breakFile, CLIPS_TO_BREAK, HOSTILE_FILES, makeClipToBreak } from './hostile-files.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(600_000);

/** All two hundred take minutes: CUSTODIET_BROKEN_FILES=200. With CUSTODIET_SAY=1 it prints how each file ended and why. */
const BROKEN_FILES = Number(process.env['CUSTODIET_BROKEN_FILES'] ?? 40);
/** From one bit in a hundred thousand, which gets deep into a decoder, to one in 250, which no header survives. */
const RATIOS = [0.00001, 0.0001, 0.001, 0.004];

let home: string;
let tools: MediaTools;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'custodiet-hostile-'));
  tools = { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', scratch: join(home, 'scratch'), timeLimitSeconds: 30, memoryBytes: 2 ** 31 };
  await mkdir(tools.scratch);
  execFileSync('mkfifo', [join(home, 'trap')]);
});
afterAll(() => rm(home, { recursive: true, force: true }));

/** What a recording goes through, one step after the other; a step's own refusal is an outcome, anything else thrown is a fault of ours. */
async function through(file: string, job: string, redacts: boolean): Promise<Record<string, string>> {
  const outcome: Record<string, string> = {};
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      const made = await work();
      outcome[name] = 'ok';
      return made;
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      expect(error.message).not.toContain(home);
      outcome[name] = error.code;
      if (process.env['CUSTODIET_SAY'])
        process.stdout.write(`  ${name}: ${error.message} ${String(error.cause).slice(0, 300)}\n`);
      return undefined;
    }
  };
  const found = await step('probe', () => probe(tools, file));
  if (found === undefined) return outcome;
  await step('whole', () => checkWhole(tools, file, found));
  await step('transcode', () => transcodeForPlayback(tools, { file, probe: found, outDir: join(job, 'playback') }));
  if (!redacts) return outcome;
  const box = { x: 0, y: 0, width: Math.min(40, found.video.width), height: Math.min(40, found.video.height) };
  const keyframes = [0, Math.max(1, Math.floor(found.durationMs))].map((atMs) => ({ atMs, ...box }));
  const plan: RedactionPlan = { v: 1, regions: [{ shape: 'rectangle', keyframes, reason: 'juvenile' }], mutes: [] };
  const out = join(job, 'redacted.mp4');
  if ((await step('redact', () => renderRedaction(tools, { file, probe: found, plan, out }))) === undefined) return outcome;
  await step('check', async () => {
    const faults = await checkRedaction(tools, { source: file, out, probe: found, plan });
    if (faults.length > 0) throw new MediaError('failed', `Not to be released: ${faults[0]}`);
  });
  return outcome;
}

/** Runs one file through a folder of its own and sees to it that nothing came to lie beside. */
async function inItsOwnFolder(
  name: string,
  make: (file: string) => Promise<void>,
  redacts = true,
): Promise<Record<string, string>> {
  const job = await mkdtemp(join(home, 'job-'));
  const file = join(job, 'evidence.mp4');
  try {
    await make(file);
    const beside = await readdir(home);
    const outcome = await through(file, job, redacts);
    expect({ name, beside: await readdir(home) }).toEqual({ name, beside });
    const made = (await readdir(job)).filter((each) => !['evidence.mp4', 'playback', 'redacted.mp4'].includes(each));
    expect({ name, made, scratch: await readdir(tools.scratch) }).toEqual({ name, made: [], scratch: [] });
    return outcome;
  } finally {
    await rm(job, { recursive: true, force: true });
  }
}

/** Processes of tools that still work on something of ours. */
function leftRunning(): string[] {
  const all = execFileSync('ps', ['-eo', 'args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => line.includes(home) && /ff(mpeg|probe) /.test(line));
}

describe('a hostile file', () => {
  /** Where only one answer is right. The others end in any way that is an answer. */
  const ANSWERS: Readonly<Record<string, Record<string, string>>> = {
    'an HLS playlist': { probe: 'unreadable' },
    'a concat script': { probe: 'unreadable' },
    'a playlist behind a real header': { probe: 'unreadable' },
    'random bytes': { probe: 'unreadable' },
    nothing: { probe: 'unreadable' },
    'an MP4 cut off in the middle, its index at the end': { probe: 'unreadable' },
    'an MP4 cut off in the middle, its index in front': { probe: 'ok', whole: 'truncated' },
  };
  const REFUSED = [
    'a header that claims a million pixels of width',
    'a header that claims a billion pixels of height',
    'a thousand streams',
  ];

  for (const { name, make } of HOSTILE_FILES) {
    it(`is answered and harms nothing: ${name}`, async () => {
      const begun = Date.now();
      const outcome = await inItsOwnFolder(name, (file) => make(file, join(home, 'trap')));
      // A tool that followed a reference to the pipe would hang until its time is up.
      expect({ name, outcome }).not.toEqual({ name, outcome: expect.objectContaining({ probe: 'time-limit' }) as object });
      expect(Object.values(outcome)).not.toContain('time-limit');
      expect(Date.now() - begun).toBeLessThan(60_000);
      expect(outcome).toMatchObject(ANSWERS[name] ?? {});
      if (REFUSED.includes(name)) expect(outcome['transcode'] ?? outcome['probe']).not.toBe('ok');
      expect(leftRunning()).toEqual([]);
      if (process.env['CUSTODIET_SAY']) process.stdout.write(`${name}: ${JSON.stringify(outcome)} ${Date.now() - begun} ms\n`);
    });
  }
});

describe('a file that was damaged at random', () => {
  const clips: string[] = [];
  beforeAll(async () => {
    for (const { name, options } of CLIPS_TO_BREAK) {
      clips.push(join(home, name));
      await makeClipToBreak(options, join(home, name));
    }
  });

  it(`ends in a result or in a refusal with a reason, ${BROKEN_FILES} times of ${BROKEN_FILES}, and leaves nothing behind`, async () => {
    const outcomes = new Map<string, number>();
    for (let seed = 0; seed < BROKEN_FILES; seed += 1) {
      const clip = clips[seed % clips.length] ?? '';
      const ratio = RATIOS[Math.floor(seed / clips.length) % RATIOS.length] ?? 0;
      const outcome = await inItsOwnFolder(
        `seed ${seed} of ${clip}`,
        (file) => breakFile(clip, seed, ratio, file),
        seed % 4 === 0,
      );
      const words = Object.entries(outcome)
        .map(([step, end]) => `${step} ${end}`)
        .join(', ');
      outcomes.set(words, (outcomes.get(words) ?? 0) + 1);
    }
    expect(leftRunning()).toEqual([]);
    if (process.env['CUSTODIET_SAY']) process.stdout.write(`${JSON.stringify([...outcomes], null, 1)}\n`);
    // Breaking that broke nothing, or everything, would show nothing.
    if (BROKEN_FILES < 40) return;
    expect([...outcomes.keys()].some((words) => words.includes('transcode ok'))).toBe(true);
    expect([...outcomes.keys()].some((words) => words.startsWith('probe unreadable'))).toBe(true);
  });
});

describe('the sandbox on this machine', () => {
  it('is said aloud', async () => {
    const { mode, sentence } = await isolation(tools);
    expect(sentence).toMatch(mode === 'bubblewrap' ? /no file but the one they work on/ : /without bubblewrap/);
  });
});
