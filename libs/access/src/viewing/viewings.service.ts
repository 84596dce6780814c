import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { LessThan } from 'typeorm';
import { Custody, type Attribution, type CustodyEvent } from '#custody';
import type { GrantAction, Resource } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { FOOTAGE_COLUMNS, footageFacts, type FootageRow } from '../grants/footage.service.js';
import { Grant } from '../grants/grant.entity.js';
import type { momentsAt } from './idle-viewings.rules.js';
import { originalSpans, summarise, type Delivered } from './viewing-ranges.rules.js';
import { ViewingReport } from './viewing-report.entity.js';
import { totalOf } from './viewing-reports.rules.js';
import { ViewingStreams } from './viewing-streams.js';
import { Viewing, ViewingDelivery, type ViewingOf } from './viewing.entity.js';

/** A viewing as it is at the moment, with what the rules need to know of it. */
export interface ViewingStanding {
  readonly id: string;
  readonly of: ViewingOf;
  /** False until its entry is where it has to be before anything is sent. */
  readonly ready: boolean;
  readonly resource: Resource & { readonly kind: 'viewing' };
}

/** What goes on record of a viewing that ends. */
export type ClosedViewing = Delivered & Pick<Extract<CustodyEvent, { type: 'viewing.closed' }>, 'reported' | 'original'>;

interface StandingRow extends FootageRow {
  readonly of: ViewingOf;
  readonly ready: boolean;
  readonly person: string;
  readonly session: string;
  readonly closedAt: Date | null;
  readonly grant: string;
  readonly grantPerson: string;
  readonly grantRecording: string;
  readonly actions: GrantAction[];
  readonly startsAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
  readonly viewingsLeft: number | null;
}

// One statement: it is asked before every segment, by the guard and again under the lock.
const STANDING = `SELECT v.of, v.ready_at IS NOT NULL AS ready, v.person_id AS person,
    v.session_id AS session, v.closed_at AS "closedAt", g.id AS "grant", g.person_id AS "grantPerson",
    g.recording_id AS "grantRecording", g.actions, g.starts_at AS "startsAt", g.expires_at AS "expiresAt", g.revoked_at AS "revokedAt",
    g.max_viewings - g.viewings_opened AS "viewingsLeft", ${FOOTAGE_COLUMNS}
  FROM viewings v JOIN grants g ON g.id = v.grant_id JOIN recordings r ON r.id = v.recording_id WHERE v.id = $1`;

/** Over by themselves: nobody is there any more, or nobody may be. The quiet moment lets what is being sent be counted first. */
const OVER = `SELECT v.id FROM viewings v JOIN grants g ON g.id = v.grant_id JOIN sessions s ON s.id = v.session_id
  WHERE v.closed_at IS NULL AND (v.last_seen_at < $1 OR v.last_seen_at > $4 OR v.last_seen_at < $2 AND (
    g.revoked_at IS NOT NULL OR g.expires_at <= $3 OR s.ended_at IS NOT NULL OR s.expires_at <= $3
    OR EXISTS (SELECT FROM recording_locks l JOIN people p ON p.id = v.person_id
      WHERE l.recording_id IN (v.recording_id, (SELECT r.parent_id FROM recordings r WHERE r.id = v.recording_id))
        AND l.lifted_at IS NULL AND l.human_id = coalesce(p.same_as, p.id))))
  ORDER BY v.last_seen_at LIMIT 500`;

/** What is known of viewings, and what goes on record of them while they go on and when they end. */
@Injectable()
export class ViewingsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly streams: ViewingStreams,
    private readonly clock: Clock,
  ) {}

  /** What a viewing is of, which never changes. @throws NotFound */
  async get(id: string): Promise<Pick<Viewing, 'of' | 'renditionId' | 'recordingId'>> {
    const select = { id: true, of: true, renditionId: true, recordingId: true } as const;
    const viewing = await this.unitOfWork.reader.findOne(Viewing, { where: { id }, select });
    if (viewing === null) throw new NotFound('viewing');
    return viewing;
  }

  /**
   * A viewing with its grant and the footage as they are now. Within `tx` it is locked, as closing locks it: what is allowed then is on record
   * before the viewing's end is. @param of what is asked for, where that is not what the viewing is of. @throws NotFound
   */
  async standing(id: string, { of, tx }: { readonly of?: ViewingOf; readonly tx?: Tx } = {}): Promise<ViewingStanding> {
    const [row] = await (tx === undefined
      ? this.unitOfWork.reader.query<StandingRow[]>(STANDING, [id])
      : tx.query<StandingRow[]>(`${STANDING} FOR NO KEY UPDATE OF v`, [id]));
    if (row === undefined) throw new NotFound('viewing');
    const { person, session, closedAt, actions, startsAt, expiresAt, revokedAt, viewingsLeft } = row;
    const grant = { id: row.grant, person: row.grantPerson, recording: row.grantRecording };
    return {
      id,
      of: row.of,
      ready: row.ready,
      resource: {
        kind: 'viewing',
        person,
        session,
        closedAt,
        grant: { ...grant, actions, startsAt, expiresAt, revokedAt, viewingsLeft },
        ...footageFacts(row, of ?? row.of),
      },
    };
  }

  /** Idempotent. What was delivered and reported goes on record. @throws NotFound */
  async close(id: string, closedBy: 'viewer' | 'service', by: Attribution): Promise<ClosedViewing> {
    await this.streams.settle(id);
    return this.unitOfWork.run(async (tx) => {
      const viewing = await this.lock(tx, id);
      const summary = await this.summary(tx, viewing);
      if (viewing.closedAt !== null) return summary;
      await tx.update(Viewing, { id }, { closedAt: this.clock.now() });
      // Whoever opened it died before it was open: nobody was told of it, nothing was sent in it, and it does not count.
      if (viewing.readyAt === null) await tx.decrement(Grant, { id: viewing.grantId }, 'viewingsOpened', 1);
      await this.custody.append(tx, viewing.recordingId, { type: 'viewing.closed', viewing: id, ...summary, closedBy }, by);
      return summary;
    });
  }

  /** Puts on record what was sent and reported so far, if that is more than was on record before. Once, whoever else does it. */
  async progress(id: string, notSince: Date, by: Attribution): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const viewing = await this.lock(tx, id);
      if (viewing.closedAt !== null || viewing.progressedAt > notSince) return;
      const { delivered, stills, files, bytes, reported, original } = await this.summary(tx, viewing);
      const soFar = {
        ...{ delivered, stills, reported: reported?.played ?? [], files, bytes },
        ...(original === undefined ? {} : { original }),
      };
      const isNews = files > 0 && !isDeepStrictEqual(soFar, viewing.progress);
      await tx.update(Viewing, { id }, { progressedAt: this.clock.now(), ...(isNews ? { progress: soFar } : {}) });
      if (isNews) await this.custody.append(tx, viewing.recordingId, { type: 'viewing.progressed', viewing: id, ...soFar }, by);
    });
  }

  /** Open viewings that gave a sign of life since they were last looked at, which was before `notSince`. */
  async toProgress(notSince: Date): Promise<string[]> {
    const found = await this.unitOfWork.reader
      .createQueryBuilder(Viewing, 'v')
      .select('v.id', 'id')
      .where({ progressedAt: LessThan(notSince) })
      .andWhere('v.closed_at IS NULL AND v.last_seen_at > v.progressed_at')
      .orderBy('v.progressed_at')
      .limit(500)
      .getRawMany<{ id: string }>();
    return found.map(({ id }) => id);
  }

  /** Open viewings without a sign of life since `idleSince`, and such as have no right to go on and have been quiet since `quietSince`. */
  async over({ idleSince, quietSince, aheadOf }: ReturnType<typeof momentsAt>): Promise<string[]> {
    const times = [idleSince, quietSince, this.clock.now(), aheadOf];
    const found = await this.unitOfWork.reader.query<{ id: string }[]>(OVER, times);
    return found.map(({ id }) => id);
  }

  private async lock(tx: Tx, id: string): Promise<Viewing> {
    const viewing = await tx.findOne(Viewing, { where: { id }, lock: { mode: 'for_no_key_update' } });
    if (viewing === null) throw new NotFound('viewing');
    return viewing;
  }

  private async summary(tx: Tx, { id: viewingId, of }: Viewing): Promise<ClosedViewing> {
    const deliveries = await tx.findBy(ViewingDelivery, { viewingId });
    const sent = summarise(deliveries);
    if (of === 'original') return { ...sent, original: originalSpans(deliveries) };
    return { ...sent, reported: totalOf(await tx.findBy(ViewingReport, { viewingId, refused: false })) };
  }
}
