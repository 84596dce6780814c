import fc from 'fast-check';
import { readTags } from './probed-tags.rules.js';

describe('the tags of a file', () => {
  it('give a serial number, never a model, and the container before its streams', () => {
    const streams = [{ tags: { serial_number: 'S-2', creation_time: '2020-01-01T00:00:00.000000Z' } }];
    const tags = { model: 'BodyCam 3', Serial_Number: 'S-1', creation_time: '2026-11-20T10:30:00.000000Z' };
    expect(readTags({ format: { tags }, streams })).toEqual({ camera: 'S-1', recordedAt: '2026-11-20T10:30:00.000Z' });
    expect(readTags({ format: { tags: { model: 'BodyCam 3' } }, streams })).toMatchObject({ camera: 'S-2' });
    expect(readTags({ format: { tags: { 'com.apple.quicktime.model': ' iPhone 15 ' } } })).toEqual({});
  });

  it('give the place as one point and the time that a phone writes', () => {
    const tags = {
      'com.apple.quicktime.creationdate': '2026-11-20T12:30:00+0200',
      'com.apple.quicktime.location.ISO6709': '+40.7128-074.0060+010.000/',
    };
    expect(readTags({ format: { tags } })).toEqual({
      recordedAt: '2026-11-20T10:30:00.000Z',
      gpsTrack: [{ atMs: 0, latE7: 407_128_000, lonE7: -740_060_000 }],
    });
  });

  it('leave out the time of a clock that was never set, and what no manifest takes', () => {
    const tags = {
      creation_time: '1970-01-01T00:00:00.000000Z',
      camera_serial_number: 'x'.repeat(129),
      serial_number: 'a\nb',
      location: 'here',
    };
    expect(readTags({ format: { tags } })).toEqual({});
  });

  it('are never an error, whatever ffprobe said', () => {
    fc.assert(fc.property(fc.jsonValue(), (report) => void readTags(report)));
    const tags = fc.dictionary(fc.constantFrom('creation_time', 'model', 'location'), fc.jsonValue());
    fc.assert(fc.property(tags, (each) => void readTags({ format: { tags: each }, streams: [{ tags: each }, null] })));
  });
});
