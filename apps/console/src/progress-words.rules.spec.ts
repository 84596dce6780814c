import fc from 'fast-check';
import { percent, progressSentence, sizeInWords } from './progress-words.rules.js';

describe('progress in words', () => {
  it('says 100 percent only when everything is done', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (done, all) => {
        const said = percent(done, all);
        expect(said).toBeGreaterThanOrEqual(0);
        expect(said === 100).toBe(done >= all);
        expect(Number.isInteger(said)).toBe(true);
      }),
    );
  });

  it('gives sizes with a unit', () => {
    expect([0, 1, 1023, 1024, 2 ** 20, 12.5 * 2 ** 20, 9 * 2 ** 30].map(sizeInWords)).toEqual([
      '0 bytes',
      '1 byte',
      '1023 bytes',
      '1 KiB',
      '1.0 MiB',
      '12.5 MiB',
      '9.00 GiB',
    ]);
  });

  it('speaks at quarters, not at every percent, for those who listen', () => {
    const file = { name: 'clip.mp4', size: 1000 };
    const heard = new Set(
      Array.from({ length: 1000 }, (_, bytes) => progressSentence([{ stage: 'sending', bytes, file }], false)),
    );
    expect([...heard]).toEqual([0, 25, 50, 75].map((far) => `clip.mp4: Sending, ${far} percent. 0 of 1 done.`));
  });

  it('speaks of the last file when all are done', () => {
    const file = { name: 'clip.mp4', size: 1000 };
    expect(progressSentence([{ stage: 'sealed', bytes: 1000, file }], false)).toBe('clip.mp4: Sealed. 1 of 1 done.');
    expect(progressSentence([{ stage: 'waiting', bytes: 0, file }], true)).toBe('Paused. 0 of 1 done.');
  });
});
