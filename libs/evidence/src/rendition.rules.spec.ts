import { currentOf, renditionKey } from './rendition.rules.js';

describe('currentOf', () => {
  const made = (state: 'pending' | 'ready' | 'failed', day: number): { state: typeof state; createdAt: Date } => ({
    state,
    createdAt: new Date(Date.UTC(2026, 10, day)),
  });

  it.each([
    ['the newest that is ready', [made('ready', 1), made('ready', 2), made('ready', 3)], 3],
    ['an older one that is ready rather than a newer that is not yet', [made('ready', 1), made('pending', 2)], 1],
    ['an older one that is ready rather than a newer that failed', [made('failed', 3), made('ready', 1)], 1],
    ['the newest, where none is ready', [made('failed', 1), made('pending', 2)], 2],
  ])('is %s', (_, renditions, day) => {
    expect(currentOf(renditions)?.createdAt.getUTCDate()).toBe(day);
  });

  it('is none where there is none', () => {
    expect(currentOf([])).toBeNull();
  });
});

describe('renditionKey', () => {
  it('tells versions and recipes apart, whatever the store calls its versions', () => {
    expect(renditionKey('r', 'a/b+c', 'hls-ladder-v1', 'poster.jpg')).toBe('renditions/r/a%2Fb%2Bc/hls-ladder-v1/poster.jpg');
  });
});
