import { FragmentFaulty, readFragment, readTrackHeader } from './fragment.js';

const box = (type: string, ...bodies: Buffer[]): Buffer => {
  const body = Buffer.concat(bodies);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(8 + body.length);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
};
const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32BE(value >>> 0, at * 4));
  return bytes;
};
const unit = (type: number, length: number): Buffer =>
  Buffer.concat([words(length), Buffer.from([type]), Buffer.alloc(length - 1, 7)]);

const HEADER = { timescale: 15_360, codec: 'avc1.64001f', kind: 'video' } as const;
const DEFAULTS = { duration: 512, first: 0x2000000, others: 0x1010000 };

/** Samples as ffmpeg writes them: sizes in the run, duration and flags by default, the first one's flags apart. */
function fragment(samples: readonly Buffer[], stated = samples.map(({ length }) => length), first = DEFAULTS.first): Buffer {
  const tfhd = box('tfhd', words(0x38, 1, DEFAULTS.duration, 0, DEFAULTS.others));
  const trun = box('trun', words(0x205, samples.length, 0, first, ...stated));
  return Buffer.concat([box('styp'), box('moof', box('traf', tfhd, trun)), box('mdat', ...samples)]);
}

describe('a segment', () => {
  const pictures = [unit(5, 40), unit(1, 9), unit(1, 11)];

  it('is counted by its own tables', () => {
    expect(readFragment(fragment(pictures), HEADER)).toEqual({ samples: 3, duration: 1536 });
  });

  it.each([
    ['breaks off', fragment(pictures).subarray(0, -3)],
    ['has a table without its data', fragment(pictures).subarray(0, -72 - 8)],
    ['holds 72 bytes where its table says 73', fragment(pictures, [44, 13, 16])],
    ['breaks off in picture 0', fragment(pictures, [43, 14, 15])],
    ['does not begin with a picture that needs no other', fragment([unit(1, 40), ...pictures])],
    ['does not begin with a picture that needs no other', fragment(pictures, undefined, DEFAULTS.others)],
    ['is empty', fragment([])],
    ['is empty', Buffer.of()],
  ])('that %s is named', (why, bytes) => {
    expect(() => readFragment(bytes, HEADER)).toThrow(new FragmentFaulty(why));
  });

  it('needs an init segment that describes a track', () => {
    expect(() => readTrackHeader(Buffer.of())).toThrow(FragmentFaulty);
    expect(() => readTrackHeader(box('moov', box('trak')))).toThrow(new FragmentFaulty('lacks its "mdia" part'));
  });
});
