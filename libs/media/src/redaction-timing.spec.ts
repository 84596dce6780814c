import fc from 'fast-check';
import { clockFaults, framesBeyondReach, framesToKeep, timingFaults, withDrainedFrames } from './redaction-timing.js';

const times = (...ms: number[]): Float64Array => Float64Array.from(ms);

describe('framesToKeep', () => {
  it('keeps those from the start, which is included, to the end, which is not', () => {
    const source = times(0, 100, 200, 300, 400);
    expect([...framesToKeep(source, times(100, 200), { fromMs: 100, toMs: 300 })]).toEqual([100, 200]);
  });

  it('takes the redaction’s word only for a frame within a tenth of a millisecond of an end', () => {
    const source = times(0, 99.95, 200, 299.95, 400);
    expect([...framesToKeep(source, times(99.95, 200), { fromMs: 100, toMs: 300 })]).toEqual([99.95, 200]);
    expect([...framesToKeep(source, times(200, 299.95), { fromMs: 100, toMs: 300 })]).toEqual([200, 299.95]);
    expect([...framesToKeep(times(0, 99, 200), times(99, 200), { fromMs: 100, toMs: 300 })]).toEqual([200]);
  });

  it('makes a frame too many, too few or moved a fault', () => {
    const clip = { fromMs: 100, toMs: 300 };
    const source = times(0, 100, 200, 300, 400);
    const judge = (out: Float64Array): string[] => timingFaults(framesToKeep(source, out, clip), out);
    expect(judge(times(100, 200))).toEqual([]);
    expect(judge(times(100))).toEqual(['The source has 2 frames to show and the redaction 1.']);
    expect(judge(times(100, 200, 400))).toEqual(['The source has 2 frames to show and the redaction 3.']);
    expect(judge(times(0, 100, 200))).toEqual(['The source has 2 frames to show and the redaction 3.']);
    expect(judge(times(100, 202))).toEqual(['Frame 1 is not shown at the time it has in the source.']);
    expect(judge(times(100, NaN))).toEqual(['Frame 1 is not shown at the time it has in the source.']);
  });

  it('never keeps a frame that is plainly outside, nor loses one plainly within', () => {
    const frames = fc.uniqueArray(fc.double({ min: 0, max: 1000, noNaN: true }), { maxLength: 40 });
    fc.assert(
      fc.property(frames, frames, fc.nat(900), fc.integer({ min: 1, max: 100 }), (all, out, fromMs, length) => {
        const clip = { fromMs, toMs: fromMs + length };
        const source = Float64Array.from(all).sort();
        const kept = new Set(framesToKeep(source, Float64Array.from(out).sort(), clip));
        for (const time of source) {
          if (time > clip.fromMs + 0.1 && time < clip.toMs - 0.1) expect(kept.has(time)).toBe(true);
          if (time < clip.fromMs - 0.1 || time > clip.toMs + 0.1) expect(kept.has(time)).toBe(false);
        }
      }),
    );
  });
});

describe('withDrainedFrames', () => {
  it('gives frames without a time at the end, and only there, the even pace of those before', () => {
    expect([...withDrainedFrames(times(0, 40, 80, NaN, NaN))]).toEqual([0, 40, 80, 120, 160]);
    expect([...withDrainedFrames(times(0, NaN, 80))]).toEqual([0, NaN, 80]);
  });
});

describe('framesBeyondReach', () => {
  it('finds the pictures before the beginning and after the stated end', () => {
    expect(framesBeyondReach(times(0, 100, 2000), 2000)).toEqual([]);
    expect(framesBeyondReach(times(-100, 0, 1000, 1100.4, 1200), 1000)).toEqual([
      '3 pictures lie outside the length of 1000 ms that the recording states, the first at -100 ms, where no plan can cover them. A clip leaves them out.',
    ]);
  });
});

describe('clockFaults', () => {
  const sentence = (from: string, to: string): string[] => [
    `The recording's own clock jumps from ${from} s to ${to} s, and a redaction cannot follow it: only a clip that ends before it can be redacted.`,
  ];

  it('names the first place where the clock was set back or ahead', () => {
    expect(clockFaults(times(0, 100, 200, 40, 140))).toEqual(sentence('0.200', '0.040'));
    expect(clockFaults(times(0, 100, 1_000_000, 1_000_100))).toEqual(sentence('0.100', '1000.000'));
  });

  it('finds nothing where pictures come unevenly, or two at once', () => {
    expect(clockFaults(times(0, 100, 100, 9000, 9001))).toEqual([]);
  });
});
