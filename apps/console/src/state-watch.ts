import { recordingPath, uploadStatus, type UploadState, type UploadStatus } from './hand-in-api.js';
import { persevere } from './perseverance.js';

const POLL_MS = 2000;
/** A browser opens six connections to a service over HTTP/1.1: three send parts, and one must stay free for everything else. */
const MOST_STREAMS = 2;
let streams = 0;
/** The service tells the state at once: when that does not come, something on the way keeps events back. */
const FIRST_WITHIN_MS = 5000;
/** A stream may die without a word, such as with a laptop that slept: after so long without news the service is asked. */
const NEWS_WITHIN_MS = 60_000;

export function isFinal(state: UploadState): boolean {
  return state !== 'receiving' && state !== 'sealing';
}

/**
 * The state in which an upload ends. By server-sent events; by asking every two seconds where those do not get through.
 * @throws Refused, AbortError
 */
export async function finalState(recording: string, signal: AbortSignal): Promise<UploadStatus> {
  const told = await toldOf(recording, signal);
  if (told !== undefined) return told;
  for (;;) {
    const status = await persevere(
      () => uploadStatus(recording, signal),
      signal,
      () => undefined,
    );
    if (isFinal(status.state)) return status;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    signal.throwIfAborted();
  }
}

/** Undefined when the service will not tell of itself: too many streams, or none at all. */
async function toldOf(recording: string, signal: AbortSignal): Promise<UploadStatus | undefined> {
  if (streams >= MOST_STREAMS) return undefined;
  streams++;
  const source = new EventSource(`${recordingPath(recording)}/events`);
  let silence: ReturnType<typeof setTimeout> | undefined;
  try {
    return await new Promise((resolve) => {
      silence = setTimeout(() => resolve(undefined), FIRST_WITHIN_MS);
      source.addEventListener('state', ({ data }: MessageEvent<string>) => {
        clearTimeout(silence);
        silence = setTimeout(() => resolve(undefined), NEWS_WITHIN_MS);
        const status = JSON.parse(data) as UploadStatus;
        if (isFinal(status.state)) resolve(status);
      });
      // Asking tells what the matter is, and copes with it; the browser's own reconnecting would not notice an ended session.
      source.addEventListener('error', () => resolve(undefined));
      signal.addEventListener('abort', () => resolve(undefined), { once: true });
    });
  } finally {
    clearTimeout(silence);
    source.close();
    streams--;
  }
}
