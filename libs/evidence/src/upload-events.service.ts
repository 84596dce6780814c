import { Injectable, Logger, type MessageEvent, type OnModuleDestroy } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { In } from 'typeorm';
import { Authenticator, decide, type Caller } from '#identity';
import { Clock, Notifications, Problem, Unavailable, UnitOfWork } from '#platform';
import { Recording } from './recording.entity.js';
import { admit } from './upload-events.rules.js';
import { OVER, UploadStream, type Following } from './upload-stream.js';
import { UploadsService, type UploadStatus } from './uploads.service.js';

/** States are told at once, after what changed at the same moment was gathered. */
const STATES_MS = 20;
/** Progress is told so often at most. */
const PROGRESS_MS = 1000;
/** So long at most a stream outlives the right to it. */
const RECHECK_MS = 2000;
/** A check that takes longer is one that cannot be made. */
const CHECK_WITHIN_MS = 6000;
const BEAT_MS = 15_000;

export class TooManyStreams extends Problem {
  constructor() {
    super(
      429,
      'too-many-streams',
      'Too many streams',
      'You follow too many uploads at once. Close some, or follow them together.',
      {
        retryAfter: 5,
      },
    );
  }
}

/**
 * Uploads as their senders see them change. What changed is heard by NOTIFY and looked up once for all who follow it, so a stream costs a connection
 * and no queries. A stream is a convenience: whenever it cannot be kept, it ends, and whoever opens it anew begins with the present state.
 */
@Injectable()
export class UploadEvents implements OnModuleDestroy {
  private readonly logger = new Logger('UploadEvents');
  private readonly streams = new Set<UploadStream>();
  private readonly states = new Gathering(STATES_MS, (ids) => this.look(ids));
  private readonly progress = new Gathering(PROGRESS_MS, (ids) => this.look(ids));
  private readonly unfollow: (() => void)[];
  private timers: NodeJS.Timeout[] = [];
  private turn: Promise<unknown> = Promise.resolve();
  private checkingSince: number | undefined;
  private stopping = false;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly uploads: UploadsService,
    private readonly notifications: Notifications,
    private readonly authenticator: Authenticator,
    private readonly clock: Clock,
  ) {
    this.unfollow = [
      this.notifications.follow('uploads', (id) => this.heard(this.states, id)),
      this.notifications.follow('upload_parts', (id) => this.heard(this.progress, id)),
    ];
  }

  /**
   * The present state of each upload, then each change, until all are over; undefined when the caller was told of that before, or there is nothing to follow.
   * @param gone aborted when the caller no longer listens
   * @throws TooManyStreams, Unavailable
   */
  async open(following: Following, gone: AbortSignal): Promise<Observable<MessageEvent> | undefined> {
    this.admit(following.caller);
    const stream = new UploadStream(following);
    this.streams.add(stream);
    gone.addEventListener('abort', () => this.close(stream), { once: true });
    try {
      await this.notifications.connect();
      this.keepWatch();
      await this.inTurn(async () => stream.begin(await this.statuses(await following.find())));
    } catch (error) {
      this.close(stream);
      throw error;
    }
    if (gone.aborted) this.close(stream);
    const toldBefore = following.request.headers['last-event-id'] === OVER;
    if (stream.isComplete && (toldBefore || stream.isEmpty)) {
      this.close(stream);
      return undefined;
    }
    // Given up before it began, with all others: whoever asked tries again.
    if (!stream.isComplete && !this.streams.has(stream)) throw new Unavailable('The upload cannot be followed just now.', 2);
    return stream.events;
  }

  onModuleDestroy(): void {
    this.stopping = true;
    for (const unfollow of this.unfollow) unfollow();
    this.closeAll();
  }

  private admit({ actor }: Caller): void {
    if (this.stopping) throw new Unavailable('The service is being stopped.', 2);
    const callers = [...this.streams].map((stream) => keyOf(stream.following.caller));
    const admission = admit(keyOf({ actor }), callers);
    if (admission === 'caller-has-too-many') throw new TooManyStreams();
    if (admission === 'full') throw new Unavailable('As many uploads are followed as can be. Ask for the state instead.', 10);
  }

  private heard(gathering: Gathering, id: string | undefined): void {
    if (this.streams.size === 0) return;
    if (id === undefined) for (const stream of this.streams) for (const each of stream.waitsFor) this.states.add(each);
    // A recording that nobody waits for may be a new one of somebody; parts are of one that was told of before.
    else if (gathering === this.states || [...this.streams].some((stream) => stream.waitsFor.has(id))) gathering.add(id);
  }

  private look(ids: readonly string[]): void {
    const looked = this.inTurn(async () => {
      const recordings = await this.unitOfWork.reader.findBy(Recording, { id: In([...ids]) });
      for (const recording of recordings) {
        const concerned = [...this.streams].filter((stream) => stream.concerns(recording));
        if (concerned.length === 0) continue;
        const status = await this.uploads.status(recording);
        for (const stream of concerned) stream.tell(status);
      }
    });
    looked.catch((error: unknown) => this.giveUp(error));
  }

  private async statuses(recordings: readonly Recording[]): Promise<UploadStatus[]> {
    const statuses: UploadStatus[] = [];
    for (const recording of recordings) statuses.push(await this.uploads.status(recording));
    return statuses;
  }

  /** One look after the other, so that no stream is told something older than it knows. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private keepWatch(): void {
    if (this.timers.length > 0 || this.streams.size === 0) return;
    const beat = (): void => this.streams.forEach((stream) => stream.beat());
    this.timers = [setInterval(() => void this.recheck(), RECHECK_MS), setInterval(beat, BEAT_MS)];
  }

  /** A session that ended, a key that was revoked, a role that was taken: asked anew, once for all streams of one credential. */
  private async recheck(): Promise<void> {
    if (this.checkingSince !== undefined) {
      if (performance.now() - this.checkingSince > CHECK_WITHIN_MS) this.closeAll();
      return;
    }
    this.checkingSince = performance.now();
    try {
      await this.notifications.connect();
      const groups = Map.groupBy(this.streams, ({ following: { request } }) =>
        JSON.stringify([request.headers['authorization'], request.headers['cookie']]),
      );
      for (const streams of groups.values()) await this.recheckAll(streams);
    } catch (error) {
      this.giveUp(error);
    } finally {
      this.checkingSince = undefined;
    }
  }

  private async recheckAll(streams: readonly UploadStream[]): Promise<void> {
    const [first] = streams;
    if (first === undefined) return;
    const caller = await this.authenticator.identify(first.following.request).catch((error: unknown) => {
      if (error instanceof Problem) return undefined;
      throw error;
    });
    for (const stream of streams) {
      const { action, resource } = stream.following;
      const may = caller !== undefined && decide(caller.actor, action, resource, { now: this.clock.now() }).allowed;
      if (!may) this.close(stream);
    }
  }

  /** A right that cannot be checked, and a state that cannot be read, are none. */
  private giveUp(error: unknown): void {
    this.logger.warn(`${this.streams.size} streams of uploads end: ${error instanceof Error ? error.message : String(error)}`);
    this.closeAll();
  }

  private closeAll(): void {
    for (const stream of this.streams) this.close(stream);
  }

  private close(stream: UploadStream): void {
    stream.end();
    this.streams.delete(stream);
    if (this.streams.size > 0) return;
    for (const timer of this.timers.splice(0)) clearInterval(timer);
    this.states.clear();
    this.progress.clear();
  }
}

/** Gathers what is heard, and looks at it together. */
class Gathering {
  private readonly ids = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly withinMs: number,
    private readonly look: (ids: readonly string[]) => void,
  ) {}

  add(id: string): void {
    this.ids.add(id);
    this.timer ??= setTimeout(() => {
      const ids = [...this.ids];
      this.clear();
      this.look(ids);
    }, this.withinMs);
  }

  clear(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.ids.clear();
  }
}

/** One person with several sessions is one caller. */
function keyOf({ actor }: Pick<Caller, 'actor'>): string {
  return 'id' in actor ? `${actor.kind} ${actor.id}` : actor.kind;
}
