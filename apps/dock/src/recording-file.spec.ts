import { execFile } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rm, symlink, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { eventually } from '../../../test/support/eventually.js';
import { FileChanged, FileGone, UsageFault } from './dock-faults.js';
import { probeMetadata } from './probed-metadata.js';
import { describeFile, hashFile, MetadataMissing, type StatedMetadata } from './recording-file.js';

const execute = promisify(execFile);
const OFF = { ffprobe: 'off' };
const CHANGED = new Date('2026-11-19T08:00:00.000Z');
let folder: string;
let video: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-file-'));
  video = join(folder, 'clip.mp4');
  await writeFile(video, 'not really a video');
  await utimes(video, CHANGED, CHANGED);
});

afterEach(() => rm(folder, { recursive: true }));

async function besides(sidecar: unknown, name = 'clip.mp4.json'): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof sidecar === 'string' || Buffer.isBuffer(sidecar) ? sidecar : JSON.stringify(sidecar));
  return path;
}

describe('a sidecar', () => {
  const everything = {
    camera: 'C-1',
    officer: 'B-1',
    recordedAt: '2026-11-20T12:00:00+02:00',
    clockOffsetMs: -1500,
    counter: 7,
    preEventSeconds: 30,
    category: 'Traffic stop',
    flagged: true,
    gpsTrack: [
      { atMs: 0, latE7: 407_128_000, lonE7: -740_060_000 },
      { at: 1.5, lat: 40.7129, lon: -74.0061 },
      { at: '2026-11-20T10:00:02Z', lat: 40.713, lon: -74.0062 },
    ],
  };

  it('is announced whole, with its track in the units of the manifest', async () => {
    await besides(everything);
    const announced = await hashFile(await describeFile(video, {}, OFF), () => undefined);
    expect(announced).toEqual({
      ...everything,
      name: 'clip.mp4',
      size: 18,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      recordedAt: '2026-11-20T10:00:00.000Z',
      gpsTrack: [
        { atMs: 0, latE7: 407_128_000, lonE7: -740_060_000 },
        { atMs: 1500, latE7: 407_129_000, lonE7: -740_061_000 },
        { atMs: 2000, latE7: 407_130_000, lonE7: -740_062_000 },
      ],
    });
  });

  it('is read as README.md writes it', async () => {
    const [, example = ''] = /```json\n(.*?)```/s.exec(await readFile(join(import.meta.dirname, '../README.md'), 'utf8')) ?? [];
    await besides(example);
    const { gpsTrack } = await describeFile(video, {}, OFF);
    expect(gpsTrack?.map(({ atMs }) => atMs)).toEqual([0, 1500, 3000]);
  });

  it('may leave the officer out, and everything else but the camera', async () => {
    await besides({ camera: 'C-1' });
    const described = await describeFile(video, {}, OFF);
    expect(described).toMatchObject({ camera: 'C-1', recordedAt: CHANGED.toISOString(), clockOffsetMs: 0 });
    expect(await hashFile(described, () => undefined)).not.toHaveProperty('officer');
  });

  it('is outweighed by what the command line says, and by nothing that it leaves open', async () => {
    await besides(everything);
    const stated: StatedMetadata & { config: string } = { camera: 'C-2', flagged: false, config: 'dock.json' };
    const described = await describeFile(video, { ...stated, ...({ officer: undefined } as object) }, OFF);
    expect(described).toMatchObject({ camera: 'C-2', officer: 'B-1', flagged: false, counter: 7 });
    expect(described).not.toHaveProperty('config');
  });

  it('may be named without the ending of the video, and the longer name comes first', async () => {
    const short = await besides({ camera: 'SHORT' }, 'clip.json');
    expect(await describeFile(video, {}, OFF)).toMatchObject({ camera: 'SHORT', sidecar: { path: short } });
    await writeFile(short, '{"maker": "says something else"}');
    await besides({ camera: 'LONG' });
    expect(await describeFile(video, {}, OFF)).toMatchObject({ camera: 'LONG' });
  });

  it('is read with a byte order mark and with a zero that has a sign', async () => {
    await besides('\uFEFF{"camera":"C-1","clockOffsetMs":-0,"counter":-0,"gpsTrack":[{"at":-0,"lat":-0.00000001,"lon":-0}]}');
    const { clockOffsetMs, counter, gpsTrack } = await describeFile(video, {}, OFF);
    expect([clockOffsetMs, counter, gpsTrack]).toStrictEqual([0, 0, [{ atMs: 0, latE7: 0, lonE7: 0 }]]);
  });

  it.each<[string, unknown, string]>([
    ['is cut off', JSON.stringify(everything).slice(0, -40), 'it ends before it is complete'],
    ['is empty', '', 'it ends before it is complete'],
    ['is no JSON', '{"camera": C-1}', 'it is not JSON'],
    ['is a list', [everything], 'it is not a JSON object'],
    ['is not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'it is not UTF-8 text'],
    ['misspells a field', { camera: 'C-1', oficer: 'B-1' }, '"oficer" is not a field of a sidecar'],
    ['misspells a field in the way of programs', '{"camera":"C-1","__proto__":{}}', '"__proto__" is not a field'],
    ['gives a number for a text', { camera: 7 }, '"camera" must be a text of 1 to 128 characters'],
    ['leaves a text empty', { camera: '' }, '"camera" must be a text of 1 to 128 characters'],
    ['has a line break in a text', { camera: 'C-1', officer: 'B\n1' }, '"officer" must be a text'],
    ['gives null', { camera: 'C-1', officer: null }, '"officer" must be a text'],
    ['gives a fraction of a millisecond', { camera: 'C-1', clockOffsetMs: 0.5 }, '"clockOffsetMs" must be a whole number'],
    ['gives a counter below nought', { camera: 'C-1', counter: -1 }, '"counter" must be a whole number from 0'],
    ['gives more than a day before the event', { preEventSeconds: 86_401 }, '"preEventSeconds" must be'],
    ['gives a day that no calendar has', { recordedAt: '2026-02-30T10:00:00Z' }, '"recordedAt" must be a time'],
    ['flags with a word', { flagged: 'yes' }, '"flagged" must be true or false'],
    ['has a point beyond the pole', { gpsTrack: [{ at: 0, lat: 90.1, lon: 0 }] }, '"gpsTrack.0.lat" must be'],
    ['has a point of two kinds', { gpsTrack: [{ at: 0, latE7: 1, lonE7: 1 }] }, '"gpsTrack.0" must be'],
    ['has a track of another kind', { gpsTrack: { at: 0 } }, '"gpsTrack" must be a list'],
    ['has more points than a manifest', { gpsTrack: Array.from({ length: 10_001 }, () => 7) }, 'a list of at most 10000 points'],
    ['goes back in time', { gpsTrack: [2, 1].map((at) => ({ at, lat: 1, lon: 1 })) }, '"gpsTrack" goes back in time at point 1'],
    ['is wrong twice', { camera: 1, flagged: 1 }, '128 characters without line breaks or other control characters; "flagged"'],
  ])('that %s is refused by name, without a word of what stands in it', async (_, sidecar, said) => {
    const path = await besides(sidecar);
    const refusal = describeFile(video, { camera: 'C-2' }, OFF);
    await expect(refusal).rejects.toThrow(UsageFault);
    await expect(refusal).rejects.toThrow(said);
    await expect(refusal).rejects.toThrow(path);
    await expect(refusal).rejects.not.toThrow('B-1');
  });

  it('is refused when it is larger than 8 MiB, a link, a folder or a pipe that nobody writes to', async () => {
    const path = await besides({ camera: 'C-1' });
    await truncate(path, 8 * 1024 * 1024 + 1);
    await expect(describeFile(video, {}, OFF)).rejects.toThrow('larger than 8 MiB');
    await rm(path);
    await symlink('/etc/hostname', path);
    await expect(describeFile(video, {}, OFF)).rejects.toThrow('is a link');
    await rm(path);
    await execute('mkfifo', [path]);
    await expect(describeFile(video, {}, OFF)).rejects.toThrow('it is not a file');
    await rm(path);
    await execute('mkdir', [path]);
    await expect(describeFile(video, {}, OFF)).rejects.toThrow('it is not a file');
  });

  it('is understood or refused with its name, cut off anywhere', async () => {
    const whole = JSON.stringify(everything);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), async (length) => {
        const path = await besides(whole.slice(0, length));
        await expect(describeFile(video, {}, OFF)).rejects.toThrow(`${path}: it is not JSON: it ends before it is complete`);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a file', () => {
  it('of an unknown camera is told apart from one that cannot be read, and is described once a sidecar says more', async () => {
    await expect(describeFile(video, {}, OFF)).rejects.toMatchObject({ missing: ['camera'] });
    await expect(describeFile(video, {}, OFF)).rejects.toThrow(MetadataMissing);
    await expect(describeFile(join(folder, 'none.mp4'), {}, OFF)).rejects.not.toThrow(MetadataMissing);
    await besides({ camera: 'C-1' });
    expect(await describeFile(video, {}, OFF)).toMatchObject({ camera: 'C-1' });
  });

  it('that changes or goes while it is read is told apart from one that nobody wants read any more', async () => {
    await besides({ camera: 'C-1' });
    const described = await describeFile(video, {}, OFF);
    await expect(hashFile(described, () => void appendFileSync(video, 'x'))).rejects.toThrow(FileChanged);
    const ended = new Error('ended');
    const end = (): never => {
      throw ended;
    };
    await expect(hashFile(described, end)).rejects.toBe(ended);
    await rm(video);
    await expect(hashFile(described, () => undefined)).rejects.toThrow(FileGone);
  });

  it('whose name no manifest takes is refused before anything is read of it', async () => {
    for (const name of ['a\\b.mp4', 'line\nbreak.mp4']) {
      await writeFile(join(folder, name), 'x');
      await expect(describeFile(join(folder, name), { camera: 'C-1' }, OFF)).rejects.toThrow('rename it');
    }
  });
});

describe('ffprobe', () => {
  const tags = { creation_time: '2026-11-20T10:30:00Z', location: '+40.7128-074.0060/', serial_number: 'BC-3' };
  const gpsTrack = [{ atMs: 0, latE7: 407_128_000, lonE7: -740_060_000 }];

  async function tagged(): Promise<void> {
    const source = ['-f', 'lavfi', '-i', 'testsrc2=size=64x64:rate=5:duration=0.4'];
    const metadata = Object.entries(tags).flatMap(([name, value]) => ['-metadata', `${name}=${value}`]);
    await execute('ffmpeg', ['-v', 'error', '-y', ...source, ...metadata, '-movflags', 'use_metadata_tags', video]);
  }

  async function program(script: string): Promise<string> {
    const path = join(folder, 'stand-in');
    await writeFile(path, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return path;
  }

  it('fills in what nobody said, and never what somebody did', async () => {
    await tagged();
    expect(await describeFile(video, {})).toMatchObject({
      camera: 'BC-3',
      recordedAt: '2026-11-20T10:30:00.000Z',
      gpsTrack,
    });
    await besides({ camera: 'C-1', gpsTrack: [] });
    const described = await describeFile(video, { recordedAt: '2026-11-20T10:00:00.000Z' });
    expect(described).toMatchObject({ camera: 'C-1', recordedAt: '2026-11-20T10:00:00.000Z', gpsTrack: [] });
    expect(await describeFile(video, {})).toMatchObject({ camera: 'C-1', recordedAt: '2026-11-20T10:30:00.000Z' });
    await expect(describeFile(video, {}, OFF)).resolves.toMatchObject({
      recordedAt: expect.not.stringContaining('10:30:00.000Z'),
    });
  });

  it('reads nothing but the file, whatever the file is', async () => {
    await tagged();
    const playlist = join(folder, 'list.mp4');
    await writeFile(playlist, `#EXTM3U\n#EXTINF:1,\nfile:${video}\n#EXT-X-ENDLIST\n`);
    expect(await probeMetadata(playlist)).toEqual({});
    await writeFile(playlist, `ffconcat version 1.0\nfile ${video}\n`);
    expect(await probeMetadata(playlist)).toEqual({});
    await writeFile(playlist, (await readFile(video)).subarray(0, 600));
    expect(await probeMetadata(playlist)).toEqual({});
  });

  it('is missed by nobody when it is not there, fails, or says what cannot be understood', async () => {
    const stated = { camera: 'C-1' };
    for (const script of [
      'exit 1',
      'echo nonsense',
      'echo "[]"',
      'kill -9 $$',
      'head -c 3000000 /dev/zero',
      'echo \'{"format":{"tags":7}}\'',
    ]) {
      const described = await describeFile(video, stated, { ffprobe: await program(script) });
      expect(described).toMatchObject({ ...stated, recordedAt: CHANGED.toISOString() });
    }
    expect(await describeFile(video, stated, { ffprobe: join(folder, 'none') })).toMatchObject(stated);
    expect(await describeFile(video, stated, { ffprobe: video })).toMatchObject(stated);
  });

  it.each([
    ['takes longer than it may', 'wait'],
    ['says more than any tags take', 'yes'],
    ['leaves its group with its output open', 'setsid sleep 2 & sleep 2'],
  ])('is killed with all that it started when it %s', async (_, script) => {
    const mark = `31.${String(process.pid)}`;
    const began = performance.now();
    expect(await probeMetadata(video, await program(`sleep ${mark} & ${script}`), 300)).toEqual({});
    expect(performance.now() - began).toBeLessThan(1900);
    await eventually('what it started is gone', async () => (await running(mark)).length === 0, { everyMs: 20 });
  });
});

/** Command lines of processes that mention this word. */
async function running(word: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.startsWith('sleep') && line.includes(word));
}
