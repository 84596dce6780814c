import type Hls from 'hls.js';
import type { ErrorData } from 'hls.js';
import { isPassing } from './retry.rules.js';
import { refusal, Unreachable, type Refused } from './service.js';
import { merge, type Range, type Ranges } from './viewing-played.rules.js';

/**
 * Seconds ahead of the place that is shown. Little, on purpose: with segments of four seconds the service is asked again within four seconds of
 * playing, so that what it refuses is refused soon; and hardly more goes on record as delivered than somebody saw.
 */
const AHEAD_S = 6;
/** Seconds kept for going back without asking for them anew. */
const BEHIND_S = 30;

export interface StreamEvents {
  /** The service refuses to send any more. The picture is gone already. */
  readonly onRefused: (refused: Refused) => void;
  /** Nothing comes now. @param trying it is asked for again of itself; otherwise whoever watches may let it try again */
  readonly onStalled: (why: Error, trying: boolean) => void;
  /** Something came. */
  readonly onArrived: () => void;
}

/** Brings a viewing's playlist into a video element, and takes it out again. */
export class PlayerStream {
  private hls: Hls | undefined;
  private gone = false;
  private recovered = false;
  /** Of every segment, by size of picture and number, the part of the recording that it shows, as the playlist says it. */
  private readonly listed = new Map<string, Range>();
  private arrived: Ranges = [];

  constructor(
    private readonly video: HTMLVideoElement,
    private readonly playlist: string,
    private readonly events: StreamEvents,
  ) {}

  /** Never rejects: what goes wrong is an event. */
  async start(): Promise<void> {
    try {
      // Of its own: whoever comes to hand in a file does not load a player.
      const { default: Player } = await import('hls.js');
      if (this.gone) return;
      if (!Player.isSupported())
        throw new Error('this browser cannot play footage. Use a current Firefox, Chrome, Edge or Safari');
      this.hls = new Player({
        // Its worker comes from a blob, which the content security policy refuses; there is nothing to convert in fragmented MP4.
        enableWorker: false,
        maxBufferLength: AHEAD_S,
        maxMaxBufferLength: AHEAD_S,
        backBufferLength: BEHIND_S,
        capLevelToPlayerSize: true,
      });
      this.listen(this.hls, Player);
      this.hls.attachMedia(this.video);
      this.hls.loadSource(this.playlist);
    } catch (error) {
      if (!this.gone) this.events.onStalled(error instanceof Error ? error : new Error(String(error)), false);
    }
  }

  /** What came from the service since the beginning, whether it was shown or not. */
  fetched(): Ranges {
    return this.arrived;
  }

  tryAgain(): void {
    if (this.hls === undefined) void this.start();
    else if (this.hls.levels.length === 0) this.hls.loadSource(this.playlist);
    else this.hls.startLoad(this.video.currentTime);
  }

  /** Takes the picture from the element, and all that was fetched out of the browser's memory. */
  clear(): void {
    this.gone = true;
    this.video.pause();
    this.hls?.destroy();
    this.hls = undefined;
    this.video.removeAttribute('poster');
    this.video.removeAttribute('src');
    this.video.load();
  }

  private listen(hls: Hls, { Events, ErrorTypes }: typeof Hls): void {
    hls.on(Events.LEVEL_LOADED, (_, { details, level }) => {
      let at = 0;
      for (const { sn, duration } of details.fragments) {
        const until = at + duration * 1000;
        this.listed.set(`${level} ${sn}`, { fromMs: Math.round(at), toMs: Math.round(until) });
        at = until;
      }
    });
    hls.on(Events.FRAG_LOADED, (_, { frag }) => {
      this.events.onArrived();
      const span = String(frag.type) === 'main' ? this.listed.get(`${frag.level} ${frag.sn}`) : undefined;
      if (span !== undefined) this.arrived = merge([...this.arrived, span]);
    });
    hls.on(Events.ERROR, (_, data) => {
      if (this.gone) return;
      const refused = refusedIn(data);
      if (refused !== undefined) {
        this.clear();
        this.events.onRefused(refused);
      } else if (data.fatal && data.type === ErrorTypes.MEDIA_ERROR && !this.recovered) {
        this.recovered = true;
        hls.recoverMediaError();
      } else if (data.fatal || data.type === ErrorTypes.NETWORK_ERROR) {
        this.events.onStalled(faultIn(data, data.type === ErrorTypes.NETWORK_ERROR), !data.fatal);
      }
    });
  }
}

/** Anything the service will not change its mind about. hls.js would go on with another size of the picture, and be refused that too. */
function refusedIn({ response, networkDetails }: ErrorData): Refused | undefined {
  const status = response?.code ?? 0;
  return status < 400 || isPassing(status) ? undefined : refusal(status, bodyOf(networkDetails), null);
}

function faultIn({ response, networkDetails, error }: ErrorData, network: boolean): Error {
  const status = response?.code ?? 0;
  if (status >= 400) return refusal(status, bodyOf(networkDetails), null);
  return network ? new Unreachable() : new Error(`the browser could not decode the picture (${error.message})`);
}

/** The problem document, which came where a segment was expected. */
function bodyOf(request: unknown): string {
  if (!(request instanceof XMLHttpRequest)) return '';
  if (request.responseType === 'arraybuffer') {
    const bytes: unknown = request.response;
    return bytes instanceof ArrayBuffer ? new TextDecoder().decode(bytes) : '';
  }
  return request.responseText;
}
