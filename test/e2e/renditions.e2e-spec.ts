import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ClosedViewingAnswer, ViewingAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { entryOn } from './custody-chain.js';
import { ask, fileOf, grant, openViewing, playable, sizesOf, trackOf } from './watching.js';

const run = promisify(execFile);
const [FFMPEG, FFPROBE] = [process.env['FFMPEG_PATH'] || 'ffmpeg', process.env['FFPROBE_PATH'] || 'ffprobe'];

/** Quiet, silent, loud: a second each. */
const LEVELS = { quiet: 0.1, loud: 0.8 };

describe('playback renditions', () => {
  let folder: string;
  let stack: Stack;
  let investigator: HttpClient;
  let custodian: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-renditions-'));
    stack = await startStack();
    const administrator = await stack.signIn('administrator');
    [investigator, custodian, auditor] = await Promise.all([
      stack.signIn('investigator'),
      stack.signIn('custodian'),
      stack.signIn('auditor'),
    ]);
    dock = await TestDock.enrol(administrator);
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function opened(name: string, bytes: Buffer): Promise<{ recording: string; viewing: ViewingAnswer }> {
    const { recording } = await dock.upload(name, bytes);
    await playable(auditor, recording);
    await grant(custodian, await ask(investigator, recording));
    return { recording, viewing: await openViewing(investigator, recording) };
  }

  async function file(viewing: ViewingAnswer, name: string): Promise<Buffer> {
    return (await investigator.get(fileOf(viewing, name))).expect(200).bytes;
  }

  /** Fetches all of one track and decodes it as a player would. */
  async function played(viewing: ViewingAnswer, playlist: string): Promise<Record<string, string>> {
    const { init, segments } = await trackOf(investigator, viewing, playlist);
    const parts = [await file(viewing, init)];
    for (const { name } of segments) parts.push(await file(viewing, name));
    const path = join(folder, 'track.mp4');
    await writeFile(path, Buffer.concat(parts));
    await run(FFMPEG, ['-nostdin', '-v', 'error', '-xerror', '-i', path, '-f', 'null', '-']);
    const entries = ['-count_frames', '-show_entries', 'stream=codec_name,width,height,nb_read_frames', '-of', 'json'];
    const { stdout } = await run(FFPROBE, ['-v', 'error', ...entries, path]);
    return (JSON.parse(stdout) as { streams: Record<string, string>[] }).streams[0] ?? {};
  }

  /** 1920×1080, or what is asked for, made quickly; the sound is quiet, silent and loud by turns. */
  async function loudAndSilent(size: string): Promise<Buffer> {
    const level = `if(lt(t,1),${LEVELS.quiet},if(lt(t,2),0,${LEVELS.loud}))`;
    const sources = [
      '-f',
      'lavfi',
      '-i',
      `testsrc2=s=${size}:r=15:d=3`,
      '-f',
      'lavfi',
      '-i',
      `aevalsrc='${level}*sin(2*PI*440*t)':s=48000:d=3`,
    ];
    const out = join(folder, 'source.mov');
    await run(FFMPEG, [
      '-nostdin',
      '-v',
      'error',
      '-y',
      ...sources,
      '-c:v',
      'libx264',
      '-preset',
      'ultrafast',
      '-c:a',
      'pcm_s16le',
      out,
    ]);
    return readFile(out);
  }

  it('offers 1080 lines in three sizes that play, with sound beside them', async () => {
    const bytes = await clipBytes({ width: 1920, height: 1080, seconds: 1 });
    const { viewing } = await opened('street.mp4', bytes);
    const playlist = (await investigator.get(viewing.playlist)).expect(200).text;
    const sizes = sizesOf(playlist);
    expect(sizes.map(({ name }) => name)).toEqual(['1080p.m3u8', '720p.m3u8', '360p.m3u8']);
    const rates = sizes.map(({ attributes }) => Number(/(?:^|,)BANDWIDTH=(\d+)/.exec(attributes)?.[1]));
    expect(rates).toEqual([...rates].sort((a, b) => b - a));
    for (const [at, [width, height]] of (
      [
        [1920, 1080],
        [1280, 720],
        [640, 360],
      ] as const
    ).entries()) {
      expect(sizes[at]?.attributes).toMatch(
        new RegExp(`CODECS="avc1\\.6400..,mp4a\\.40\\.2",RESOLUTION=${width}x${height},FRAME-RATE=15\\.000`),
      );
      expect(await played(viewing, sizes[at]?.name ?? '')).toMatchObject({
        codec_name: 'h264',
        width,
        height,
        nb_read_frames: '15',
      });
    }
    const [, sound = ''] = /^#EXT-X-MEDIA:TYPE=AUDIO,.*URI="(.+)"$/m.exec(playlist) ?? [];
    expect(await played(viewing, sound)).toMatchObject({ codec_name: 'aac' });
  }, 120_000);

  it('shows a seek sprite and a waveform that fit what was filmed, and enlarges nothing', async () => {
    const { viewing, recording } = await opened('porch.mov', await loudAndSilent('640x360'));
    const sizes = sizesOf((await investigator.get(viewing.playlist)).expect(200).text);
    expect(sizes.map(({ name, attributes }) => [name, /RESOLUTION=[^,]*/.exec(attributes)?.[0]])).toEqual([
      ['360p.m3u8', 'RESOLUTION=640x360'],
    ]);
    const sprite = (await investigator.get(viewing.sprite ?? '')).expect(200);
    expect(sprite.contentType).toMatch(/^text\/vtt/);
    expect(sprite.text.split('\n')[0]).toBe('WEBVTT');
    const cues = [...sprite.text.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)].map((cue) => cue.slice(1));
    expect(cues.map(([from, to]) => [from, to])).toEqual([
      ['00:00:00.000', '00:00:01.000'],
      ['00:00:01.000', '00:00:02.000'],
      ['00:00:02.000', '00:00:03.000'],
    ]);
    const sheet = join(folder, 'sheet.jpg');
    await writeFile(sheet, await file(viewing, cues[0]?.[2] ?? ''));
    const { stdout } = await run(FFPROBE, ['-v', 'error', '-show_entries', 'stream=width,height', '-of', 'csv=p=0', sheet]);
    expect(stdout.trim()).toBe('480,90');
    for (const [, , , x, y, width, height] of cues) {
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(480);
      expect(Number(y) + Number(height)).toBeLessThanOrEqual(90);
    }
    const waveform = (await investigator.get(viewing.waveform ?? '')).expect(200);
    const { peaks, peaksPerSecond } = JSON.parse(waveform.text) as { peaks: number[]; peaksPerSecond: number };
    expect([peaksPerSecond, peaks.length]).toEqual([10, 30]);
    const loudness = (from: number, to: number): number[] =>
      peaks.slice(from, to).map((peak) => Math.round((peak / 255) * 10) / 10);
    expect(new Set(loudness(1, 9))).toEqual(new Set([LEVELS.quiet]));
    expect(new Set(loudness(11, 19))).toEqual(new Set([0]));
    expect(new Set(loudness(21, 29))).toEqual(new Set([LEVELS.loud]));
    // Nothing was played, and yet something was seen.
    const closed = (await investigator.post<ClosedViewingAnswer>(`/api/viewings/${viewing.viewing}/close`)).expect(200).body;
    expect(closed).toMatchObject({ delivered: [], stills: [{ fromMs: 0, toMs: 3000 }] });
    const published = await entryOn(auditor, recording, 'rendition.published');
    expect(published.event).toMatchObject({ recipe: 'hls-ladder-v1', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) as string });
  }, 120_000);

  it('puts a moment on record once, in however many sizes it was fetched', async () => {
    const { viewing } = await opened('park.mp4', await clipBytes({ width: 1280, height: 720, seconds: 9, audio: false }));
    expect([viewing.waveform, viewing.sprite]).toEqual([null, expect.any(String)]);
    const sizes = sizesOf((await investigator.get(viewing.playlist)).expect(200).text);
    expect(sizes).toHaveLength(2);
    for (const [at, { name }] of sizes.entries()) {
      const { segments } = await trackOf(investigator, viewing, name);
      expect(segments.map(({ fromMs, toMs }) => [fromMs, toMs])).toEqual([
        [0, 4000],
        [4000, 8000],
        [8000, 9000],
      ]);
      await file(viewing, segments[0]?.name ?? '');
      await file(viewing, segments[at + 1]?.name ?? '');
    }
    const closed = (await investigator.post<ClosedViewingAnswer>(`/api/viewings/${viewing.viewing}/close`)).expect(200).body;
    expect(closed.delivered).toEqual([{ fromMs: 0, toMs: 9000 }]);
  }, 120_000);
});
