import type { AccessDecision, AccessRequest } from './access-request.entity.js';
import type { RequestStanding } from './access-request-items.service.js';
import type { ListedRequest } from './access-request-lists.service.js';
import type { RequestWithItems } from './access-requests.service.js';

interface Facts {
  readonly id: string;
  readonly requestedBy: string;
  readonly purpose: string;
  readonly caseNumber: string;
  readonly justification: string;
  /** What is asked for: view, view-unredacted, export, disclose. */
  readonly asked: readonly string[];
  readonly until: string;
  readonly state: string;
  /** When it has to be decided by. */
  readonly dueAt: string | null;
  readonly breakGlass: boolean;
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly reason: string | null;
  readonly createdAt: string;
  /** Null while it is a draft. */
  readonly submittedAt: string | null;
  /** When it was withdrawn, closed, revoked or over. */
  readonly closedAt: string | null;
}

export interface ItemCounts {
  readonly open: number;
  readonly granted: number;
  readonly denied: number;
}

export interface RequestView extends Facts {
  /** What the request is about; of a draft, what it names itself. */
  readonly recordings: readonly string[];
  readonly items: ItemCounts;
}

/** In a list only the first hundred recordings are named. */
export type ListedRequestView = RequestView;

export interface DecisionView {
  readonly by: string;
  /** In whose place, when it was delegated. */
  readonly inPlaceOf: string | null;
  readonly seat: string;
  readonly verdict: 'approve' | 'deny';
  readonly reason: string | null;
  /** What this person allowed of what was asked for: from when until when, and for how many viewings; null for all of it. */
  readonly from: string | null;
  readonly until: string | null;
  readonly viewings: number | null;
  readonly at: string;
}

export interface DetailedRequestView extends Facts {
  /** Recordings, a case or a search, as it was put. */
  readonly target: object;
  readonly items: readonly {
    readonly recording: string;
    readonly state: string;
    readonly sensitivity: string;
    /** As the policy was when it was asked for. */
    readonly rule: { readonly name: string; readonly seats: readonly string[]; readonly need: number };
    readonly decidedAt: string | null;
    readonly decisions: readonly DecisionView[];
  }[];
}

const at = (time: Date | null): string | null => time?.toISOString() ?? null;

function factsOf(request: AccessRequest): Facts {
  return {
    id: request.id,
    requestedBy: request.requestedBy,
    purpose: request.purpose,
    caseNumber: request.caseNumber,
    justification: request.justification,
    asked: request.asked,
    until: request.wantedUntil.toISOString(),
    state: request.state,
    dueAt: at(request.dueAt),
    breakGlass: request.breakGlass,
    decidedBy: request.decidedBy,
    decidedAt: at(request.decidedAt),
    reason: request.decisionReason,
    createdAt: request.createdAt.toISOString(),
    submittedAt: at(request.submittedAt),
    closedAt: at(request.closedAt),
  };
}

export function viewRequest({ request, items }: RequestWithItems): RequestView {
  const count = (state: string): number => items.filter((item) => item.state === state).length;
  const named = items.length > 0 ? items.map(({ recordingId }) => recordingId) : (request.target.recordings ?? []);
  const counts = { open: count('open'), granted: count('granted'), denied: count('denied') };
  return { ...factsOf(request), recordings: named, items: counts };
}

export function viewListed({ request, counts, recordings }: ListedRequest): ListedRequestView {
  return { ...factsOf(request), recordings, items: counts };
}

function viewDecision(decision: AccessDecision): DecisionView {
  return {
    by: decision.personId,
    inPlaceOf: decision.behalfOf,
    seat: decision.seat,
    verdict: decision.verdict,
    reason: decision.reason,
    from: at(decision.startsAt),
    until: at(decision.until),
    viewings: decision.viewings,
    at: decision.at.toISOString(),
  };
}

export function viewStanding({ request, items, decisions }: RequestStanding): DetailedRequestView {
  return {
    ...factsOf(request),
    target: request.target,
    items: items.map((item) => ({
      recording: item.recordingId,
      state: item.state,
      sensitivity: item.sensitivity,
      rule: item.rule,
      decidedAt: at(item.decidedAt),
      decisions: (decisions.get(item.recordingId) ?? []).map(viewDecision),
    })),
  };
}
