import fc from 'fast-check';
import type { Role } from '#identity';
import { ballotOf, outcomeOf, seating, type Ballot, type Decider, type Item, type Vote } from './access-decision.rules.js';
import { settle } from './access-request.rules.js';

const DECIDING = ['supervisor', 'investigator', 'custodian', 'auditor'] as const;
const role = fc.constantFrom<Role>(...DECIDING);
const rule = fc
  .array(role, { minLength: 1, maxLength: 5 })
  .chain((seats) =>
    fc.record({ name: fc.constant('rule'), seats: fc.constant(seats), need: fc.integer({ min: 1, max: seats.length }) }),
  );

/** An account; several may belong to one human being, who is known by the number of their first. */
interface Account {
  readonly id: string;
  readonly human: string;
  readonly roles: readonly Role[];
}

const HUMANS = 6;
const accounts = fc
  .array(fc.record({ human: fc.nat(HUMANS - 1), roles: fc.uniqueArray(role, { maxLength: 3 }) }), { minLength: 3, maxLength: 10 })
  .map((all): Account[] => all.map(({ human, roles }, i) => ({ id: `account ${i}`, human: `human ${human}`, roles })));

const place = fc.nat(9);
const world = fc.record({
  accounts,
  rule,
  requester: place,
  subjects: fc.uniqueArray(
    fc.nat(HUMANS - 1).map((human) => `human ${human}`),
    { maxLength: 2 },
  ),
  delegations: fc.array(fc.record({ from: place, to: place, role }), { maxLength: 8 }),
  deeds: fc.array(
    fc.record({
      by: place,
      verdict: fc.constantFrom<Vote['verdict']>('approve', 'approve', 'deny'),
      inPlaceOf: fc.option(place, { nil: undefined }),
    }),
    { maxLength: 25 },
  ),
});

const at = <T>(all: readonly T[], index: number): T => {
  const found = all[index % all.length];
  if (found === undefined) throw new Error('nobody there');
  return found;
};

/** Plays all deeds, in their order, as the service does; what the rules refuse does not happen. */
function play({
  accounts: all,
  rule: decided,
  requester,
  subjects,
  delegations,
  deeds,
}: typeof world extends fc.Arbitrary<infer W> ? W : never) {
  const requestedBy = at(all, requester).human;
  const votes: (Vote & { ballot: Ballot; by: Account })[] = [];
  let outcome = outcomeOf(decided, votes);
  for (const { by, verdict, inPlaceOf } of deeds) {
    if (outcome !== 'open') break;
    const account = at(all, by);
    const principals = delegations
      .filter(({ to, from, role: held }) => at(all, to).id === account.id && at(all, from).roles.includes(held))
      .map(({ from, role: held }) => ({ person: at(all, from).id, human: at(all, from).human, role: held }));
    const decider: Decider = { ...account, principals };
    const item: Item = { rule: decided, requestedBy, subjects, votes };
    const ballot = ballotOf(decider, item, inPlaceOf === undefined ? undefined : at(all, inPlaceOf).id);
    if (typeof ballot === 'string') continue;
    const behalfHuman = ballot.behalfOf?.human ?? null;
    votes.push({ human: account.human, behalfHuman, fills: ballot.fills, verdict, ballot, by: account });
    outcome = outcomeOf(decided, votes);
  }
  return { votes, outcome, requestedBy, subjects, rule: decided };
}

describe('deciding on an item', () => {
  it('is never granted by fewer different human beings than the rule needs, whatever accounts, roles and delegations they have', () => {
    let granted = 0;
    fc.assert(
      fc.property(world, (drawn) => {
        const { votes, outcome, rule: decided } = play(drawn);
        const approving = votes.filter(({ verdict }) => verdict === 'approve');
        const humans = new Set(
          approving.flatMap(({ human, behalfHuman }) => [human, ...(behalfHuman === null ? [] : [behalfHuman])]),
        );
        if (outcome !== 'granted') return;
        granted++;
        expect(new Set(approving.map(({ human }) => human)).size).toBeGreaterThanOrEqual(decided.need);
        expect(humans.size).toBe(approving.length + approving.filter(({ behalfHuman }) => behalfHuman !== null).length);
      }),
      // About one in twenty is granted, and the law is about those.
      { numRuns: 4000 },
    );
    expect(granted).toBeGreaterThan(50);
  });

  it('is no business of whoever asked or is shown: not by themselves, nor by a second account, nor by anybody in their place', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const { votes, requestedBy, subjects } = play(drawn);
        for (const { human, behalfHuman } of votes)
          for (const involved of [human, behalfHuman]) {
            expect(involved).not.toBe(requestedBy);
            expect(subjects).not.toContain(involved);
          }
      }),
      { numRuns: 1000 },
    );
  });

  it('takes each human being once: for themselves, for somebody else, or by somebody else', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const involved = play(drawn).votes.flatMap(({ human, behalfHuman }) => [
          human,
          ...(behalfHuman === null ? [] : [behalfHuman]),
        ]);
        expect(new Set(involved).size).toBe(involved.length);
      }),
      { numRuns: 1000 },
    );
  });

  it('finds everybody a seat of their own, of a role that they hold or were handed', () => {
    fc.assert(
      fc.property(world, (drawn) => {
        const { votes, rule: decided } = play(drawn);
        const sits = seating(
          decided.seats,
          votes.map(({ fills }) => fills),
        );
        expect(sits.filter((person) => person !== undefined)).toHaveLength(votes.length);
        for (const { ballot, by } of votes)
          for (const held of ballot.fills) expect(ballot.behalfOf === null ? by.roles : [ballot.behalfOf.role]).toContain(held);
      }),
      { numRuns: 1000 },
    );
  });

  it('is over exactly when enough have approved, or the seats that are left are too few', () => {
    const verdicts = fc.array(fc.constantFrom<Vote['verdict']>('approve', 'deny'), { maxLength: 5 });
    fc.assert(
      fc.property(rule, verdicts, (decided, all) => {
        const votes = all.slice(0, decided.seats.length).map((verdict) => ({ verdict }));
        const approving = votes.filter(({ verdict }) => verdict === 'approve').length;
        const left = decided.seats.length - votes.length;
        const outcome = outcomeOf(decided, votes);
        expect(outcome === 'granted').toBe(approving >= decided.need);
        if (approving < decided.need) expect(outcome === 'denied').toBe(approving + left < decided.need);
        if (left === 0) expect(outcome).not.toBe('open');
      }),
    );
  });

  it('lets somebody with two roles make room for somebody with one', () => {
    const two: Item['rule'] = { name: 'two', seats: ['custodian', 'supervisor'], need: 2 };
    const first: Vote = { human: 'a', behalfHuman: null, fills: ['custodian', 'supervisor'], verdict: 'approve' };
    const item: Item = { rule: two, requestedBy: 'r', subjects: [], votes: [first] };
    const custodian = { human: 'b', roles: ['custodian'] as const, principals: [] };
    expect(ballotOf(custodian, item)).toMatchObject({ seat: 'custodian', behalfOf: null });
    const votes: Vote[] = [first, { human: 'b', behalfHuman: null, fills: ['custodian'], verdict: 'approve' }];
    expect(ballotOf({ ...custodian, human: 'c' }, { ...item, votes })).toBe('seat-taken');
  });

  it('goes by the own right of whoever decides before that of another', () => {
    const item: Item = { rule: { name: 'one', seats: ['custodian'], need: 1 }, requestedBy: 'r', subjects: [], votes: [] };
    const principals = [{ person: 'p', human: 'p', role: 'custodian' as const }];
    expect(ballotOf({ human: 'a', roles: ['custodian'], principals }, item)).toMatchObject({ behalfOf: null });
    expect(ballotOf({ human: 'a', roles: ['auditor'], principals }, item)).toMatchObject({ behalfOf: { person: 'p' } });
    expect(ballotOf({ human: 'a', roles: ['custodian'], principals }, item, 'p')).toMatchObject({ behalfOf: { person: 'p' } });
    expect(ballotOf({ human: 'a', roles: ['custodian'], principals }, item, 'q')).toBe('role');
  });

  it('seats as many as can sit, as trying every order shows', () => {
    const crowd = fc.array(fc.uniqueArray(role, { maxLength: 2 }), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(role, { maxLength: 5 }), crowd, (seats, people) => {
        const most = (left: readonly Role[], waiting: readonly (readonly Role[])[]): number => {
          const [next, ...rest] = waiting;
          if (next === undefined) return 0;
          const taking = next.flatMap((held) => {
            const seat = left.indexOf(held);
            return seat === -1 ? [] : [1 + most(left.toSpliced(seat, 1), rest)];
          });
          return Math.max(most(left, rest), ...taking);
        };
        expect(seating(seats, people).filter((person) => person !== undefined)).toHaveLength(most(seats, people));
      }),
    );
  });

  it('makes of the items what the request is', () => {
    expect(settle(['granted', 'open'], true)).toBe('in-review');
    expect(settle(['granted', 'granted'], true)).toBe('granted');
    expect(settle(['granted', 'denied'], true)).toBe('partly-granted');
    expect(settle(['denied', 'denied'], false)).toBe('denied');
    expect(settle(['granted', 'denied'], false)).toBe('revoked');
  });
});
