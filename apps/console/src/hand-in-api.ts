import { call, refusal, Unreachable } from './service.js';

// Written by hand; a client generated from /api/openapi.json takes its place when the console has more pages.
export type UploadState = 'receiving' | 'sealing' | 'sealed' | 'quarantined' | 'expired' | 'duplicate';

export interface UploadStatus {
  /** Null where the file is held already as a recording that the person may not know of. */
  readonly recording: string | null;
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  readonly state: UploadState;
  readonly partSize: number;
  readonly partsReceived: readonly number[];
  readonly duplicateOf?: string;
  readonly reason?: string;
}

export interface HandedIn extends UploadStatus {
  readonly recording: string;
  /** RFC 3339. */
  readonly announcedAt: string;
}

export type Source = 'citizen' | 'partner-agency' | 'drone' | 'other';

/** What is said of all the files that are handed in together. */
export interface About {
  readonly source: Source;
  readonly from: string;
  readonly note: string;
}

/** What is said of one file. */
export interface Stated {
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lowercase hexadecimal. */
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly recordedAt: number;
  readonly device: string;
}

/** Announces one file; the same file again, by the same person, tells how far it is. */
export async function announce(about: About, file: Stated, signal: AbortSignal): Promise<UploadStatus> {
  const { recordedAt, device, ...rest } = file;
  const json = {
    source: about.source,
    from: about.from,
    ...(about.note === '' ? {} : { note: about.note }),
    files: [{ ...rest, recordedAt: new Date(recordedAt).toISOString(), ...(device === '' ? {} : { device }) }],
  };
  const response = await call('POST', '/api/hand-ins', { json, signal });
  const [announced] = ((await response.json()) as { files: UploadStatus[] }).files;
  if (announced === undefined) throw new Error('the service announced no file.');
  return announced;
}

/** What the person handed in before, newest first. @param after the last recording of the page before */
export async function handedInBefore(
  after?: string,
): Promise<{ readonly files: readonly HandedIn[]; readonly next: string | null }> {
  const query = after === undefined ? '' : `&after=${encodeURIComponent(after)}`;
  return (await (await call('GET', `/api/hand-ins?limit=20${query}`)).json()) as { files: HandedIn[]; next: string | null };
}

export function recordingPath(recording: string): string {
  return `/api/docking/recordings/${encodeURIComponent(recording)}`;
}

export async function uploadStatus(recording: string, signal: AbortSignal): Promise<UploadStatus> {
  return (await (await call('GET', recordingPath(recording), { signal })).json()) as UploadStatus;
}

export async function complete(recording: string, signal: AbortSignal): Promise<UploadStatus> {
  return (await (await call('POST', `${recordingPath(recording)}/complete`, { signal })).json()) as UploadStatus;
}

/** The receipt exactly as the service wrote it: its signature is over these bytes. */
export async function receipt(recording: string): Promise<Blob> {
  return (await call('GET', `${recordingPath(recording)}/receipt`)).blob();
}

/** A connection that took nothing for so long is given up and the part sent again: a radio link may die without a word. */
const STALLED_MS = 60_000;

/**
 * Sends one part. XMLHttpRequest, because fetch cannot tell how much has gone up.
 * @param sha256 of the part, lowercase hexadecimal
 * @param onProgress is told how many of its bytes have gone
 * @throws Refused, Unreachable, AbortError
 */
export function sendPart(
  { recording, part, sha256, body }: { recording: string; part: number; sha256: string; body: Blob },
  signal: AbortSignal,
  onProgress: (bytes: number) => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    signal.throwIfAborted();
    const request = new XMLHttpRequest();
    let stalled: ReturnType<typeof setTimeout> | undefined;
    const watch = (): void => {
      clearTimeout(stalled);
      stalled = setTimeout(() => {
        request.abort();
        end(() => reject(new Unreachable()));
      }, STALLED_MS);
    };
    const onAbort = (): void => {
      request.abort();
      end(() => reject(signal.reason as Error));
    };
    const end = (settle: () => void): void => {
      clearTimeout(stalled);
      signal.removeEventListener('abort', onAbort);
      settle();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    request.upload.addEventListener('progress', ({ loaded }) => {
      watch();
      onProgress(loaded);
    });
    request.addEventListener('load', () => {
      end(() => {
        if (request.status >= 200 && request.status < 300) resolve();
        else reject(refusal(request.status, request.responseText, request.getResponseHeader('retry-after')));
      });
    });
    request.addEventListener('error', () => end(() => reject(new Unreachable())));
    request.open('PUT', `${recordingPath(recording)}/parts/${part}`);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.setRequestHeader('content-digest', `sha-256=:${base64OfHex(sha256)}:`);
    watch();
    request.send(body);
  });
}

function base64OfHex(hex: string): string {
  return btoa(String.fromCharCode(...(hex.match(/../g) ?? []).map((byte) => parseInt(byte, 16))));
}
