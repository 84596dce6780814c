import fc from 'fast-check';
import { readReport } from './ffprobe-report.js';
import type { FfprobeReport } from './ffprobe-report.js';
import { NOT_LOOKED_AT } from './technical-metadata.js';

const picture = {
  codec_type: 'video',
  codec_name: 'h264',
  width: 1920,
  height: 1080,
  pix_fmt: 'yuv420p',
  avg_frame_rate: '30000/1001',
};
const report = (...streams: FfprobeReport['streams'] & object): FfprobeReport => ({
  format: { format_name: 'mov,mp4', duration: '12.345678', tags: { title: 'BWC-1' } },
  program_version: { version: '5.1.9' },
  streams,
});

describe('readReport', () => {
  it('gives picture, sound, tags and length in whole milliseconds', () => {
    const sound = { codec_type: 'audio', codec_name: 'aac', channels: 2, sample_rate: '48000' };
    expect(readReport(report({ ...picture, nb_frames: '370' }, sound))).toEqual({
      technical: expect.objectContaining({ decodable: true }) as object,
      container: 'mov,mp4',
      durationMs: 12346,
      video: {
        codec: 'h264',
        width: 1920,
        height: 1080,
        frameRate: '30000/1001',
        rotation: 0,
        pixelFormat: 'yuv420p',
        frames: 370,
        index: 0,
      },
      audio: { codec: 'aac', channels: 2, sampleRate: 48000, index: 1 },
      tags: { title: 'BWC-1' },
      tool: 'ffprobe 5.1.9',
    });
  });

  it.each([
    [-90, 90, 1080, 1920],
    [90, 270, 1080, 1920],
    [180, 180, 1920, 1080],
    [-180, 180, 1920, 1080],
    [0, 0, 1920, 1080],
  ])('turns a display matrix of %i° into %i° clockwise and the size a viewer sees', (matrix, rotation, width, height) => {
    const video = readReport(report({ ...picture, side_data_list: [{}, { rotation: matrix }] }))?.video;
    expect(video).toMatchObject({ rotation, width, height });
  });

  it('believes the rotate tag of older files', () => {
    expect(readReport(report({ ...picture, tags: { rotate: '90' } }))?.video.rotation).toBe(90);
  });

  it('does not take cover art for the picture', () => {
    const cover = { codec_type: 'video', codec_name: 'mjpeg', width: 100, height: 100, disposition: { attached_pic: 1 } };
    expect(readReport(report(cover))).toBeNull();
    expect(readReport(report(cover, picture))?.video.codec).toBe('h264');
  });

  it('leaves the length open where the container states none', () => {
    expect(readReport({ ...report(picture), format: { format_name: 'matroska' } })?.durationMs).toBeUndefined();
  });

  it('finds no picture in a report without streams', () => {
    expect(readReport({})).toBeNull();
  });

  it('takes the first sound that can be decoded, and says where in the file it is', () => {
    const sound = { codec_type: 'audio', codec_name: 'aac', channels: 1, sample_rate: '16000' };
    const { codec_name: _, ...unknown } = { ...sound, codec_tag_string: 'zzza' };
    const file = report(unknown, { ...sound, sample_rate: '0' }, picture, sound, { ...sound, codec_name: 'mp3' });
    expect(readReport(file)).toMatchObject({ audio: { codec: 'aac', index: 3 }, video: { index: 2 } });
    const seen = { ...NOT_LOOKED_AT, silentTracks: new Set([3]) };
    expect(readReport(file, seen)?.audio).toMatchObject({ codec: 'mp3', index: 4 });
    expect(readReport(report(picture, unknown))?.audio).toBeNull();
  });

  it('keeps a picture that nobody can decode, and says why', () => {
    const { codec_name: _, ...unknown } = { ...picture, codec_tag_string: 'drac' };
    expect(readReport(report(unknown))).toMatchObject({
      video: { codec: 'drac', width: 1920, height: 1080 },
      problem: 'The picture is in a format that is not known here (drac), so it cannot be decoded.',
      technical: { decodable: false },
    });
    expect(readReport(report(picture), { ...NOT_LOOKED_AT, silentTracks: new Set([0]) })?.technical?.decodable).toBe(false);
    expect(readReport(report(picture))).not.toHaveProperty('problem');
  });

  it('keeps no more of the tags than a recording needs', () => {
    const tags = Object.fromEntries(Array.from({ length: 5000 }, (_, i) => [`${i}${'n'.repeat(500)}`, 'v'.repeat(100_000)]));
    const kept = readReport({ ...report(picture), format: { tags } })?.tags ?? {};
    expect(JSON.stringify(kept).length).toBeLessThan(120_000);
  });

  it('makes of any report whatever a probe that can be stored, or none: no exception, and only numbers that are numbers', () => {
    fc.assert(
      fc.property(anyReport, fc.uniqueArray(fc.nat(8)), (any, silent) => {
        const found = readReport(any, { ...NOT_LOOKED_AT, silentTracks: new Set(silent) });
        // JSON writes what is no number, and what is endless, as null.
        expect(JSON.parse(JSON.stringify(found))).toEqual(found === null ? null : withoutUndefined(found));
        if (found === null) return;
        expect(found.video.width).toBeGreaterThan(0);
        expect(found.durationMs ?? 1).toBeGreaterThan(0);
        expect([0, 90, 180, 270]).toContain(found.video.rotation);
        expect(found.technical?.decodable).toBe(found.problem === undefined);
      }),
      { numRuns: 500 },
    );
  });
});

const { tags, dimension, amount } = {
  tags: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('rotate', 'language', 'location', 'timecode')), fc.string(), {
    maxKeys: 4,
  }),
  dimension: fc.oneof(fc.integer(), fc.double(), fc.constantFrom(0, -1, 320)),
  amount: fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.constantFrom('N/A', '', '0', '1e999', '-1e999', '12.5', 'NaN', '0/0', '30/1'),
  ),
};
const anyStream = fc.record(
  {
    index: fc.oneof(fc.nat(8), fc.double()),
    codec_type: fc.oneof(fc.string(), fc.constantFrom('video', 'audio', 'subtitle', 'data', 'attachment', '__proto__')),
    codec_name: fc.oneof(fc.string(), fc.constantFrom('h264', 'none')),
    codec_tag_string: fc.oneof(fc.string(), fc.constantFrom('avc1', '[0][0][0][0]', 'encv')),
    width: dimension,
    height: dimension,
    pix_fmt: fc.oneof(fc.string(), fc.constantFrom('yuv420p', 'yuv420p10le')),
    ...{ bits_per_raw_sample: amount, avg_frame_rate: amount, r_frame_rate: amount, nb_frames: amount, bit_rate: amount },
    ...{ duration: amount, start_time: amount, sample_rate: amount, channels: dimension, closed_captions: dimension },
    disposition: fc.dictionary(fc.constantFrom('attached_pic', 'default'), fc.integer({ min: 0, max: 1 })),
    side_data_list: fc.array(fc.record({ rotation: fc.double() }, { requiredKeys: [] }), { maxLength: 2 }),
    tags,
  },
  { requiredKeys: [] },
);
const anyReport: fc.Arbitrary<FfprobeReport> = fc.record(
  {
    format: fc.record(
      { format_name: fc.string(), duration: amount, start_time: amount, bit_rate: amount, size: amount, tags },
      { requiredKeys: [] },
    ),
    streams: fc.array(anyStream, { maxLength: 5 }),
    chapters: fc.array(fc.constant({}), { maxLength: 2 }),
  },
  { requiredKeys: [] },
);

function withoutUndefined<T extends object>(found: T): object {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
