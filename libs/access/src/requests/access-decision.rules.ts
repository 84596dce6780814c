import type { Refusal, Role } from '#identity';
import type { DecisionRule } from '../policy/access-policy.rules.js';

/** What one human being said of one item, for themselves or in somebody's place. */
export interface Vote {
  /** First accounts, in both: nobody speaks twice by having two. */
  readonly human: string;
  readonly behalfHuman: string | null;
  /** Roles of the rule's seats that they could take. */
  readonly fills: readonly Role[];
  readonly verdict: 'approve' | 'deny';
}

/** Somebody who lets the decider decide in their place. */
export interface Principal {
  readonly person: string;
  readonly human: string;
  readonly role: Role;
}

export interface Decider {
  readonly human: string;
  readonly roles: readonly Role[];
  readonly principals: readonly Principal[];
}

/** One item of a request as it stands. */
export interface Item {
  readonly rule: DecisionRule;
  readonly requestedBy: string;
  /** Human beings whose conduct the recording shows. */
  readonly subjects: readonly string[];
  readonly votes: readonly Vote[];
}

/** The right by which somebody decides: their own where `behalfOf` is null. */
export interface Ballot {
  readonly behalfOf: Principal | null;
  readonly fills: readonly Role[];
  readonly seat: Role;
}

/** Why somebody has no say. `seat-taken`: others have taken every seat that this person could take. */
export type NoBallot = Extract<Refusal, 'own-request' | 'subject-of-request' | 'decided-before' | 'role' | 'seat-taken'>;

/**
 * Seats them so that as many as possible sit, by augmenting paths.
 * @param people for each the roles of which they could take a seat
 * @returns for each seat the index of who sits there, or undefined
 */
export function seating(seats: readonly Role[], people: readonly (readonly Role[])[]): (number | undefined)[] {
  const sits = seats.map((): number | undefined => undefined);
  const place = (person: number, tried: Set<number>): boolean =>
    seats.some((role, seat) => {
      if (tried.has(seat) || people[person]?.includes(role) !== true) return false;
      tried.add(seat);
      const sitting = sits[seat];
      if (sitting !== undefined && !place(sitting, tried)) return false;
      sits[seat] = person;
      return true;
    });
  people.forEach((_, person) => place(person, new Set()));
  return sits;
}

/**
 * Whoever approves and whoever denies takes a seat. Granted when as many approve as are needed; denied when so many seats are denied that the
 * others are too few.
 */
export function outcomeOf({ seats, need }: DecisionRule, votes: readonly Pick<Vote, 'verdict'>[]): 'open' | 'granted' | 'denied' {
  const approving = votes.filter(({ verdict }) => verdict === 'approve').length;
  if (approving >= need) return 'granted';
  return votes.length - approving > seats.length - need ? 'denied' : 'open';
}

/** Whether a human being may have no say in it, whoever's right they use: what they asked for, what shows them, and what they have decided on. */
function barred(human: string, { requestedBy, subjects, votes }: Item): Exclude<NoBallot, 'role' | 'seat-taken'> | undefined {
  if (human === requestedBy) return 'own-request';
  if (subjects.includes(human)) return 'subject-of-request';
  return votes.some((vote) => vote.human === human || vote.behalfHuman === human) ? 'decided-before' : undefined;
}

/**
 * By what right somebody decides on an item: their own, if a seat can be found for it, else that of somebody who lets them.
 * @param inPlaceOf only by this person's right
 */
export function ballotOf(decider: Decider, item: Item, inPlaceOf?: string): Ballot | NoBallot {
  const reason = barred(decider.human, item);
  if (reason !== undefined) return reason;
  const { seats } = item.rule;
  const own = { behalfOf: null, fills: decider.roles.filter((role) => seats.includes(role)) };
  // Not in one's own place, by way of another account.
  const principals = decider.principals.filter(({ human }) => human !== decider.human);
  const others = principals.map((principal) => ({
    behalfOf: principal,
    fills: [principal.role].filter((role) => seats.includes(role)),
  }));
  const rights = [own, ...others].filter(
    ({ fills, behalfOf }) => fills.length > 0 && (inPlaceOf === undefined || behalfOf?.person === inPlaceOf),
  );
  let why: NoBallot = 'role';
  for (const { behalfOf, fills } of rights) {
    const bar = behalfOf === null ? undefined : barred(behalfOf.human, item);
    if (bar !== undefined) {
      why = bar;
      continue;
    }
    const people = [...item.votes.map((vote) => vote.fills), fills];
    const sits = seating(seats, people);
    const seat = seats[sits.indexOf(people.length - 1)];
    const seated = sits.filter((person) => person !== undefined).length;
    if (seat !== undefined && seated === people.length) return { behalfOf, fills, seat };
    why = 'seat-taken';
  }
  return why;
}
