import fc from 'fast-check';
import {
  DEEDS,
  faultOfUntil,
  MACHINE,
  mayBe,
  reminderDue,
  REQUEST_STATES,
  type Deed,
  type RequestState,
} from './access-request.rules.js';

const NOW = new Date('2026-03-14T12:00:00.000Z');
const DAY = 86_400_000;
const inMs = (ms: number): Date => new Date(NOW.getTime() + ms);

describe('until when access may be asked for or granted', () => {
  it('accepts a time from the next millisecond up to 366 days away', () => {
    expect(faultOfUntil(inMs(1), NOW)).toBeUndefined();
    expect(faultOfUntil(inMs(366 * DAY), NOW)).toBeUndefined();
  });

  it('refuses this very moment and everything before it', () => {
    expect(faultOfUntil(NOW, NOW)).toBe('lies in the past');
    expect(faultOfUntil(inMs(-1), NOW)).toBe('lies in the past');
  });

  it('refuses what is more than 366 days away', () => {
    expect(faultOfUntil(inMs(366 * DAY + 1), NOW)).toBe('is more than 366 days away');
  });

  it('refuses to grant for longer than was asked for, and allows the same or less', () => {
    expect(faultOfUntil(inMs(DAY + 1), NOW, inMs(DAY))).toBe('is later than what was asked for');
    expect(faultOfUntil(inMs(DAY), NOW, inMs(DAY))).toBeUndefined();
    expect(faultOfUntil(inMs(DAY - 1), NOW, inMs(DAY))).toBeUndefined();
  });

  it('refuses what is not a time at all', () => {
    expect(faultOfUntil(new Date(Number.NaN), NOW)).toBe('is not a time');
    expect(faultOfUntil(inMs(DAY), NOW, new Date(Number.NaN))).toBe('is later than what was asked for');
  });

  it('never lets anything through that has ended, is too far away or is later than asked for', () => {
    const offset = fc.integer({ min: -400 * DAY, max: 800 * DAY });
    fc.assert(
      fc.property(offset, fc.option(offset, { nil: undefined }), (until, wanted) => {
        const fault = faultOfUntil(inMs(until), NOW, wanted === undefined ? undefined : inMs(wanted));
        expect(fault === undefined).toBe(until > 0 && until <= 366 * DAY && (wanted === undefined || until <= wanted));
      }),
    );
  });
});

const FINAL = ['denied', 'withdrawn', 'expired', 'revoked', 'closed'] as const;

describe('the states of a request', () => {
  /** All ways through the machine, with any deeds in any order: what may not be done changes nothing. */
  const walk = fc.array(fc.record({ deed: fc.constantFrom<Deed>(...DEEDS), choice: fc.nat(9) }), { maxLength: 30 });
  const states = (deeds: readonly { readonly deed: Deed; readonly choice: number }[]): RequestState[] => {
    const been: RequestState[] = ['draft'];
    for (const { deed, choice } of deeds) {
      const next = MACHINE[been.at(-1) ?? 'draft'][deed];
      if (next !== undefined) been.push(next[choice % next.length] ?? 'draft');
    }
    return been;
  };

  it('that are final stay, whatever is done', () => {
    fc.assert(
      fc.property(walk, (deeds) => {
        const been = states(deeds);
        const end = been.findIndex((state) => FINAL.some((final) => final === state));
        expect(end === -1 || end === been.length - 1).toBe(true);
      }),
    );
    for (const state of FINAL) for (const deed of DEEDS) expect(mayBe(state, deed)).toBe(false);
  });

  it('lead to a grant only by way of being submitted and decided', () => {
    fc.assert(
      fc.property(walk, (deeds) => {
        const been = states(deeds);
        const granted = been.findIndex((state) => state === 'granted' || state === 'partly-granted');
        if (granted === -1) return;
        expect(been.slice(0, granted)).toContain('submitted');
        expect(mayBe(been[granted - 1] ?? 'closed', 'decide')).toBe(true);
      }),
    );
  });

  it('are all reached from a draft, and each that is not final has a way out', () => {
    const reached = new Set<RequestState>(['draft']);
    for (const state of reached) for (const next of Object.values(MACHINE[state]).flat()) reached.add(next);
    expect([...reached].sort()).toEqual([...REQUEST_STATES].sort());
    for (const state of REQUEST_STATES)
      expect(Object.values(MACHINE[state]).flat().length > 0).toBe(!FINAL.some((final) => final === state));
  });

  it('never lead back to a draft, nor from being decided to being undecided', () => {
    for (const state of REQUEST_STATES.filter((each) => each !== 'draft'))
      for (const next of Object.values(MACHINE[state]).flat()) {
        expect(['draft', 'submitted']).not.toContain(next);
        if (state !== 'submitted' && next === 'in-review') expect(state).toBe('in-review');
      }
  });
});

describe('the reminder of a request', () => {
  const request = { submittedAt: NOW, dueAt: inMs(10 * DAY), remindedAt: null };

  it('comes once at half of the time and once at the end of it', () => {
    expect(reminderDue(request, inMs(5 * DAY - 1))).toBeUndefined();
    expect(reminderDue(request, inMs(5 * DAY))).toBe('half');
    const reminded = { ...request, remindedAt: inMs(5 * DAY) };
    expect(reminderDue(reminded, inMs(10 * DAY - 1))).toBeUndefined();
    expect(reminderDue(reminded, inMs(10 * DAY))).toBe('overdue');
    expect(reminderDue({ ...request, remindedAt: inMs(10 * DAY) }, inMs(99 * DAY))).toBeUndefined();
  });

  it('comes twice at most, however often and when it is looked', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -DAY, max: 30 * DAY }), { maxLength: 40 }), (looks) => {
        let remindedAt: Date | null = null;
        const told: string[] = [];
        for (const look of looks.sort((a, b) => a - b)) {
          const due = reminderDue({ ...request, remindedAt }, inMs(look));
          if (due === undefined) continue;
          told.push(due);
          remindedAt = inMs(look);
        }
        expect([[], ['half'], ['overdue'], ['half', 'overdue']]).toContainEqual(told);
      }),
    );
  });
});
