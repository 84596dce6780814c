import { stillAt, stillsIn } from './player-stills.rules.js';

const TRACK = `WEBVTT

00:00:00.000 --> 00:00:02.000
sprite-000.jpg#xywh=0,0,160,90

01:02:03.500 --> 01:02:05.500
sprite-001.jpg#xywh=160,90,160,90
`;

describe('the stills of a seek bar', () => {
  it('are read from their track', () => {
    expect(stillsIn(TRACK)).toEqual([
      { fromMs: 0, toMs: 2000, sheet: 'sprite-000.jpg', x: 0, y: 0, width: 160, height: 90 },
      { fromMs: 3_723_500, toMs: 3_725_500, sheet: 'sprite-001.jpg', x: 160, y: 90, width: 160, height: 90 },
    ]);
    expect(stillsIn(TRACK.replaceAll('\n', '\r\n'))).toHaveLength(2);
  });

  it('are found by the moment', () => {
    const stills = stillsIn(TRACK);
    expect(stillAt(stills, 1000)).toBe(stills[0]);
    expect(stillAt(stills, 10_000)).toBe(stills[0]);
    expect(stillAt(stills, 4_000_000)).toBe(stills[1]);
    expect(stillAt([], 0)).toBeUndefined();
  });

  it.each(['', 'no track', TRACK.replaceAll('sprite-0', '/elsewhere/sprite-0'), TRACK.replaceAll('160,90\n', '0,0\n')])(
    'are left out where they make no sense: %j',
    (text) => {
      expect(stillsIn(text)).toEqual([]);
    },
  );
});
