import type { FfprobeReport } from './ffprobe-report.js';
import { kindOf, NOT_LOOKED_AT, problemOf, readTechnicalMetadata } from './technical-metadata.js';

const picture = { index: 0, codec_type: 'video', codec_name: 'h264', codec_tag_string: 'avc1', width: 1920, height: 1080 };
const read = (...streams: FfprobeReport['streams'] & object) => readTechnicalMetadata({ streams }, NOT_LOOKED_AT);

describe('readTechnicalMetadata', () => {
  it('says all that a track states', () => {
    const sound = {
      ...{ index: 1, codec_type: 'audio', codec_name: 'aac', codec_tag_string: 'mp4a', profile: 'LC', channels: 2 },
      ...{ channel_layout: 'stereo', sample_rate: '48000', bit_rate: '96000', start_time: '-0.021333', duration: '12.5' },
      ...{ disposition: { default: 1, forced: 0 }, tags: { language: 'eng', title: 'Officer Roe' }, bits_per_sample: 0 },
    };
    expect(read(picture, sound).tracks[1]).toEqual({
      ...{ index: 1, kind: 'audio', codec: 'aac', codecTag: 'mp4a', profile: 'LC', language: 'eng', bitRate: 96000 },
      ...{ startMs: -21, durationMs: 12500, disposition: ['default'] },
      audio: { channels: 2, layout: 'stereo', sampleRate: 48000, bitsPerSample: null },
    });
  });

  it.each([
    ['yuv420p', undefined, 8],
    ['yuvj422p', undefined, 8],
    ['nv12', '8', 8],
    ['yuv420p10le', '10', 10],
    ['yuv444p12be', undefined, 12],
    ['p010le', undefined, 10],
    ['gray16le', undefined, 16],
    ['gbrp10le', undefined, 10],
    [undefined, undefined, null],
  ])('reads of %s that a sample has its bits', (pix_fmt, bits, depth) => {
    const stream = {
      ...picture,
      ...(pix_fmt === undefined ? {} : { pix_fmt }),
      ...(bits === undefined ? {} : { bits_per_raw_sample: bits }),
    };
    expect(read(stream).bitDepth).toBe(depth);
  });

  it('counts tracks by kind, with cover art and thumbnails apart from the picture', () => {
    const cover = { codec_type: 'video', codec_name: 'mjpeg', disposition: { attached_pic: 1 } };
    const thumbnails = { codec_type: 'video', codec_name: 'mjpeg', disposition: { timed_thumbnails: 1 } };
    const counts = read(cover, thumbnails, picture, { codec_type: 'data' }, { codec_type: 'nonsense' }, {}).counts;
    expect(counts).toEqual({ video: 1, cover: 2, audio: 0, subtitle: 0, data: 1, attachment: 0, unknown: 2 });
    expect(kindOf({ codec_type: 'constructor' })).toBe('unknown');
  });

  it('says that there are positions, a timecode and chapters, and repeats none of them', () => {
    const place = '+40.7128-074.0060/';
    const report: FfprobeReport = {
      format: { tags: { 'com.apple.quicktime.location.ISO6709': place } },
      streams: [picture, { codec_type: 'data', codec_tag_string: 'tmcd', tags: { timecode: '09:26:53:00' } }],
      chapters: [{ tags: { title: 'Officer Roe' } }],
    };
    const read = readTechnicalMetadata(report, NOT_LOOKED_AT);
    expect(read).toMatchObject({ location: true, timecode: true, chapters: 1 });
    expect(JSON.stringify(read)).not.toMatch(/40\.7128|Officer|09:26/);
  });

  it.each([
    [{ codec_tag_string: 'gpmd' }, true],
    [{ codec_tag_string: 'camm' }, true],
    [{ tags: { handler_name: 'GPS' } }, true],
    [{ tags: { handler_name: 'Subtitle Handler' } }, false],
    [{ codec_tag_string: 'text' }, false],
  ])('knows whether a data track %j holds positions', (stream, location) => {
    expect(read(picture, { codec_type: 'data', ...stream }).location).toBe(location);
  });

  it('takes no words for a language', () => {
    const languages = ['eng', 'es-MX', 'und', 'Officer Jane Roe', '', 'e'].map((language) => ({
      codec_type: 'audio',
      tags: { language },
    }));
    expect(read(...languages).tracks.map(({ language }) => language)).toEqual(['eng', 'es-MX', null, null, null, null]);
  });
});

describe('problemOf', () => {
  it('finds none in a track that gave pictures, and in tracks that nobody decodes', () => {
    expect(problemOf(picture, false)).toBeUndefined();
    expect(problemOf({ codec_type: 'data' }, true)).toBeUndefined();
  });

  it.each([
    [
      { codec_type: 'video', codec_tag_string: 'drac' },
      'The picture is in a format that is not known here (drac), so it cannot be decoded.',
    ],
    [
      { codec_type: 'audio', codec_tag_string: '[0][0][0][0]' },
      'The sound is in a format that is not known here, so it cannot be decoded.',
    ],
    [{ codec_type: 'video', codec_tag_string: 'encv' }, 'The picture is encrypted (encv) and cannot be decoded without its key.'],
    [
      { codec_type: 'video', codec_name: 'h264', codec_tag_string: 'encv' },
      'The picture is encrypted (encv) and cannot be decoded without its key.',
    ],
  ])('says of %j why it cannot be decoded', (stream, problem) => {
    expect(problemOf(stream, false)).toBe(problem);
  });

  it('says of a known format that gave nothing what may be the reason', () => {
    expect(problemOf(picture, true)).toMatch(/^The picture is said to be h264, but nothing at its beginning can be decoded/);
  });
});
