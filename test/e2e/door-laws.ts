/** Somebody with an account. */
export interface Actor {
  readonly name: string;
  readonly id: string;
  /** The first account of the same human being, or this one. */
  readonly human: string;
}

export interface WalkedRequest {
  readonly id: string;
  readonly by: Actor;
  readonly purpose: string;
  /** How many have to approve it. */
  readonly need: number;
  /** When its end was answered: withdrawn, closed. In milliseconds, as all times here. */
  endedAt?: number;
}

export interface WalkedGrant {
  readonly id: string;
  readonly request: WalkedRequest;
  readonly person: string;
  readonly recording: string;
  readonly expiresAt: number;
  revokedAt?: number;
}

export interface WalkedLock {
  readonly id: string;
  readonly recording: string;
  readonly human: string;
  readonly lockedAt: number;
  /** When it was asked for that lifted it: from then on it may be gone. */
  liftedFrom?: number;
}

export interface WalkedViewing {
  readonly id: string;
  readonly by: Actor;
  /** The session it was opened in. */
  readonly session: number;
  readonly recording: string;
  readonly purpose: string;
  closedAt?: number;
}

/** What somebody did that the service allowed: opening, or being sent bytes. */
export interface Allowed {
  readonly by: Actor;
  readonly session: number;
  readonly sentAt: number;
  readonly answeredAt: number;
}

export interface Approval {
  readonly by: string;
  readonly inPlaceOf: string | null;
}

/** Which laws of the door a byte that was sent, or an opening, breaks; empty when none. What happens at the same moment may come before or after. */
export function brokenBy(
  allowed: Allowed,
  viewing: WalkedViewing,
  grant: WalkedGrant | undefined,
  locks: readonly WalkedLock[],
): string[] {
  if (grant === undefined) return ['there is no grant'];
  const { by, session, sentAt, answeredAt } = allowed;
  const before = (moment: number | undefined): boolean => moment !== undefined && moment <= sentAt;
  const locked = locks.some(({ recording, human, lockedAt, liftedFrom }) => {
    const mayBeLifted = liftedFrom !== undefined && liftedFrom <= answeredAt;
    return recording === viewing.recording && human === by.human && before(lockedAt) && !mayBeLifted;
  });
  const laws: readonly [boolean, string][] = [
    [viewing.by.id !== by.id, 'the viewing is another person’s'],
    [viewing.session !== session, 'the viewing was opened in another session'],
    [before(viewing.closedAt), 'the viewing was closed'],
    [grant.person !== by.id, 'the grant is another person’s'],
    [grant.recording !== viewing.recording, 'the grant is for another recording'],
    [grant.request.purpose !== viewing.purpose, 'the grant is for another purpose'],
    [before(grant.revokedAt), 'the grant was revoked'],
    [before(grant.request.endedAt), 'the request was withdrawn or closed'],
    [before(grant.expiresAt), 'the grant had ended'],
    [locked, 'the recording was locked against them'],
  ];
  return laws.filter(([broken]) => broken).map(([, law]) => law);
}

/** Which laws of deciding the approvals break by which a grant came into being. @param subjects the human beings whom the recording shows */
export function brokenByApprovals(
  request: WalkedRequest,
  approvals: readonly Approval[],
  humanOf: (account: string) => string,
  subjects: ReadonlySet<string>,
): string[] {
  const humans = approvals.map(({ by }) => humanOf(by));
  const concerned = approvals.flatMap(({ by, inPlaceOf }) => [by, ...(inPlaceOf === null ? [] : [inPlaceOf])]).map(humanOf);
  const laws: readonly [boolean, string][] = [
    [new Set(humans).size < request.need, `fewer than ${request.need} people approved it`],
    [new Set(humans).size < humans.length, 'somebody approved it twice'],
    [concerned.includes(request.by.human), 'whoever asked approved it'],
    [concerned.some((human) => subjects.has(human)), 'somebody whom it shows approved it'],
  ];
  return laws.filter(([broken]) => broken).map(([, law]) => law);
}
