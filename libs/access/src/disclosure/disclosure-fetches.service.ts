import { Transform, type Readable } from 'node:stream';
import { Injectable, Logger } from '@nestjs/common';
import { IsNull, LessThan, MoreThan } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { CustodyLog, type ByteSpan } from '#custody';
import { PackageStore } from '#evidence';
import { attribution, decide, Forbidden, RecipientSessions, system, type Caller } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { DisclosureNotNow } from './disclosure-problems.js';
import { continues, isWhole, spansOf } from './disclosure-fetch.rules.js';
import { Disclosure, DisclosureFetch, DisclosureSending } from './disclosure.entity.js';
import { isLive } from './disclosure.rules.js';
import { DisclosuresService } from './disclosures.service.js';

/** How often a sending says how far it is, and asks whether it may go on. */
const ASKING_MS = 400;
/** A sending that has said nothing for so long belongs to a process that is gone. */
const GONE_MS = 30_000;
/** A recipient whose connection broke comes back within this time; after it, they begin another fetch. */
const IDLE_MS = 30 * 60_000;
const MOST_AT_ONCE = 100;
/** Somebody who has taken nothing for so long has gone without a word. */
const STALLED_MS = 10 * 60_000;

interface Admitted {
  readonly sending: string;
  readonly fetch: string;
  /** The entries that have to be in the log, for good, before the first byte. */
  readonly entry: string;
  /** Whoever fetches came in by it. A new link ends it; that its time is over does not stop what is under way. */
  readonly session: string;
}

class TakenBack extends Error {}

/** Sends packages to recipients: counted, on record before the first byte, and stopped in the middle when they are taken back. */
@Injectable()
export class DisclosureFetches {
  private readonly logger = new Logger('DisclosureFetches');

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly log: CustodyLog,
    private readonly disclosures: DisclosuresService,
    private readonly packages: PackageStore,
    private readonly sessions: RecipientSessions,
    private readonly clock: Clock,
  ) {}

  /** @throws NotFound, DisclosureNotNow when there is no package */
  async size(id: string): Promise<{ size: number; sha256: string }> {
    const { disclosure } = await this.disclosures.get(id);
    const { size, sha256, state } = disclosure;
    if (size === null || sha256 === null) throw new DisclosureNotNow(state);
    return { size, sha256: sha256.toString('hex') };
  }

  /** The bytes asked for. @throws Forbidden, on record; LogBehind, WitnessesBehind, ReleaseRefused, StorageUnavailable: then nothing was sent */
  async send(id: string, span: ByteSpan, caller: Caller): Promise<Readable> {
    const admitted = await this.admit(id, span, caller);
    try {
      const { index } = await this.log.sequenced(admitted.entry);
      await this.log.checkpointCovering(index);
      const { disclosure } = await this.disclosures.get(id);
      const { bucket, key, versionId } = disclosure;
      if (bucket === null || key === null || versionId === null) throw new DisclosureNotNow(disclosure.state);
      // The witnesses may have taken their time, and it may have been taken back meanwhile.
      if (!isLive(disclosure, this.clock.now())) throw new Forbidden('disclosure-over');
      const source = await this.packages.open({ bucket, key, versionId }, { start: span.first, end: span.last });
      return this.counted(id, admitted, source);
    } catch (error) {
      await this.settle(id, admitted, 0);
      throw error;
    }
  }

  /** Ends fetches that nobody goes on with, and takes note of sendings whose process is gone. */
  async endIdle(): Promise<void> {
    const before = new Date(this.clock.now().getTime() - IDLE_MS);
    const idle = await this.unitOfWork.reader.find(DisclosureFetch, {
      where: { endedAt: IsNull(), lastAt: LessThan(before) },
      order: { lastAt: 'ASC' },
      take: MOST_AT_ONCE,
    });
    for (const { id, disclosureId } of idle)
      await this.unitOfWork.run(async (tx) => {
        await this.disclosures.lock(tx, disclosureId);
        const fetch = await tx.findOneByOrFail(DisclosureFetch, { id });
        if (fetch.endedAt !== null || fetch.lastAt >= before) return;
        // Gigabytes over a slow line take hours, and nobody goes away meanwhile.
        const isUnderWay = (await this.sendings(tx, id)).some(({ running }) => running);
        if (!isUnderWay) await this.end(tx, fetch);
      });
  }

  /** Asked again under the disclosure's lock: of two fetches at once with one left, one is begun. */
  private async admit(id: string, span: ByteSpan, caller: Caller): Promise<Admitted> {
    const action = 'disclosure.fetch';
    const asked = await this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      const now = this.clock.now();
      const decision = decide(caller.actor, action, await this.disclosures.facts(disclosure, items, tx), { now });
      const fetch = decision.allowed ? await this.fetchFor(tx, disclosure, span, caller) : undefined;
      if (fetch === undefined) {
        const reason = decision.allowed ? 'disclosure-over' : decision.reason;
        await this.disclosures.record(tx, items, { type: 'access.refused', action, reason }, attribution(caller));
        return { refused: reason };
      }
      const sending: DisclosureSending = { id: uuidv7(), fetchId: fetch.id, ...span, sent: 0, running: true, at: now };
      await tx.insert(DisclosureSending, sending);
      await tx.update(DisclosureFetch, { id: fetch.id }, { lastAt: now });
      return { sending: sending.id, fetch: fetch.id, entry: fetch.begunEntry };
    });
    if ('refused' in asked) throw new Forbidden(asked.refused);
    return { ...asked, session: caller.actor.kind === 'recipient' ? caller.actor.session : '' };
  }

  /** The fetch that this goes on with, else a new one; undefined when there are none left. */
  private async fetchFor(tx: Tx, disclosure: Disclosure, span: ByteSpan, caller: Caller): Promise<DisclosureFetch | undefined> {
    const now = this.clock.now();
    // Also one that has ended: that we handed over the last byte does not say that it arrived.
    const recent = await tx.find(DisclosureFetch, {
      where: { disclosureId: disclosure.id, lastAt: MoreThan(new Date(now.getTime() - IDLE_MS)) },
      order: { begunAt: 'DESC' },
    });
    for (const fetch of recent)
      if (continues(await this.sendings(tx, fetch.id), span, disclosure.size ?? 0))
        return fetch.endedAt === null ? fetch : this.begin(tx, disclosure, fetch, caller);
    if (disclosure.fetchesBegun >= disclosure.fetches) return undefined;
    const fetch = { id: uuidv7(), disclosureId: disclosure.id, begunEntry: '', begunAt: now, lastAt: now, endedAt: null };
    await tx.update(Disclosure, { id: disclosure.id }, { fetchesBegun: disclosure.fetchesBegun + 1 });
    return this.begin(tx, disclosure, fetch, caller);
  }

  /** On record, also when one that had ended is gone on with. */
  private async begin(tx: Tx, disclosure: Disclosure, fetch: DisclosureFetch, caller: Caller): Promise<DisclosureFetch> {
    const { items } = await this.disclosures.get(disclosure.id, tx);
    const entries = await this.disclosures.record(
      tx,
      items,
      {
        ...{ type: 'disclosure.fetch-begun', disclosure: disclosure.id, fetch: fetch.id, recipient: disclosure.recipient },
        sha256: disclosure.sha256?.toString('hex') ?? '',
      },
      attribution(caller),
    );
    // The sequencer takes pending entries in the order of their ids: with the last one, all have their place.
    const begun: DisclosureFetch = { ...fetch, begunEntry: entries.at(-1) ?? '', endedAt: null };
    await tx.save(DisclosureFetch, begun);
    return begun;
  }

  private counted(id: string, admitted: Admitted, source: Readable): Readable {
    let sent = 0;
    let movedAt = Date.now();
    const counted = new Transform({
      transform(chunk: Buffer, _, next): void {
        sent += chunk.length;
        movedAt = Date.now();
        next(null, chunk);
      },
    });
    let asking = false;
    const watch = setInterval(() => {
      if (Date.now() - movedAt > STALLED_MS) counted.destroy(new TakenBack('nothing was taken for ten minutes'));
      if (asking) return;
      asking = true;
      // Who cannot be asked does not say yes.
      void this.mayGoOn(id, admitted, sent)
        .catch(() => false)
        .then((may) => {
          asking = false;
          if (!may) counted.destroy(new TakenBack('the disclosure has ended'));
        });
    }, ASKING_MS);
    source.on('error', (error) => counted.destroy(error));
    // Not events.once: an aborted connection is an error to it, and is just what we want to count.
    counted.once('close', () => {
      clearInterval(watch);
      source.destroy();
      void this.settle(id, admitted, sent).catch((error: unknown) =>
        this.logger.error({ err: error, disclosure: id }, 'how much was sent could not be stored; all that was asked for counts'),
      );
    });
    counted.on('error', () => undefined);
    return source.pipe(counted);
  }

  private async mayGoOn(id: string, { sending, fetch, session }: Admitted, sent: number): Promise<boolean> {
    const now = this.clock.now();
    const { reader } = this.unitOfWork;
    await reader.update(DisclosureSending, { id: sending }, { sent, at: now });
    await reader.update(DisclosureFetch, { id: fetch }, { lastAt: now });
    const disclosure = await reader.findOneBy(Disclosure, { id });
    return disclosure !== null && isLive(disclosure, now) && !(await this.sessions.isEnded(session));
  }

  /** A sending has ended: what was sent goes down, and with the last byte, or when it was taken back, the fetch has ended. */
  private async settle(id: string, { sending, fetch: fetchId }: Admitted, sent: number): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { disclosure } = await this.disclosures.lock(tx, id);
      const now = this.clock.now();
      await tx.update(DisclosureSending, { id: sending }, { sent, running: false, at: now });
      await tx.update(DisclosureFetch, { id: fetchId }, { lastAt: now });
      const fetch = await tx.findOneByOrFail(DisclosureFetch, { id: fetchId });
      const sendings = await this.sendings(tx, fetchId);
      if (fetch.endedAt !== null || sendings.some(({ running }) => running)) return;
      if (!isLive(disclosure, now) || isWhole(spansOf(sendings), disclosure.size ?? 0)) await this.end(tx, fetch);
    });
  }

  private async end(tx: Tx, fetch: DisclosureFetch): Promise<void> {
    const { disclosure, items } = await this.disclosures.get(fetch.disclosureId, tx);
    const ranges = spansOf(await this.sendings(tx, fetch.id));
    await tx.update(DisclosureFetch, { id: fetch.id }, { endedAt: this.clock.now() });
    const complete = isWhole(ranges, disclosure.size ?? 0);
    const event = { type: 'disclosure.fetch-ended', disclosure: disclosure.id, fetch: fetch.id, ranges, complete } as const;
    await this.disclosures.record(tx, items, event, system('disclosures'));
  }

  private async sendings(tx: Tx, fetchId: string): Promise<DisclosureSending[]> {
    const gone = new Date(this.clock.now().getTime() - GONE_MS);
    const sendings = await tx.findBy(DisclosureSending, { fetchId });
    return sendings.map((sending) => ({ ...sending, running: sending.running && sending.at > gone }));
  }
}
