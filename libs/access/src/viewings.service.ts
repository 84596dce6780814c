import { Transform, type Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { LessThan, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody, CustodyLog, type Attribution } from '#custody';
import { RecordingsService, RenditionsService } from '#evidence';
import { attribution, decide, Forbidden, type Caller, type PersonActor, type Resource } from '#identity';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import type { Purpose } from './access-request.rules.js';
import { PurposeDiffers } from './access-problems.js';
import { Footage } from './footage.service.js';
import { factsOf, GrantsService } from './grants.service.js';
import { isStill, summarise, type Delivered } from './viewing-ranges.rules.js';
import { Viewing, ViewingDelivery } from './viewing.entity.js';

export interface OpenedViewing {
  readonly viewing: Viewing;
  readonly expiresAt: Date;
  /** Names of files beside playlist and poster that this copy has. */
  readonly extras: ReadonlySet<string>;
}

/** What goes on record of a file that is sent. */
export interface SentFile {
  readonly name: string;
  /** Which part of the recording it shows, where it shows one. */
  readonly startMs: number | null;
  readonly durationMs: number | null;
  readonly size: number;
  readonly contentType: string;
}

export interface DeliveredFile {
  readonly stream: Readable;
  readonly contentType: string;
  readonly size: number;
}

const ACCOUNTING_MS = 2000;

/** The one door to footage. DESIGN.md §6 rule 2 */
@Injectable()
export class ViewingsService {
  private readonly logger = new Logger('Viewings');
  /** Deliveries of this process that are not yet accounted for, by viewing. */
  private readonly underWay = new Map<string, Set<Promise<void>>>();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly recordings: RecordingsService,
    private readonly renditions: RenditionsService,
    private readonly footage: Footage,
    private readonly grants: GrantsService,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the viewing's entry has its place in the log: only then may a byte be sent. @throws Forbidden, PurposeDiffers, NoRendition, LogBehind */
  async open(recordingId: string, purpose: Purpose, actor: PersonActor, caller: Caller): Promise<OpenedViewing> {
    const rendition = await this.renditions.playable(recordingId);
    const extras = await this.renditions.having(rendition.id, ['sprite.vtt', 'waveform.json']);
    const { opened, entry } = await this.unitOfWork.run(async (tx) => {
      const now = this.clock.now();
      const grant = await this.grants.best(actor.id, recordingId, tx);
      const facts = await this.footage.facts(recordingId, 'playback', tx);
      const footage = { kind: 'footage', grant: grant === null ? null : factsOf(grant), ...facts } as const;
      const decision = decide(actor, 'viewing.open', footage, { now });
      if (!decision.allowed || grant === null) throw new Forbidden(decision.allowed ? 'no-grant' : decision.reason);
      if (grant.purpose !== purpose) throw new PurposeDiffers(grant.purpose);
      const viewing: Viewing = {
        id: uuidv7(),
        grantId: grant.id,
        personId: actor.id,
        sessionId: actor.session,
        recordingId,
        renditionId: rendition.id,
        purpose,
        openedAt: now,
        lastSeenAt: now,
        closedAt: null,
      };
      await tx.insert(Viewing, viewing);
      const event = {
        type: 'viewing.opened',
        viewing: viewing.id,
        grant: grant.id,
        purpose,
        caseNumber: grant.caseNumber,
      } as const;
      return {
        opened: { viewing, expiresAt: grant.expiresAt, extras },
        entry: await this.custody.append(tx, recordingId, event, attribution(caller)),
      };
    });
    await this.log.sequenced(entry);
    return opened;
  }

  /** @throws NotFound */
  async get(id: string): Promise<Viewing> {
    const viewing = await this.unitOfWork.reader.findOneBy(Viewing, { id });
    if (viewing === null) throw new NotFound('viewing');
    return viewing;
  }

  /** What the rules need to know of a viewing, with its grant as it is now. @throws NotFound */
  async facts(viewing: Viewing, tx: Tx = this.unitOfWork.reader): Promise<Resource & { kind: 'viewing' }> {
    const grant = await this.grants.get(viewing.grantId, tx);
    if (grant === null) throw new NotFound('grant');
    return {
      kind: 'viewing',
      person: viewing.personId,
      session: viewing.sessionId,
      closedAt: viewing.closedAt,
      grant: factsOf(grant),
      ...(await this.footage.facts(viewing.recordingId, 'playback', tx)),
    };
  }

  /** One file of the playback copy. @throws NotFound, Forbidden */
  async deliver(id: string, name: string, caller: Caller): Promise<DeliveredFile> {
    const { renditionId, recordingId } = await this.get(id);
    const file = await this.renditions.file(renditionId, name);
    // Copies made before stills had a place show some part of the recording all the same: which, nobody knows any more.
    const whole = isStill(name) && file.startMs === null ? await this.lengthOf(recordingId) : null;
    const sent = whole === null ? file : { ...file, startMs: 0, durationMs: whole };
    return this.send(id, sent, () => this.renditions.open(file), caller);
  }

  /** That a file was sent is on record before its first byte, and how much of it when it has ended. @throws NotFound, Forbidden */
  async send(id: string, file: SentFile, open: () => Promise<Readable>, caller: Caller): Promise<DeliveredFile> {
    const { size, contentType } = file;
    const delivery = await this.admit(id, file, caller);
    const source = await open();
    let sent = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _, next): void {
        sent += chunk.length;
        next(null, chunk);
      },
    });
    source.on('error', (error) => counted.destroy(error));
    // Not events.once: an aborted connection is an error to it, and is just what we want to count.
    const closed = new Promise<void>((resolve) => counted.once('close', resolve).on('error', () => undefined));
    const ended = closed.then(async () => {
      source.destroy();
      await this.unitOfWork.reader.update(ViewingDelivery, { id: delivery }, { sent });
    });
    this.account(id, ended);
    return { stream: source.pipe(counted), contentType, size };
  }

  /** Idempotent. What was delivered goes on record. */
  async close(id: string, closedBy: 'viewer' | 'service', by: Attribution): Promise<Delivered> {
    // The viewer has the last byte a moment before we have noted it.
    await Promise.race([Promise.all([...(this.underWay.get(id) ?? [])]), setTimeout(ACCOUNTING_MS, undefined, { ref: false })]);
    return this.unitOfWork.run(async (tx) => {
      const viewing = await tx.findOne(Viewing, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (viewing === null) throw new NotFound('viewing');
      const summary = summarise(await tx.findBy(ViewingDelivery, { viewingId: id }));
      if (viewing.closedAt !== null) return summary;
      await tx.update(Viewing, { id }, { closedAt: this.clock.now() });
      await this.custody.append(tx, viewing.recordingId, { type: 'viewing.closed', viewing: id, ...summary, closedBy }, by);
      return summary;
    });
  }

  /**
   * Asks again, under the lock that closing takes: since the guard asked, the viewing may have been closed, and what is sent after that would
   * be on no record. Drawing a preview takes seconds. @returns the delivery's id
   */
  private async admit(id: string, { name, startMs, durationMs, size }: SentFile, caller: Caller): Promise<string> {
    const action = 'viewing.watch';
    const asked = await this.unitOfWork.run(async (tx) => {
      const viewing = await tx.findOne(Viewing, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (viewing === null) throw new NotFound('viewing');
      const now = this.clock.now();
      const decision = decide(caller.actor, action, await this.facts(viewing, tx), { now });
      if (!decision.allowed) {
        const event = { type: 'access.refused', action, reason: decision.reason } as const;
        await this.custody.append(tx, viewing.recordingId, event, attribution(caller));
        return decision;
      }
      const delivery = tx.create(ViewingDelivery, { viewingId: id, name, startMs, durationMs, size, sent: null, at: now });
      await tx.save(delivery);
      await tx.update(Viewing, { id }, { lastSeenAt: now });
      return { ...decision, delivery: delivery.id };
    });
    if (!asked.allowed) throw new Forbidden(asked.reason);
    return asked.delivery;
  }

  private async lengthOf(recordingId: string): Promise<number | null> {
    return (await this.recordings.get(recordingId)).probe?.durationMs ?? null;
  }

  private account(viewingId: string, ended: Promise<void>): void {
    const deliveries = this.underWay.get(viewingId) ?? new Set();
    this.underWay.set(viewingId, deliveries);
    const settled = ended
      .catch((error: unknown) =>
        this.logger.error({ err: error, viewing: viewingId }, 'how much was sent could not be stored; it counts as sent'),
      )
      .finally(() => {
        deliveries.delete(settled);
        if (deliveries.size === 0) this.underWay.delete(viewingId);
      });
    deliveries.add(settled);
  }

  /** Open viewings that have asked for nothing since `before`. */
  async idleSince(before: Date): Promise<Viewing[]> {
    return this.unitOfWork.reader.findBy(Viewing, { closedAt: IsNull(), lastSeenAt: LessThan(before) });
  }
}
