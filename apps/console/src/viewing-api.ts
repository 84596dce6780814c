import type { Grant } from './my-grants.rules.js';
import { call, type Refused } from './service.js';
import type { Range } from './viewing-played.rules.js';

// Written by hand, like session.ts, until a client generated from /api/openapi.json takes their place.

/** What this page looks at of a recording. */
export interface Recording {
  readonly id: string;
  readonly name: string;
  readonly recordedAt: string;
  readonly camera: string | null;
  readonly state: string;
  readonly media: { readonly durationMs: number } | null;
  readonly playback: { readonly state: string; readonly reason: string | null } | null;
}

export interface OpenedViewing {
  readonly viewing: string;
  readonly recording: string;
  readonly playlist: string;
  readonly poster: string;
  readonly sprite: string | null;
  readonly expiresAt: string;
  /** What moves over the picture; the player adds the time. */
  readonly overlay: { readonly viewer: string };
  /** How often the player reports. */
  readonly heartbeatSeconds: number;
}

/** What the player says of itself; never mixed with what the service knows that it delivered. */
export interface Report {
  /** Ascending from 0 in a viewing; what is sent again has the same. */
  readonly seq: number;
  /** Played for the first time since the report before. */
  readonly played: readonly Range[];
  /** These three too since the report before. */
  readonly seeks: number;
  readonly pauses: number;
  readonly hiddenMs: number;
  /** The fastest; 100 is as recorded. */
  readonly speedPercent: number;
  /** The viewing is closed with it. */
  readonly last?: true;
}

/** What is on record of a viewing that was closed. */
export interface ClosedViewing {
  readonly viewing: string;
  readonly delivered: readonly Range[];
  readonly stills: readonly Range[];
  readonly reported?: { readonly played: readonly Range[] };
  readonly files: number;
  readonly bytes: number;
}

/** Newest first; of custodians and auditors everybody's. @throws Refused, Unreachable */
export async function grants(): Promise<readonly Grant[]> {
  return ((await (await call('GET', '/api/grants')).json()) as { grants: Grant[] }).grants;
}

/** Those that the person may read: of an officer their own. Newest first. @throws Refused, Unreachable */
export async function recordings(after?: string): Promise<{ recordings: readonly Recording[]; next: string | null }> {
  const query = new URLSearchParams({ state: 'sealed', limit: '50', ...(after === undefined ? {} : { after }) });
  return (await (await call('GET', `/api/recordings?${query}`)).json()) as { recordings: Recording[]; next: string | null };
}

/** @throws Refused, Unreachable */
export async function recording(id: string): Promise<Recording> {
  return (await (await call('GET', `/api/recordings/${id}`)).json()) as Recording;
}

/** Confirms the purpose. When it resolves, the viewing is on record. @throws Refused, Unreachable */
export async function openViewing(recordingId: string, purpose: string): Promise<OpenedViewing> {
  const answer = await call('POST', `/api/recordings/${recordingId}/viewings`, { json: { purpose } });
  return (await answer.json()) as OpenedViewing;
}

/** The same report may be sent again: it counts once. @throws Refused, Unreachable */
export async function sendReport(viewing: string, report: Report): Promise<void> {
  await call('POST', `/api/viewings/${viewing}/reports`, { json: report, keepalive: true });
}

/** Also when the grant has ended; a viewing that is closed stays as it is. @throws Refused, Unreachable */
export async function closeViewing(viewing: string): Promise<ClosedViewing> {
  return (await (await call('POST', `/api/viewings/${viewing}/close`, { keepalive: true })).json()) as ClosedViewing;
}

/**
 * Why the service goes on with a viewing no more. That it is closed says nothing by itself: where the grant was revoked or has ended, the
 * service closes what was opened under it.
 */
export async function whyOver(refused: Refused, grantId: string | undefined): Promise<string> {
  if (refused.reason !== 'viewing-closed' || grantId === undefined) return refused.message;
  try {
    const grant = (await grants()).find(({ id }) => id === grantId);
    if (grant !== undefined && grant.revokedAt !== null) return 'Your grant for this recording was revoked.';
    if (grant !== undefined && !(Date.parse(grant.expiresAt) > Date.now())) return 'Your grant for this recording has ended.';
  } catch {
    // What the service said first is true as well.
  }
  return refused.message;
}
