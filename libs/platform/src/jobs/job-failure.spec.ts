import { NotFound, Outage } from '../problem.js';
import { Hopeless, JobCancelled, WorkerDied } from './job-catalogue.js';
import { isExhausted, sentenceOf } from './job-failure.js';

describe('a failure', () => {
  it('is the last when no attempt is left or trying again cannot help, but never when something else did not answer', () => {
    expect(isExhausted(new Error('odd'), 4, 5)).toBe(false);
    expect(isExhausted(new Error('odd'), 5, 5)).toBe(true);
    expect(isExhausted(new Hopeless('no video'), 1, 5)).toBe(true);
    expect(isExhausted(new Error('odd'), 1e6, Infinity)).toBe(false);
    expect(isExhausted(new Outage('the store is away'), 50, 5)).toBe(false);
    expect(isExhausted(Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 50, 5)).toBe(false);
  });

  it('is told to people in a sentence that names no path, host or statement', () => {
    const media = Object.assign(new Error('The file has no moving picture.'), { name: 'MediaError' });
    expect(sentenceOf(media)).toBe('The file has no moving picture.');
    expect(sentenceOf(new Hopeless('The leak check failed.'))).toBe('The leak check failed.');
    expect(sentenceOf(new NotFound('recording'))).toBe('There is no such recording.');
    expect(sentenceOf(new JobCancelled())).toMatch(/cancelled/);
    expect(sentenceOf(new WorkerDied(2))).toMatch(/twice/);
    for (const error of [
      new Error('ENOENT /srv/x'),
      Object.assign(new Error('connect 10.0.0.1:9000'), { code: 'ECONNREFUSED' }),
      Object.assign(new Error('write /srv/x'), { code: 'ENOSPC' }),
      new Outage('bucket x at y'),
    ])
      expect(sentenceOf(error)).toMatch(/^[A-Z][^/\d]+\.$/);
    expect(sentenceOf(new Hopeless('x'.repeat(9999))).length).toBeLessThanOrEqual(500);
  });
});
