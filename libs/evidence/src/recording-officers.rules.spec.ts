import fc from 'fast-check';
import { officerDiffers } from './recording-officers.rules.js';
import { trueTime } from './true-time.rules.js';

const ada = { id: 'ada', badge: '4711' };

describe('the officer of a recording', () => {
  it.each([
    ['the badge and the person are those of the register', { officerBadge: '4711', officerId: 'ada' }, ada, false],
    ['the dock knew no badge', { officerBadge: null, officerId: 'ada' }, ada, false],
    ['nobody was known when it was announced', { officerBadge: null, officerId: null }, ada, false],
    ['the badge is somebody else’s', { officerBadge: '1234', officerId: 'bob' }, ada, true],
    ['nobody carries the badge', { officerBadge: '9999', officerId: 'ada' }, ada, true],
    ['the camera was somebody else’s, as far as was known then', { officerBadge: null, officerId: 'bob' }, ada, true],
    ['the register does not say', { officerBadge: '1234', officerId: 'bob' }, null, false],
  ] as const)('where %s', (_, recording, assigned, differs) => {
    expect(officerDiffers(recording, assigned)).toBe(differs);
  });
});

describe('the true time of a recording', () => {
  it('is what the camera said, less how far it was ahead', () => {
    const recordedAt = new Date('2026-03-14T09:26:53.000Z');
    expect(trueTime({ recordedAt, clockOffsetMs: 90_000 }).toISOString()).toBe('2026-03-14T09:25:23.000Z');
    expect(trueTime({ recordedAt, clockOffsetMs: -500 }).toISOString()).toBe('2026-03-14T09:26:53.500Z');
  });

  it('is a time, whatever a dock says of the clock', () => {
    const recordedAt = fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(recordedAt, fc.maxSafeInteger(), (recorded, clockOffsetMs) => {
        expect(trueTime({ recordedAt: recorded, clockOffsetMs }).getTime()).not.toBeNaN();
      }),
    );
  });
});
