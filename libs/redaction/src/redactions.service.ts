import { Injectable } from '@nestjs/common';
import { isReleased, RecordingOfficers, RecordingsService } from '#evidence';
import { Forbidden, PeopleService } from '#identity';
import { JobBoard, NotFound, UnitOfWork, type JobRecord, type JobSubject, type Tx } from '#platform';
import { CopyNotReleased, PlanChanged, RedactionNotNow, RejectionUnexplained } from './redaction-problems.js';
import { Redaction, Rendering, SavedPlan } from './redaction.entity.js';
import { decideDeed, type RedactionDeed, type RedactionFacts } from './redaction.rules.js';

/** A redaction with everything on record about it. */
export interface WholeRedaction {
  readonly redaction: Redaction;
  /** Every version, oldest first. */
  readonly plans: readonly SavedPlan[];
  /** Oldest first; at most one of each version. */
  readonly renderings: readonly Rendering[];
  /** Null when nothing is being rendered. */
  readonly progress: RenderingProgress | null;
}

export interface RenderingProgress {
  readonly job: string;
  /** Whole, 0 to 100; null while the job has not said. */
  readonly percent: number | null;
  readonly secondsLeft: number | null;
}

export interface Page {
  /** The id after which the page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What is on record about redactions, and the one place where a redaction goes from one state into the next. */
@Injectable()
export class RedactionsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly people: PeopleService,
    private readonly jobs: JobBoard,
  ) {}

  /** @throws NotFound */
  async get(id: string, tx: Tx = this.unitOfWork.reader): Promise<Redaction> {
    const redaction = await tx.findOneBy(Redaction, { id });
    if (redaction === null) throw new NotFound('redaction');
    return redaction;
  }

  /** @throws NotFound */
  async whole(id: string): Promise<WholeRedaction> {
    const redaction = await this.get(id);
    const [plans, renderings] = await Promise.all([
      this.unitOfWork.reader.find(SavedPlan, { where: { redactionId: id }, order: { version: 'ASC' } }),
      this.unitOfWork.reader.find(Rendering, { where: { redactionId: id }, order: { version: 'ASC' } }),
    ]);
    return { redaction, plans, renderings, progress: await this.progressOf(redaction, renderings) };
  }

  /** @throws NotFound */
  async plan(id: string, version: number, tx: Tx = this.unitOfWork.reader): Promise<SavedPlan> {
    const plan = await tx.findOneBy(SavedPlan, { redactionId: id, version });
    if (plan === null) throw new NotFound('version of the plan');
    return plan;
  }

  /** Of one recording, oldest first. */
  async list(recordingId: string, { after, limit }: Page): Promise<{ redactions: Redaction[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Redaction, 'r')
      .where('r.recording_id = :recordingId', { recordingId })
      .orderBy('r.id', 'ASC')
      .limit(limit + 1);
    if (after !== undefined) query.andWhere('r.id > :after', { after });
    const rows = await query.getMany();
    const redactions = rows.slice(0, limit);
    return { redactions, next: rows.length > limit ? (redactions.at(-1)?.id ?? null) : null };
  }

  /** Of the version that these redactions have now, by redaction. */
  async renderingsOf(redactions: readonly Redaction[]): Promise<Map<string, Rendering>> {
    const keys = redactions.map(({ id, version }) => ({ redactionId: id, version }));
    const rows = keys.length === 0 ? [] : await this.unitOfWork.reader.findBy(Rendering, keys);
    return new Map(rows.map((row) => [row.redactionId, row]));
  }

  /** Every version that was rendered of the recording's redactions, and the one that the recording itself came from, oldest first. */
  async rendered(recordingId: string): Promise<{ plan: SavedPlan; rendering: Rendering }[]> {
    const renderings = await this.unitOfWork.reader
      .createQueryBuilder(Rendering, 'g')
      .innerJoin(Redaction, 'r', 'r.id = g.redaction_id')
      .where('r.recording_id = :recordingId OR g.result_id = :recordingId', { recordingId })
      .orderBy('g.ordered_at', 'ASC')
      .getMany();
    return Promise.all(
      renderings.map(async (rendering) => ({ rendering, plan: await this.plan(rendering.redactionId, rendering.version) })),
    );
  }

  /**
   * A copy of a copy carries everything that the first one covers or forgets to cover. Were the first never looked at by a second person, its
   * author could be the second person of the other. @throws NotFound, CopyNotReleased
   */
  async mustBeRedactable(recordingId: string): Promise<void> {
    if (!isReleased(await this.recordings.get(recordingId))) throw new CopyNotReleased();
  }

  /** Of the job that renders. Somebody waits for it. */
  async jobSubject(recordingId: string): Promise<JobSubject> {
    const { flagged } = await this.recordings.get(recordingId);
    return { recording: recordingId, flagged, awaited: true };
  }

  /** Nobody wants the result any more: what is under way is ended, what waits is not begun. */
  async stopRendering(tx: Tx, recordingId: string, rendering: Rendering): Promise<void> {
    const job = await this.jobOf(recordingId, rendering);
    if (job?.state === 'waiting' || job?.state === 'running') await this.jobs.cancel(tx, job.id);
  }

  /** What the rules need to know of a redaction. */
  async factsOf(redaction: Redaction, tx: Tx = this.unitOfWork.reader): Promise<RedactionFacts> {
    const { state, version } = redaction;
    const where = { redactionId: redaction.id };
    const saved = await tx.find(SavedPlan, { where, select: { redactionId: true, version: true, authorId: true } });
    const recording = await this.recordings.get(redaction.recordingId, tx);
    const subjects = await this.officers.shown([recording], tx);
    const authors = await this.people.humans(
      saved.map(({ authorId }) => authorId),
      tx,
    );
    return { state, version, authors, subjects };
  }

  /**
   * Locks the redaction, decides on the deed by what is true under the lock, and puts down where it leads. Whoever calls puts it on record in
   * the same transaction. @returns as it is after the deed @throws NotFound, Forbidden, RedactionNotNow, PlanChanged, RejectionUnexplained
   */
  async proceed(tx: Tx, id: string, deed: RedactionDeed, changes: Partial<Redaction> = {}): Promise<Redaction> {
    const redaction = await tx.findOne(Redaction, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (redaction === null) throw new NotFound('redaction');
    const decision = decideDeed(await this.factsOf(redaction, tx), deed);
    if (!decision.allowed) {
      switch (decision.reason) {
        case 'own-redaction':
        case 'subject-of-request':
          throw new Forbidden(decision.reason);
        case 'not-now':
          throw new RedactionNotNow(redaction.state, deed.kind);
        case 'stale-version':
          throw new PlanChanged('version' in deed ? deed.version : 0, redaction.version);
        case 'reason-missing':
          throw new RejectionUnexplained();
      }
    }
    const after = { ...changes, state: decision.to };
    await tx.update(Redaction, { id }, after);
    return Object.assign(redaction, after);
  }

  private async progressOf(
    { state, recordingId }: Redaction,
    renderings: readonly Rendering[],
  ): Promise<RenderingProgress | null> {
    const open = renderings.find(({ finishedAt }) => finishedAt === null);
    if (state !== 'rendering' || open === undefined) return null;
    const job = await this.jobOf(recordingId, open);
    return job === undefined ? null : { job: job.id, percent: job.percent, secondsLeft: job.secondsLeft };
  }

  private async jobOf(recording: string, rendering: Rendering): Promise<JobRecord | undefined> {
    const { jobs } = await this.jobs.list({ job: 'redact', recording, limit: 200 });
    return jobs.find(({ ref }) => ref === rendering.id);
  }
}
