import { MOST_STRETCHES } from './camera-gaps.rules.js';
import { hasGaps, MOST_LISTED, reportGaps, type CameraRecord, type NumberedRecording } from './camera-gap-report.rules.js';

const at = (day: number): Date => new Date(Date.UTC(2026, 2, day));
const always = { from: null, until: null };

const stretch = (first: number, last: number, from: number, to: number): CameraRecord['stretches'][number] => ({
  ...{ first, last },
  firstAt: at(from),
  lastAt: at(to),
});

function recording(counter: number, state: string, day: number): NumberedRecording {
  const recordedAt = at(day).toISOString();
  return { counter, recording: `r${counter}`, name: 'clip.mp4', state, reason: null, recordedAt, announcedAt: recordedAt };
}

const camera: CameraRecord = {
  serial: 'X81',
  cameraId: null,
  stretches: [stretch(100, 111, 1, 4), stretch(119, 130, 6, 9), stretch(132, 140, 20, 22)],
  notArrived: [recording(120, 'expired', 6), recording(140, 'receiving', 22)],
  quarantined: [recording(101, 'quarantined', 1)],
};

describe('what a person is told of a camera', () => {
  it('names every recording that never arrived, with the times between which it was made', () => {
    const gaps = reportGaps(camera, always);
    expect(gaps.summary).toBe(
      'camera X81: 8 recordings never arrived: 112–118, between 2026-03-04T00:00:00.000Z and 2026-03-06T00:00:00.000Z; ' +
        '131, between 2026-03-09T00:00:00.000Z and 2026-03-20T00:00:00.000Z; ' +
        '2 recordings announced and not arrived: 120 (given up); 140 (on its way); 1 recording quarantined: 101.',
    );
    expect(gaps).toMatchObject({ missingCount: 8, notArrivedCount: 2, quarantinedCount: 1, usedTwiceCount: 0, truncated: false });
    expect(hasGaps(gaps)).toBe(true);
  });

  it('is about the period that was asked for', () => {
    const gaps = reportGaps(camera, { from: at(5), until: at(7) });
    expect(gaps).toMatchObject({
      missing: [{ from: 112, to: 118, count: 7 }],
      notArrived: [{ counter: 120 }],
      quarantinedCount: 0,
    });
    const before = reportGaps(camera, { from: null, until: at(1) });
    expect(before.summary).toBe('camera X81: nothing is missing.');
    expect(hasGaps(before)).toBe(false);
  });

  it('says where the numbering began anew and which numbers more than one file has', () => {
    const stretches = [stretch(0, 900, 1, 4), stretch(0, 10, 5, 6), stretch(4, 4, 7, 7), stretch(11, 20, 8, 9)];
    const gaps = reportGaps({ ...camera, stretches, notArrived: [], quarantined: [] }, always);
    expect(gaps.summary).toBe(
      'camera X81: more than one file has the number 4; the numbering began anew at 0, after 900, at 2026-03-05T00:00:00.000Z.',
    );
    expect(gaps.runs.map(({ lowest, highest, seen }) => [lowest, highest, seen])).toEqual([
      [0, 900, 901],
      [0, 20, 21],
    ]);
  });

  it('is not a gap when it is only quarantined', () => {
    expect(hasGaps(reportGaps({ ...camera, stretches: [stretch(1, 9, 1, 2)], notArrived: [] }, always))).toBe(false);
  });

  it('is that nothing can be told, when the numbers do not count up', () => {
    const every = Array.from({ length: MOST_STRETCHES + 1 }, (_, i) => stretch(3 * i, 3 * i, 1, 1));
    const gaps = reportGaps({ ...camera, stretches: every, notArrived: [], quarantined: [] }, always);
    expect(gaps).toMatchObject({ disorderly: true, missingCount: 0 });
    expect(gaps.summary).toBe('camera X81: its numbers are in such disorder that they do not tell what is missing.');
    expect(hasGaps(gaps)).toBe(true);
  });

  it('is cut off at a length that can be read, which it says, and counted in full', () => {
    const every = Array.from({ length: MOST_LISTED + 2 }, (_, i) => stretch(2 * i, 2 * i, 1, 1));
    const gaps = reportGaps({ ...camera, stretches: every, notArrived: [], quarantined: [] }, always);
    expect(gaps).toMatchObject({ truncated: true, missingCount: MOST_LISTED + 1 });
    expect(gaps.missing).toHaveLength(MOST_LISTED);
    expect(gaps.summary).toMatch(/; and 491 more\.$/);
  });
});
