import { beyondLimits, LONGEST_SIDE, MOST_STREAMS } from './media-limits.rules.js';

const picture = (width: number, height: number) => ({ codec_type: 'video', width, height });

describe('beyondLimits', () => {
  it('takes what cameras write, up to the largest picture that H.264 and HEVC know', () => {
    expect(beyondLimits({ streams: [picture(1920, 1080), { codec_type: 'audio' }] })).toBeUndefined();
    expect(beyondLimits({ streams: [picture(8192, 4320)] })).toBeUndefined();
    expect(beyondLimits({ streams: [picture(LONGEST_SIDE, 8192)] })).toBeUndefined();
    expect(beyondLimits({ streams: Array.from({ length: MOST_STREAMS }, () => picture(320, 240)) })).toBeUndefined();
    expect(beyondLimits({})).toBeUndefined();
  });

  it.each([
    [1_000_000, 180],
    [180, 1_000_000],
    [LONGEST_SIDE + 1, 2],
  ])('says which size is claimed by a picture of %i × %i', (width, height) => {
    expect(beyondLimits({ streams: [{ codec_type: 'audio' }, picture(width, height)] })).toBe(
      `The file says that its picture is ${width} × ${height} pixels; at most 16384 are allowed on a side.`,
    );
  });

  it('refuses a picture whose sides are allowed but not their product, and looks at cover art too', () => {
    const cover = { ...picture(LONGEST_SIDE, 8193), disposition: { attached_pic: 1 } };
    expect(beyondLimits({ streams: [picture(320, 240), cover] })).toMatch(/at most 134217728 in all are allowed\.$/);
  });

  it('counts tracks of every kind', () => {
    const streams = Array.from({ length: MOST_STREAMS + 1 }, () => ({ codec_type: 'data' }));
    expect(beyondLimits({ streams })).toBe('The file has 65 tracks; at most 64 are allowed.');
  });
});
