import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkWhole, probe, type MediaTools } from '#media';
import { clip, CLIPS, PLANTED } from './clip-matrix.js';

// Real encoding on a machine that may be busy with other things.
import.meta.jest.setTimeout(60_000);

const scratch = mkdtempSync(join(tmpdir(), 'custodiet-matrix-'));
const tools: MediaTools = { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', scratch, timeLimitSeconds: 60 };
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the matrix of clips', () => {
  it('has every container and codec that cameras write, and names none twice', () => {
    expect(CLIPS.length).toBeGreaterThanOrEqual(24);
    expect(new Set(CLIPS.map(({ name }) => name)).size).toBe(CLIPS.length);
    expect(new Set(CLIPS.map(({ expect: { container } }) => container))).toEqual(new Set(['mov', 'matroska', 'avi', 'mpegts']));
    expect(new Set(CLIPS.map(({ expect: { codec } }) => codec))).toEqual(new Set(['h264', 'hevc', 'mpeg4', 'mjpeg']));
    expect(new Set(CLIPS.flatMap(({ expect: { audio } }) => audio))).toEqual(new Set(['aac', 'mp3', 'pcm_s16le']));
  });

  it.each(['mp4-gps-track', 'ts-captions', 'mkv-subtitles-attachment'])('makes the same bytes of %s each time', async (name) => {
    const again = join(scratch, name);
    await CLIPS.find((one) => one.name === name)?.make(again);
    const [first, second] = [await clip(name), again].map((path) => sha256(readFileSync(path)));
    expect(second).toBe(first);
  });

  it.each(['mp4-gps-track', 'mp4-chapters-location', 'mkv-subtitles-attachment', 'mp4-three-audio', 'mp4-subtitles'])(
    'has the name of an officer in %s, for a redaction to remove',
    async (name) => {
      expect((await readFile(await clip(name))).includes(PLANTED.officer)).toBe(true);
    },
  );
});

describe('probe on the matrix', () => {
  it.each(CLIPS.map((one) => [one.name, one.expect] as const))('says what is in %s and finds it whole', async (name, facts) => {
    const file = await clip(name);
    const found = await probe(tools, file);
    const { technical, video } = found;
    expect({
      container: found.container.split(',')[0],
      codec: video.codec,
      width: video.width,
      height: video.height,
      rotation: video.rotation,
      pixelFormat: video.pixelFormat,
      bitDepth: technical?.bitDepth,
      variableRate: technical?.variableFrameRate,
      interlaced: technical?.interlaced,
      fullRange: technical?.tracks.find(({ kind }) => kind === 'video')?.video?.colourRange === 'pc',
      audio: technical?.tracks.flatMap(({ kind, codec }) => (kind === 'audio' ? [codec] : [])),
      subtitles: technical?.counts.subtitle,
      data: technical?.counts.data,
      attachments: technical?.counts.attachment,
      covers: technical?.counts.cover,
      chapters: technical?.chapters,
      timecode: technical?.timecode,
      location: technical?.location,
      captions: technical?.closedCaptions,
      hiddenFrames: Math.round(((technical?.hiddenMs ?? 0) * 15) / 1000),
      frames: facts.frames,
      durationMs: Math.abs(found.durationMs - facts.durationMs) < 100 ? facts.durationMs : found.durationMs,
    }).toEqual(facts);
    expect(found.audio?.codec).toBe(facts.audio[0]);
    expect(technical).toMatchObject({ decodable: true, sizeBytes: (await readFile(file)).length });
    expect(technical?.bitRate).toBeGreaterThan(10_000);
    expect(found).not.toHaveProperty('problem');
    await checkWhole(tools, file, found);
  });
});

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
