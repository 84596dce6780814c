import { Refused } from './service.js';
import { closeViewing, sendReport, type ClosedViewing, type Report } from './viewing-api.js';
import { common, merge, without, type Ranges } from './viewing-played.rules.js';

/** What the player knows of itself. */
export interface Playing {
  /** Everything that was played since the beginning. */
  readonly played: () => Ranges;
  /** Everything that came from the service since the beginning. */
  readonly fetched: () => Ranges;
  /** Of the speed of life, as it is set now. */
  readonly speedPercent: () => number;
}

/** Answers after which there is nothing to report on any more. */
const OVER: readonly number[] = [401, 403, 404, 410];
/** A page that hangs for a day reports a day; more than that is a clock that was set. */
const MOST_MS = 86_400_000;
/** Dragging the place along the bar is many seeks and one report: the service takes so many in a minute. */
const APART_MS = 2000;
/** What the service takes in one report; the rest is in the next. */
const MOST_RANGES = 200;
const MOST_COUNTED = 10_000;

/**
 * Tells the service what was really played: at every heartbeat, and when something happens that it should know of. A report that did not
 * arrive is sent again as it was, under the same number, before there is another.
 */
export class ViewingReporter {
  private reported: Ranges = [];
  private pending: Report | undefined;
  private sending: Promise<void> | undefined;
  private seq = 0;
  private seeks = 0;
  private pauses = 0;
  private hiddenMs = 0;
  private fastest = 0;
  private hiddenSince: number | undefined;
  private readonly timer: ReturnType<typeof setInterval>;
  private soonTimer: ReturnType<typeof setTimeout> | undefined;
  private lastAt = 0;
  private over = false;

  /** @param onOver the service says that this viewing has ended */
  constructor(
    private readonly viewing: string,
    heartbeatSeconds: number,
    private readonly playing: Playing,
    private readonly onOver: (refused: Refused) => void,
  ) {
    this.timer = setInterval(() => void this.send(), heartbeatSeconds * 1000);
    document.addEventListener('visibilitychange', this.onVisibility);
    if (document.hidden) this.hiddenSince = Date.now();
  }

  seeked(): void {
    this.seeks++;
    this.soon();
  }

  speedChanged(): void {
    this.fastest = Math.max(this.fastest, this.playing.speedPercent());
  }

  paused(): void {
    this.pauses++;
    this.soon();
  }

  /** Resolves when what there was to say has been said, or cannot be. Never rejects. */
  async send(): Promise<void> {
    // One after the other: numbers ascend, and two reports of the same seconds would count them twice.
    while (this.sending !== undefined) await this.sending;
    if (this.over) return;
    this.sending = this.sendOne().finally(() => (this.sending = undefined));
    await this.sending;
  }

  /** The last report, and the viewing is closed. @throws Refused, Unreachable */
  async close(): Promise<ClosedViewing> {
    // One that did not arrive goes as it was; what happened since is in another.
    if (this.pending !== undefined) await this.send();
    await this.send();
    this.end();
    return closeViewing(this.viewing);
  }

  /** Closes it without anybody looking at what becomes of it; the page stays. Never rejects. */
  async leave(): Promise<void> {
    if (!this.over) await this.close().catch(() => undefined);
  }

  /** The page goes away, and closes it with the one request that it has time for. */
  vanish(): void {
    if (this.over) return;
    const last = this.pending ?? this.next();
    this.end();
    const sent = isEmpty(last) ? closeViewing(this.viewing) : sendReport(this.viewing, { ...last, last: true });
    // Where it does not arrive, the service closes the viewing by itself.
    sent.catch(() => undefined);
  }

  /** Nothing is reported any more. */
  end(): void {
    this.over = true;
    clearInterval(this.timer);
    clearTimeout(this.soonTimer);
    document.removeEventListener('visibilitychange', this.onVisibility);
  }

  private soon(): void {
    if (this.over || this.soonTimer !== undefined) return;
    this.soonTimer = setTimeout(
      () => {
        this.soonTimer = undefined;
        void this.send();
      },
      Math.max(0, this.lastAt + APART_MS - Date.now()),
    );
  }

  private async sendOne(): Promise<void> {
    this.lastAt = Date.now();
    this.pending ??= this.next();
    try {
      await sendReport(this.viewing, this.pending);
      this.pending = undefined;
    } catch (error) {
      if (!(error instanceof Refused)) return;
      if (OVER.includes(error.status)) {
        // A report may be refused after the page itself ended the viewing.
        if (!this.over) this.onOver(error);
        this.end();
      } else if (error.status < 500 && error.status !== 429) {
        // Said again it would be refused again, and each refusal is on record.
        this.pending = undefined;
      }
    }
  }

  private next(): Report {
    const news = without(common(this.playing.played(), this.playing.fetched()), this.reported).slice(0, MOST_RANGES);
    this.reported = merge([...this.reported, ...news]);
    const now = Date.now();
    if (this.hiddenSince !== undefined) {
      this.hiddenMs += Math.max(0, now - this.hiddenSince);
      this.hiddenSince = now;
    }
    const report: Report = {
      seq: this.seq++,
      played: news,
      seeks: Math.min(MOST_COUNTED, this.seeks),
      pauses: Math.min(MOST_COUNTED, this.pauses),
      hiddenMs: Math.min(MOST_MS, Math.round(this.hiddenMs)),
      speedPercent: Math.max(this.fastest, this.playing.speedPercent()),
    };
    this.fastest = 0;
    [this.seeks, this.pauses, this.hiddenMs] = [0, 0, 0];
    return report;
  }

  private readonly onVisibility = (): void => {
    const now = Date.now();
    if (document.hidden) this.hiddenSince = now;
    else if (this.hiddenSince !== undefined) {
      this.hiddenMs += Math.max(0, now - this.hiddenSince);
      this.hiddenSince = undefined;
    }
    this.soon();
  };
}

function isEmpty({ played, seeks, pauses, hiddenMs }: Report): boolean {
  return played.length === 0 && seeks === 0 && pauses === 0 && hiddenMs === 0;
}
