import { Injectable } from '@nestjs/common';
import { IsNull, LessThan } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { RecordingOfficers, RecordingsService } from '#evidence';
import {
  attribution,
  decide,
  PeopleService,
  PersonUnknown,
  type Action,
  type Actor,
  type Caller,
  type PersonActor,
  type Resource,
} from '#identity';
import { Clock, isUniqueViolation, NotFound, UnitOfWork, type Tx } from '#platform';
import { AlreadyLocked, LockLifted, StatementMissing, StatementRecorded } from './recording-lock-problems.js';
import { RecordingLock } from './recording-lock.entity.js';
import { Refused, RefusalsOnRecord } from '../requests/refusals-on-record.js';
import { whyNotLifted, whyNotStated } from './recording-lock.rules.js';

/** Keeps officers from recordings of what they are to make a statement about, whatever grants and accounts they have. */
@Injectable()
export class RecordingLocksService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly people: PeopleService,
    private readonly refusals: RefusalsOnRecord,
    private readonly clock: Clock,
  ) {}

  /** Takes effect at once, also on viewings under way: every segment asks again. @throws PersonUnknown, AlreadyLocked, Forbidden, NotFound */
  async set(named: string, personId: string, reason: string, actor: PersonActor, caller: Caller): Promise<RecordingLock> {
    const person = await this.people.get(personId);
    if (person === null) throw new PersonUnknown();
    const recordingId = await this.original(named);
    const lock: RecordingLock = {
      id: uuidv7(),
      recordingId,
      personId,
      humanId: person.sameAs ?? person.id,
      reason,
      lockedBy: actor.id,
      lockedAt: this.clock.now(),
      statement: null,
      statementAt: null,
      liftedBy: null,
      liftedAt: null,
      liftReason: null,
    };
    try {
      await this.refusals.of('lock.set', caller, () =>
        this.unitOfWork.run(async (tx) => {
          // The body says whom it is about, so the guard could not ask whether that is whoever asks.
          await this.ask(tx, 'lock.set', lock, actor);
          await tx.insert(RecordingLock, lock);
          const event = { type: 'recording.locked', lock: lock.id, person: personId, personName: person.name, reason } as const;
          await this.custody.append(tx, recordingId, event, attribution(caller));
        }),
      );
    } catch (error) {
      if (!isUniqueViolation(error, 'recording_locks_open')) throw error;
      const { humanId } = lock;
      const open = await this.unitOfWork.reader.findOneBy(RecordingLock, { recordingId, humanId, liftedAt: IsNull() });
      throw new AlreadyLocked(open?.id ?? null);
    }
    return lock;
  }

  /** Open and lifted, newest first. */
  async list(
    named: string,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<{ locks: RecordingLock[]; next: string | null }> {
    const recordingId = await this.original(named);
    const rows = await this.unitOfWork.reader.find(RecordingLock, {
      where: { recordingId, ...(after === undefined ? {} : { id: LessThan(after) }) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const locks = rows.slice(0, limit);
    return { locks, next: rows.length > limit ? (locks.at(-1)?.id ?? null) : null };
  }

  /** Whom a recording shows decides nothing about locks on it, nor does whom it is locked against. @throws NotFound */
  async facts(id: string, tx: Tx = this.unitOfWork.reader): Promise<Resource & { kind: 'matter' }> {
    const lock = await tx.findOneBy(RecordingLock, { id });
    if (lock === null) throw new NotFound('lock');
    return this.matter(lock, tx);
  }

  /** @throws NotFound, Forbidden, LockLifted, StatementRecorded */
  async recordStatement(id: string, statement: string, caller: Caller): Promise<RecordingLock> {
    return this.change(id, 'lock.record-statement', caller, async (tx, lock) => {
      const fault = whyNotStated(lock);
      if (fault === 'lifted') throw new LockLifted();
      if (lock.statementAt !== null) throw new StatementRecorded(lock.statementAt);
      const noted = { statement, statementAt: this.clock.now() };
      await tx.update(RecordingLock, { id }, noted);
      const event = { type: 'recording.statement-recorded', lock: id, person: lock.personId, statement } as const;
      await this.custody.append(tx, lock.recordingId, event, attribution(caller));
      return { ...lock, ...noted };
    });
  }

  /** @throws NotFound, Forbidden, LockLifted, StatementMissing */
  async lift(id: string, reason: string, override: boolean, actor: PersonActor, caller: Caller): Promise<RecordingLock> {
    return this.change(id, 'lock.lift', caller, async (tx, lock) => {
      const fault = whyNotLifted(lock, override);
      if (fault === 'lifted') throw new LockLifted();
      if (fault === 'no-statement') throw new StatementMissing();
      const lifted = { liftedBy: actor.id, liftedAt: this.clock.now(), liftReason: reason };
      await tx.update(RecordingLock, { id }, lifted);
      const without = lock.statementAt === null ? { withoutStatement: true } : {};
      const event = { type: 'recording.unlocked', lock: id, person: lock.personId, reason, ...without } as const;
      await this.custody.append(tx, lock.recordingId, event, attribution(caller));
      return { ...lock, ...lifted };
    });
  }

  /** With the row held, and the question asked again under it: shift sheets may have been entered since the guard asked. */
  private async change(
    id: string,
    action: Action,
    caller: Caller,
    work: (tx: Tx, lock: RecordingLock) => Promise<RecordingLock>,
  ): Promise<RecordingLock> {
    return this.refusals.of(action, caller, () =>
      this.unitOfWork.run(async (tx) => {
        const lock = await tx.findOne(RecordingLock, { where: { id }, lock: { mode: 'pessimistic_write' } });
        if (lock === null) throw new NotFound('lock');
        await this.ask(tx, action, lock, caller.actor);
        return work(tx, lock);
      }),
    );
  }

  /** @throws Refused */
  private async ask(tx: Tx, action: Action, lock: RecordingLock, actor: Actor): Promise<void> {
    const decision = decide(actor, action, await this.matter(lock, tx), { now: this.clock.now() });
    if (!decision.allowed) throw new Refused([{ subject: lock.recordingId, reason: decision.reason }]);
  }

  /** Whoever may not see a copy of which part is covered may see the original even less, and a lock on that holds for its copies too. */
  private async original(named: string): Promise<string> {
    const { id, parentId } = await this.recordings.get(named);
    return parentId ?? id;
  }

  private async matter({ recordingId, humanId }: RecordingLock, tx: Tx): Promise<Resource & { kind: 'matter' }> {
    const shown = await this.officers.shown([await this.recordings.get(recordingId, tx)], tx);
    return { kind: 'matter', recording: recordingId, subjects: [...shown, humanId] };
  }
}
