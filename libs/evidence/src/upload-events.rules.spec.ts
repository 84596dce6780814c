import fc from 'fast-check';
import { admit, isOver } from './upload-events.rules.js';

const BOUNDS = { streams: 6, aCaller: 3 };

describe('admission to the streams of uploads', () => {
  it('keeps both bounds, and refuses nobody while there is room for them', () => {
    const wish = fc.record({ caller: fc.constantFrom('a', 'b', 'c', 'd'), leaves: fc.boolean() });
    fc.assert(
      fc.property(fc.array(wish), (wishes) => {
        const open: string[] = [];
        for (const { caller, leaves } of wishes) {
          if (leaves && open.includes(caller)) open.splice(open.indexOf(caller), 1);
          const own = open.filter((each) => each === caller).length;
          const admission = admit(caller, open, BOUNDS);
          if (admission === 'admitted') open.push(caller);
          expect(admission === 'admitted').toBe(own < 3 && open.length - Number(admission === 'admitted') < 6);
          expect(open.length).toBeLessThanOrEqual(6);
          expect(open.filter((each) => each === caller).length).toBeLessThanOrEqual(3);
        }
      }),
    );
  });

  it('tells a caller who has too many of their own from a service that is full', () => {
    expect(admit('a', ['a', 'a', 'a'], BOUNDS)).toBe('caller-has-too-many');
    expect(admit('a', ['b', 'b', 'b', 'c', 'c', 'c'], BOUNDS)).toBe('full');
  });
});

describe('an upload', () => {
  it.each([
    ['receiving', false],
    ['sealing', false],
    ['sealed', true],
    ['quarantined', true],
    ['expired', true],
    ['duplicate', true],
  ])('that is %s is over: %s', (state, over) => {
    expect(isOver(state)).toBe(over);
  });
});
