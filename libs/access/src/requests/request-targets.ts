import { Injectable } from '@nestjs/common';
import {
  CaseContentsService,
  CaseSensitivity,
  isReleased,
  Recording,
  RecordingSearches,
  type RecordingSearch,
  type Sensitivity,
} from '#evidence';
import { decide, Forbidden, type Action, type Caller, type Resource } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { In } from 'typeorm';
import { RecordingUnknown } from '../access-problems.js';
import { Refused } from './refusals-on-record.js';
import { CaseUnknown, NothingToAskFor, TooManyToAskFor } from './request-target-problems.js';

/** What an access request is about. One of the three. */
export interface RequestTarget {
  readonly recordings?: readonly string[] | undefined;
  /** The case's id. */
  readonly case?: string | undefined;
  readonly search?: RecordingSearch | undefined;
}

/** A sealed recording that is asked for: what the policy, and whoever asks whom it shows, need to know of it. */
export type TargetRecording = Pick<
  Recording,
  'id' | 'camera' | 'recordedAt' | 'clockOffsetMs' | 'officerId' | 'origin' | 'parentId' | 'releasedAt'
> & { readonly sensitivity: Sensitivity };

/** Recordings that one request may name, in whatever way. */
export const MOST_RECORDINGS = 10_000;

const FACTS = ['id', 'camera', 'recordedAt', 'clockOffsetMs', 'officerId', 'origin', 'parentId', 'releasedAt'] as const;

/** What is meant by a request's target, at this moment: what is sealed later is not part of it. */
@Injectable()
export class RequestTargets {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly searches: RecordingSearches,
    private readonly cases: CaseContentsService,
    private readonly sensitivity: CaseSensitivity,
    private readonly clock: Clock,
  ) {}

  /**
   * Sealed recordings, each once, in the order of their ids. A case and a search are for whoever may see what they hold, and leave out redactions
   * that nobody released; a recording that was named is there in any case. @param on the open transaction, if there is one
   * @throws RecordingUnknown, CaseUnknown, NothingToAskFor, TooManyToAskFor, Refused
   */
  async resolve(target: RequestTarget, caller: Caller, on: Tx = this.unitOfWork.reader): Promise<readonly TargetRecording[]> {
    const ids = await this.idsOf(target, caller, on);
    if (ids.length > MOST_RECORDINGS) throw new TooManyToAskFor(MOST_RECORDINGS);
    const rows = await on.find(Recording, {
      select: Object.fromEntries(FACTS.map((fact) => [fact, true])),
      where: { id: In([...ids]), state: 'sealed' },
      order: { id: 'ASC' },
    });
    if (target.recordings !== undefined) {
      const known = new Set(rows.map(({ id }) => id));
      const unknown = ids.filter((id) => !known.has(id));
      if (unknown.length > 0) throw new RecordingUnknown(unknown.slice(0, 100));
    }
    const meant = target.recordings === undefined ? rows.filter(isReleased) : rows;
    if (meant.length === 0) throw new NothingToAskFor(target.search !== undefined);
    const sensitivity = await this.sensitivity.of(
      meant.map(({ id }) => id),
      on,
    );
    return meant.map((row) => ({ ...row, sensitivity: sensitivity.get(row.id) ?? 'normal' }));
  }

  private async idsOf(target: RequestTarget, caller: Caller, on: Tx): Promise<readonly string[]> {
    if (target.recordings !== undefined) return [...new Set(target.recordings)];
    for (const id of [target.case, ...(target.search ?? []).map((criteria) => criteria.case)]) {
      if (id === undefined) continue;
      const subjects = await this.cases.named(id, on);
      this.refuseUnless('case.read', { kind: 'matter', recording: id, subjects }, caller);
    }
    if (target.case !== undefined) {
      const known = await on.query<{ id: string }[]>('SELECT id FROM cases WHERE id = $1', [target.case]);
      if (known.length === 0) throw new CaseUnknown(target.case);
    } else this.refuseUnless('recording.search', { kind: 'none' }, caller);
    const search = target.case !== undefined ? [{ case: target.case }] : (target.search ?? []);
    return this.searches.matching(search, { states: ['sealed'], released: true }, MOST_RECORDINGS + 1, on);
  }

  private refuseUnless(action: Action, resource: Resource, { actor }: Caller): void {
    const decision = decide(actor, action, resource, { now: this.clock.now() });
    // The body says what is looked through, so the guard could not ask. It goes on the record of whoever tried, like all that names no recording.
    if (!decision.allowed)
      throw 'id' in actor ? new Refused([{ subject: actor.id, reason: decision.reason }]) : new Forbidden(decision.reason);
  }
}
