import fc from 'fast-check';
import { framesToKeep, timingFaults, withDrainedFrames } from './redaction-timing.js';

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
