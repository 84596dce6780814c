import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { attribution, decide, Forbidden, type Action, type Caller } from '#identity';
import { Clock, UnitOfWork } from '#platform';
import { ViewingNotReady } from './viewing-problems.js';
import { ViewingStreams } from './viewing-streams.js';
import { Viewing, ViewingDelivery, type ViewingOf } from './viewing.entity.js';
import { ViewingsService } from './viewings.service.js';

/** What goes on record of a file, or of a part of the original, that is sent. */
export interface SentFile {
  readonly name: string;
  /** Which part of the recording it shows, where it shows one. */
  readonly startMs: number | null;
  readonly durationMs: number | null;
  /** Of the original: the place of the first byte. */
  readonly firstByte?: number;
  readonly size: number;
  readonly contentType: string;
}

export interface DeliveredFile {
  readonly stream: Readable;
  readonly contentType: string;
  /** Bytes. */
  readonly size: number;
}

/** How often it is asked whether what takes longer may go on; a segment is through long before. */
const ASK_AGAIN_MS = 5000;

// In one statement, and so one round trip.
const ADMIT = `WITH seen AS (UPDATE viewings SET last_seen_at = $7 WHERE id = $1)
  INSERT INTO viewing_deliveries (viewing_id, name, start_ms, duration_ms, first_byte, size, at)
  VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`;

/** Sends files in a viewing: each asked for anew, on record before its first byte, and counted to its last. */
@Injectable()
export class ViewingDeliveries {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly viewings: ViewingsService,
    private readonly streams: ViewingStreams,
    private readonly clock: Clock,
  ) {}

  /** That a file was sent is on record before its first byte, and how much of it when it has ended. @throws NotFound, Forbidden, ViewingNotReady */
  async send(
    id: string,
    file: SentFile,
    open: () => Promise<Readable>,
    caller: Caller,
    of: ViewingOf = 'playback',
  ): Promise<DeliveredFile> {
    const action = of === 'original' ? 'original.fetch' : 'viewing.watch';
    const delivery = await this.admit(id, file, { action, of }, caller);
    const store = async (sent: number): Promise<void> => {
      await this.unitOfWork.reader.update(ViewingDelivery, { id: delivery }, { sent });
    };
    const source = await open().catch(async (error: unknown) => {
      // Nothing was sent, and is known not to have been. If that cannot be stored either, it counts as sent.
      await store(0).catch(() => undefined);
      throw error;
    });
    const { stream, sent: sentSoFar } = this.streams.counted(id, source, async (sent) => {
      clearInterval(asking);
      await store(sent);
    });
    let before = 0;
    const asking = setInterval(() => {
      // What nobody reads any more is no sign of life.
      const flows = sentSoFar() > before;
      before = sentSoFar();
      this.mayGoOn(id, { action, of }, flows, caller).then(
        (may) => may || stream.destroy(new Error('The viewing may not go on.')),
        (error: unknown) => stream.destroy(error as Error),
      );
    }, ASK_AGAIN_MS).unref();
    return { stream, contentType: file.contentType, size: file.size };
  }

  /**
   * Asks again, under the lock that closing takes: since the guard asked, the viewing may have been closed, and what is sent after that would
   * be on no record. Drawing a preview takes seconds. @returns the delivery's id
   */
  private async admit(
    id: string,
    { name, startMs, durationMs, firstByte, size }: SentFile,
    { action, of }: { readonly action: Action; readonly of: ViewingOf },
    caller: Caller,
  ): Promise<string> {
    const asked = await this.unitOfWork.run(async (tx) => {
      const { resource, ready } = await this.viewings.standing(id, { of, tx });
      const now = this.clock.now();
      const decision = decide(caller.actor, action, resource, { now });
      if (!decision.allowed) {
        const event = { type: 'access.refused', action, reason: decision.reason } as const;
        await this.custody.append(tx, resource.recording, event, attribution(caller));
        return decision;
      }
      if (!ready) throw new ViewingNotReady();
      const row = [id, name, startMs, durationMs, firstByte ?? null, size, now];
      const [delivery] = await tx.query<{ id: string }[]>(ADMIT, row);
      return { ...decision, delivery: delivery?.id ?? '' };
    });
    if (!asked.allowed) throw new Forbidden(asked.reason);
    return asked.delivery;
  }

  /** Of a file that takes long: that it flows is a sign of life, and a right to watch may end in the middle of it. */
  private async mayGoOn(
    id: string,
    { action, of }: { readonly action: Action; readonly of: ViewingOf },
    flows: boolean,
    caller: Caller,
  ): Promise<boolean> {
    return this.unitOfWork.run(async (tx) => {
      const { resource } = await this.viewings.standing(id, { of, tx });
      const now = this.clock.now();
      const decision = decide(caller.actor, action, resource, { now });
      if (decision.allowed) {
        if (flows) await tx.update(Viewing, { id }, { lastSeenAt: now });
        return true;
      }
      const event = { type: 'access.refused', action, reason: decision.reason } as const;
      await this.custody.append(tx, resource.recording, event, attribution(caller));
      return false;
    });
  }
}
