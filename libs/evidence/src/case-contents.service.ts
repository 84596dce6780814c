import { Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody, type CustodyEvent } from '#custody';
import { attribution, PeopleService, PersonUnknown, type Caller, type PersonActor } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { CaseRecordingsUnknown } from './case-problems.js';
import { Case, CasePerson, CaseRecording } from './case.entity.js';
import { CasesService, isNamedSubject } from './cases.service.js';
import { RecordingOfficers } from './recording-officers.service.js';
import { Recording } from './recording.entity.js';

export interface CaseContents {
  readonly recordingCount: number;
  /** Ids, newest first, the first thousand; GET /api/recordings?case= has all. */
  readonly recordings: readonly string[];
  readonly people: readonly CasePerson[];
}

/** A case that a recording is in. */
export interface CaseOfRecording {
  readonly id: string;
  readonly number: string;
  readonly title: string;
}

const MOST_LISTED = 1000;

const ADD = `
  INSERT INTO case_recordings (case_id, recording_id, added_by, added_at)
  SELECT $1, recording, $3, $4 FROM unnest($2::uuid[]) AS recording ON CONFLICT DO NOTHING RETURNING recording_id AS id`;

/** Which recordings and people a case is about. Each change is on the case's chain, and on the recording's where it is about one. */
@Injectable()
export class CaseContentsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly cases: CasesService,
    private readonly people: PeopleService,
    private readonly officers: RecordingOfficers,
    private readonly clock: Clock,
  ) {}

  async of(caseId: string): Promise<CaseContents> {
    const { reader } = this.unitOfWork;
    const [count, recordings, people] = await Promise.all([
      reader.countBy(CaseRecording, { caseId }),
      reader.find(CaseRecording, { where: { caseId }, order: { recordingId: 'DESC' }, take: MOST_LISTED }),
      reader.find(CasePerson, { where: { caseId }, order: { id: 'ASC' } }),
    ]);
    return { recordingCount: count, recordings: recordings.map(({ recordingId }) => recordingId), people };
  }

  /**
   * The cases, open or closed, that each of them is in, by number; by recording id.
   * @param reader the human being who is told, and who is told of no case that names them as its subject; null for a service
   */
  async casesOf(recordingIds: readonly string[], reader: string | null): Promise<Map<string, CaseOfRecording[]>> {
    const rows = await this.unitOfWork.reader.query<(CaseOfRecording & { recording: string })[]>(
      `SELECT m.recording_id AS recording, c.id, c.number, c.title FROM case_recordings m JOIN cases c ON c.id = m.case_id
       WHERE m.recording_id = ANY($1) AND ($2::uuid IS NULL OR NOT ${isNamedSubject('$2')}) ORDER BY c.number`,
      [[...recordingIds], reader],
    );
    const byRecording = Map.groupBy(rows, ({ recording }) => recording);
    return new Map([...byRecording].map(([id, its]) => [id, its.map(({ recording: _, ...rest }) => rest)]));
  }

  /**
   * The human beings whom a case is about: who is named as its subject, and whom its recordings show. They have no part in what is made of it.
   */
  async subjects(caseId: string, on: Tx = this.unitOfWork.reader): Promise<string[]> {
    const recordings = await on
      .createQueryBuilder(Recording, 'r')
      .select(['r.id', 'r.camera', 'r.recordedAt', 'r.clockOffsetMs', 'r.officerId'])
      .where('r.id IN (SELECT recording_id FROM case_recordings WHERE case_id = :caseId)', { caseId })
      .getMany();
    return [...new Set([...(await this.named(caseId, on)), ...(await this.officers.shown(recordings, on))])];
  }

  /** The human beings who are named as its subject. */
  async named(caseId: string, on: Tx = this.unitOfWork.reader): Promise<string[]> {
    const people = await on.findBy(CasePerson, { caseId, part: 'subject' });
    return this.people.humans(
      people.flatMap(({ personId }) => personId ?? []),
      on,
    );
  }

  /** What is in the case already stays, without an entry. @returns those that were added. @throws NotFound, CaseStateDiffers, CaseRecordingsUnknown */
  async addRecordings(
    caseId: string,
    recordings: readonly string[],
    reason: string | null,
    actor: PersonActor,
    caller: Caller,
  ): Promise<string[]> {
    const asked = [...new Set(recordings)].sort();
    return this.unitOfWork.run(async (tx) => {
      const into = await this.cases.lockOpen(tx, caseId);
      const held = await tx.query<{ id: string }[]>(
        "SELECT id FROM recordings WHERE id = ANY($1) AND state IN ('sealed', 'quarantined')",
        [asked],
      );
      const known = new Set(held.map(({ id }) => id));
      const unknown = asked.filter((id) => !known.has(id));
      if (unknown.length > 0) throw new CaseRecordingsUnknown(unknown);
      const rows = await tx.query<{ id: string }[]>(ADD, [caseId, asked, actor.id, this.clock.now()]);
      const added = rows.map(({ id }) => id).sort();
      await this.onBoth(tx, into, added, (about) => ({ type: 'case.recording-added', ...about, reason }), caller);
      return added;
    });
  }

  /** What is not in the case is not taken out of it, without an entry. @returns those that were removed. @throws NotFound, CaseStateDiffers */
  async removeRecordings(caseId: string, recordings: readonly string[], reason: string, caller: Caller): Promise<string[]> {
    return this.unitOfWork.run(async (tx) => {
      const from = await this.cases.lockOpen(tx, caseId);
      const [rows] = await tx.query<[{ id: string }[], number]>(
        'DELETE FROM case_recordings WHERE case_id = $1 AND recording_id = ANY($2) RETURNING recording_id AS id',
        [caseId, [...new Set(recordings)]],
      );
      const removed = rows.map(({ id }) => id).sort();
      await this.onBoth(tx, from, removed, (about) => ({ type: 'case.recording-removed', ...about, reason }), caller);
      return removed;
    });
  }

  /** Named twice in the same part is named once. @throws NotFound, CaseStateDiffers, PersonUnknown */
  async addPerson(
    caseId: string,
    who: { readonly person: string } | { readonly name: string },
    part: string,
    caller: Caller,
  ): Promise<CasePerson> {
    const account = 'person' in who ? await this.people.get(who.person) : null;
    if ('person' in who && account === null) throw new PersonUnknown();
    const name = 'name' in who ? who.name : (account?.name ?? '');
    return this.unitOfWork.run(async (tx) => {
      const { number, title } = await this.cases.lockOpen(tx, caseId);
      const people = await tx.findBy(CasePerson, { caseId, part });
      const same = people.find((each) =>
        account === null
          ? each.personId === null && each.name.toLowerCase() === name.toLowerCase()
          : each.personId === account.id,
      );
      if (same !== undefined) return same;
      const named = { id: uuidv7(), caseId, personId: account?.id ?? null, name, part, addedAt: this.clock.now() };
      await tx.insert(CasePerson, named);
      const event = { type: 'case.person-added', number, title, person: named.personId, name, part } as const;
      await this.custody.append(tx, caseId, event, attribution(caller));
      return named;
    });
  }

  /** @param id of the naming, as `addPerson` returned it. @throws NotFound, CaseStateDiffers */
  async removePerson(caseId: string, id: string, reason: string, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { number, title } = await this.cases.lockOpen(tx, caseId);
      const named = await tx.findOneBy(CasePerson, { id, caseId });
      if (named === null) throw new NotFound('person in this case');
      await tx.delete(CasePerson, { id });
      const { personId: person, name, part } = named;
      const event = { type: 'case.person-removed', number, title, person, name, part, reason } as const;
      await this.custody.append(tx, caseId, event, attribution(caller));
    });
  }

  private async onBoth(
    tx: Tx,
    { id, number, title }: Case,
    recordings: readonly string[],
    eventOf: (about: { case: string; number: string; title: string; recording: string }) => CustodyEvent,
    caller: Caller,
  ): Promise<void> {
    const entries = recordings.flatMap((recording) => {
      const event = eventOf({ case: id, number, title, recording });
      return [id, recording].map((subject) => ({ subject, event }));
    });
    await this.custody.appendAll(tx, entries, attribution(caller));
  }
}
