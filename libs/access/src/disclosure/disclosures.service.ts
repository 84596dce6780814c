import { Inject, Injectable } from '@nestjs/common';
import { In, LessThanOrEqual, Not } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody, type Attribution, type CustodyEvent } from '#custody';
import { isReleased, RecordingOfficers, RecordingsService, type Recording } from '#evidence';
import { attribution, decide, Forbidden, system, type Caller, type PersonActor, type Resource } from '#identity';
import { Clock, CONFIG, NotFound, Outbox, UnitOfWork, type Config, type Tx } from '#platform';
import { RecordingUnknown, UntilFaulty } from '../access-problems.js';
import { DisclosureNotNow, NotReleasable } from './disclosure-problems.js';
import { Disclosure, DisclosureItem } from './disclosure.entity.js';
import {
  faultOfDisclosureUntil,
  faultOfRelease,
  isLive,
  step,
  type CopyForm,
  type DisclosureDeed,
  type DisclosureState,
  type RecipientKind,
} from './disclosure.rules.js';

export interface NewDisclosure {
  readonly items: readonly { readonly recording: string; readonly fromMs: number | null; readonly toMs: number | null }[];
  readonly recipient: {
    readonly name: string;
    readonly organisation: string;
    readonly kind: RecipientKind;
    readonly email: string | null;
  };
  readonly legalBasis: string;
  readonly conditions: string;
  readonly until: Date;
  readonly fetches: number;
  readonly form: CopyForm;
  readonly overrideReason: string | null;
}

export interface DisclosureWithItems {
  readonly disclosure: Disclosure;
  readonly items: readonly DisclosureItem[];
}

export interface DisclosureFilter {
  readonly state?: DisclosureState | undefined;
  readonly recording?: string | undefined;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What is released to people outside, and who decides it. Every step is on the chain of every recording it concerns. */
@Injectable()
export class DisclosuresService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly outbox: Outbox,
    private readonly recordings: RecordingsService,
    private readonly officers: RecordingOfficers,
    private readonly clock: Clock,
  ) {}

  /** @throws RecordingUnknown, UntilFaulty, NotReleasable, Forbidden */
  async propose(asked: NewDisclosure, actor: PersonActor, caller: Caller): Promise<DisclosureWithItems> {
    const now = this.clock.now();
    const untilFault = faultOfDisclosureUntil(asked.until, now);
    if (untilFault !== undefined) throw new UntilFaulty(untilFault);
    const recordings = new Map((await this.recordings.getMany(asked.items.map((item) => item.recording))).map((r) => [r.id, r]));
    const unknown = asked.items.filter((item) => !recordings.has(item.recording)).map((item) => item.recording);
    if (unknown.length > 0) throw new RecordingUnknown(unknown);
    await this.refuseOwnConduct([...recordings.values()], caller, now);
    const { recipient, legalBasis, conditions, until, fetches, form, overrideReason } = asked;
    const disclosure: Disclosure = {
      ...{ id: uuidv7(), state: 'proposed', recipient: recipient.name, organisation: recipient.organisation },
      ...{ kind: recipient.kind, email: recipient.email, legalBasis, conditions, form, overrideReason, until, fetches },
      ...{ fetchesBegun: 0, proposedBy: actor.id, proposedHuman: actor.human, createdAt: now },
      ...{ decidedBy: null, decidedHuman: null, decidedAt: null, decisionNote: null, problem: null },
      ...{ bucket: null, key: null, versionId: null, size: null, files: null, sha256: null, manifestSha256: null },
      ...{ packagedEntry: null, packagedAt: null, linkHash: null, linkIssuedAt: null, codeHash: null, codeTries: 0 },
      ...{ confirmedAt: null, endedAt: null, endedBy: null, endReason: null },
    };
    const items = asked.items.map((item, place): DisclosureItem => ({
      ...{ disclosureId: disclosure.id, recordingId: item.recording, place, fromMs: item.fromMs },
      toMs: item.toMs === null ? null : Math.min(item.toMs, recordings.get(item.recording)?.probe?.durationMs ?? item.toMs),
    }));
    await this.unitOfWork.run(async (tx) => {
      await this.refuseFaulty(tx, disclosure, items, recordings);
      await tx.insert(Disclosure, disclosure);
      await tx.insert(DisclosureItem, items);
      for (const { recordingId, fromMs, toMs } of items)
        await this.custody.append(
          tx,
          recordingId,
          {
            ...{ type: 'disclosure.proposed', disclosure: disclosure.id, recipient: recipient.name },
            ...{ organisation: recipient.organisation, kind: recipient.kind, legalBasis, conditions },
            ...{ until: until.toISOString(), form, fromMs, toMs },
            ...(overrideReason === null ? {} : { overrideReason }),
          },
          attribution(caller),
        );
    });
    return { disclosure, items };
  }

  /**
   * The second person's word. Asked again under the lock, and what is released is looked at again: since it was proposed, a redacted copy may
   * have been released. @throws NotFound, Forbidden, DisclosureNotNow, NotReleasable
   */
  async decide(id: string, approved: boolean, note: string | null, caller: Caller): Promise<DisclosureWithItems> {
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.lock(tx, id);
      const { actor } = caller;
      const decision = decide(actor, 'disclosure.decide', await this.facts(disclosure, items, tx), { now: this.clock.now() });
      if (!decision.allowed || actor.kind !== 'person') throw new Forbidden(decision.allowed ? 'role' : decision.reason);
      if (approved && disclosure.until <= this.clock.now()) throw new UntilFaulty('is over already');
      const decided = await this.take(tx, disclosure, approved ? 'approve' : 'refuse', {
        ...{ decidedBy: actor.id, decidedHuman: actor.human, decidedAt: this.clock.now(), decisionNote: note },
      });
      if (approved) {
        const recordings = await this.recordings.getMany(items.map(({ recordingId }) => recordingId));
        await this.refuseFaulty(tx, disclosure, items, new Map(recordings.map((recording) => [recording.id, recording])));
        const [first] = items;
        if (first !== undefined)
          await this.outbox.add(tx, 'disclose', id, { recording: first.recordingId, flagged: false, awaited: true });
      }
      await this.record(
        tx,
        items,
        approved
          ? { type: 'disclosure.approved', disclosure: id, note }
          : { type: 'disclosure.refused', disclosure: id, reason: note ?? '' },
        attribution(caller),
      );
      return { disclosure: decided, items };
    });
  }

  /** Takes effect at once, also on a fetch under way: it asks again all the time. @throws NotFound, DisclosureNotNow */
  async revoke(id: string, reason: string, actor: PersonActor, caller: Caller): Promise<DisclosureWithItems> {
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.lock(tx, id);
      const ended = { endedAt: this.clock.now(), endedBy: actor.id, endReason: reason };
      const revoked = await this.take(tx, disclosure, 'revoke', ended);
      await this.record(tx, items, { type: 'disclosure.revoked', disclosure: id, reason }, attribution(caller));
      return { disclosure: revoked, items };
    });
  }

  /** Idempotent. */
  async expire(id: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.lock(tx, id);
      if (disclosure.until > this.clock.now() || step(disclosure.state, 'expire') === undefined) return;
      await this.take(tx, disclosure, 'expire', { endedAt: this.clock.now() });
      await this.record(tx, items, { type: 'disclosure.expired', disclosure: id }, system('disclosures'));
    });
  }

  async overdue(): Promise<string[]> {
    const over = { until: LessThanOrEqual(this.clock.now()), state: Not(In(['refused', 'revoked', 'expired'])) };
    return (await this.unitOfWork.reader.find(Disclosure, { where: over, take: 100 })).map(({ id }) => id);
  }

  /** @throws NotFound */
  async get(id: string, tx: Tx = this.unitOfWork.reader): Promise<DisclosureWithItems> {
    const disclosure = await tx.findOneBy(Disclosure, { id });
    if (disclosure === null) throw new NotFound('disclosure');
    return { disclosure, items: await this.itemsOf(tx, id) };
  }

  /** Newest first. */
  async list(filter: DisclosureFilter): Promise<{ disclosures: DisclosureWithItems[]; next: string | null }> {
    const { reader } = this.unitOfWork;
    const query = reader
      .createQueryBuilder(Disclosure, 'd')
      .orderBy('d.id', 'DESC')
      .limit(filter.limit + 1);
    if (filter.state !== undefined) query.andWhere('d.state = :state', { state: filter.state });
    if (filter.after !== undefined) query.andWhere('d.id < :after', { after: filter.after });
    if (filter.recording !== undefined)
      query.andWhere('d.id IN (SELECT disclosure_id FROM disclosure_items WHERE recording_id = :recording)', {
        recording: filter.recording,
      });
    const rows = await query.getMany();
    const page = rows.slice(0, filter.limit);
    const items = await reader.find(DisclosureItem, {
      where: { disclosureId: In(page.map(({ id }) => id)) },
      order: { place: 'ASC' },
    });
    const byDisclosure = Map.groupBy(items, ({ disclosureId }) => disclosureId);
    return {
      disclosures: page.map((disclosure) => ({ disclosure, items: byDisclosure.get(disclosure.id) ?? [] })),
      next: rows.length > filter.limit ? (page.at(-1)?.id ?? null) : null,
    };
  }

  /** What the rules need to know of a disclosure. */
  async facts(
    disclosure: Disclosure,
    items: readonly DisclosureItem[],
    tx: Tx = this.unitOfWork.reader,
  ): Promise<Resource & { kind: 'disclosure' }> {
    return {
      ...{ kind: 'disclosure', recording: items[0]?.recordingId ?? disclosure.id, disclosure: disclosure.id },
      ...{ proposedBy: disclosure.proposedHuman, subjects: await this.subjects(items, tx) },
      open: isLive(disclosure, this.clock.now()),
    };
  }

  /** The human beings whose conduct is shown. */
  async subjects(items: readonly DisclosureItem[], tx: Tx = this.unitOfWork.reader): Promise<string[]> {
    return this.officers.shown(await this.recordings.getMany(items.map(({ recordingId }) => recordingId)), tx);
  }

  /** @throws NotFound */
  async lock(tx: Tx, id: string): Promise<DisclosureWithItems> {
    const disclosure = await tx.findOne(Disclosure, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (disclosure === null) throw new NotFound('disclosure');
    return { disclosure, items: await this.itemsOf(tx, id) };
  }

  /** Under the row's lock. @throws DisclosureNotNow */
  async take(tx: Tx, disclosure: Disclosure, deed: DisclosureDeed, changes: Partial<Disclosure> = {}): Promise<Disclosure> {
    const state = step(disclosure.state, deed);
    if (state === undefined) throw new DisclosureNotNow(disclosure.state);
    await tx.update(Disclosure, { id: disclosure.id }, { ...changes, state });
    return { ...disclosure, ...changes, state };
  }

  /** On the chain of every recording. @returns the entries' ids, in the order of the items */
  async record(tx: Tx, items: readonly DisclosureItem[], event: CustodyEvent, by: Attribution): Promise<string[]> {
    const entries: string[] = [];
    for (const { recordingId } of items) entries.push(await this.custody.append(tx, recordingId, event, by));
    return entries;
  }

  private async itemsOf(tx: Tx, disclosureId: string): Promise<DisclosureItem[]> {
    return tx.find(DisclosureItem, { where: { disclosureId }, order: { place: 'ASC' } });
  }

  private async refuseFaulty(
    tx: Tx,
    { kind, form, overrideReason }: Disclosure,
    items: readonly DisclosureItem[],
    recordings: ReadonlyMap<string, Recording>,
  ): Promise<void> {
    const faults: ConstructorParameters<typeof NotReleasable>[0][number][] = [];
    for (const { recordingId, fromMs, toMs } of items) {
      const recording = recordings.get(recordingId);
      if (recording === undefined) throw new RecordingUnknown([recordingId]);
      const hasRedaction = recording.parentId === null && (await this.recordings.hasReleasedRedaction(recordingId, tx));
      const durationMs = recording.probe?.durationMs ?? null;
      const sealed = recording.state === 'sealed';
      const item = { sealed, released: isReleased(recording), hasRedaction, durationMs, fromMs, toMs };
      const fault = faultOfRelease({ kind, form, overrides: overrideReason !== null }, item, this.config.DISCLOSURE_FORMS);
      if (fault !== undefined) faults.push({ recording: recordingId, fault });
    }
    if (faults.length > 0) throw new NotReleasable(faults);
  }

  /** The body names the recordings, so the guard could not ask about them. A refusal goes on record like the guard's. */
  private async refuseOwnConduct(recordings: readonly Recording[], caller: Caller, now: Date): Promise<void> {
    const action = 'disclosure.propose';
    for (const recording of recordings) {
      const subjects = await this.officers.shown([recording], this.unitOfWork.reader);
      const decision = decide(caller.actor, action, { kind: 'matter', recording: recording.id, subjects }, { now });
      if (decision.allowed) continue;
      const event = { type: 'access.refused', action, reason: decision.reason } as const;
      await this.unitOfWork.run((tx) => this.custody.append(tx, recording.id, event, attribution(caller)));
      throw new Forbidden(decision.reason);
    }
  }
}
