import type { AccessRequestAnswer, GrantAnswer, RecordingAnswer, ViewingAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';

export interface Segment {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A request body that the service accepts, for `recordings`, until an hour from now. */
export function asking(recordings: readonly string[], changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    recordings,
    purpose: 'internal-investigation',
    caseNumber: 'IA-2026-017',
    justification: 'Complaint of excessive force at the stop',
    until: inSeconds(3600),
    ...changes,
  };
}

export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

/** @returns the request's id */
export async function ask(
  requester: HttpClient,
  recording: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return (await requester.post<AccessRequestAnswer>('/api/access-requests', asking([recording], changes))).expect(201).body.id;
}

export async function grant(
  custodian: HttpClient,
  request: string,
  until?: string,
  less: Readonly<Record<string, unknown>> = {},
): Promise<GrantAnswer> {
  const body = { ...(until === undefined ? {} : { until }), ...less };
  const answer = await custodian.post<{ grants: GrantAnswer[] }>(`/api/access-requests/${request}/grant`, body);
  const [granted] = answer.expect(200).body.grants;
  if (granted === undefined) throw new Error('Granting made no grant.');
  return granted;
}

/** A grant that two people have to approve: for export, with all that the built-in policy lets one person approve. */
export async function grantExport(
  viewer: HttpClient,
  custodians: readonly HttpClient[],
  recording: string,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<GrantAnswer> {
  const request = await ask(viewer, recording, { asked: ['view', 'view-unredacted', 'export'], ...changes });
  const granted: GrantAnswer[] = [];
  for (const custodian of custodians) {
    const path = `/api/access-requests/${request}/grant`;
    granted.push(...(await custodian.post<{ grants: GrantAnswer[] }>(path, {})).expect(200).body.grants);
  }
  const [only] = granted;
  if (only === undefined) throw new Error(`${custodians.length} custodians were not enough.`);
  return only;
}

export async function openViewing(
  viewer: HttpClient,
  recording: string,
  purpose = 'internal-investigation',
): Promise<ViewingAnswer> {
  return (await viewer.post<ViewingAnswer>(`/api/recordings/${recording}/viewings`, { purpose })).expect(201).body;
}

/** Waits until the recording can be played. @throws Error when it never will be */
export async function playable(reader: HttpClient, recording: string, withinMs = 120_000): Promise<RecordingAnswer> {
  const look = async (): Promise<RecordingAnswer | undefined> => {
    const { body } = (await reader.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200);
    if (body.playback?.state === 'failed') throw new Error(`${body.name} cannot be played: ${body.playback.reason ?? ''}`);
    return body.playback?.state === 'ready' ? body : undefined;
  };
  return eventually(`recording ${recording} can be played`, look, { withinMs });
}

/** One size of a playback copy, or its sound, as a viewer is told of it. */
export interface Track {
  readonly init: string;
  readonly segments: readonly Segment[];
}

export function fileOf({ viewing }: Pick<ViewingAnswer, 'viewing'>, name: string): string {
  return `/api/viewings/${viewing}/files/${name}`;
}

/** The playlists of the sizes that a multivariant playlist offers, largest first, with what it says of each. RFC 8216 §4.3.4.2 */
export function sizesOf(playlist: string): { readonly name: string; readonly attributes: string }[] {
  return [...playlist.matchAll(/^#EXT-X-STREAM-INF:(.*)\n(.+)$/gm)].map(([, attributes = '', name = '']) => ({
    name,
    attributes,
  }));
}

/** The largest size, as a player finds it: two playlists are fetched. */
export async function largestOf(viewer: HttpClient, viewing: ViewingAnswer): Promise<Track> {
  const [largest] = sizesOf((await viewer.get(viewing.playlist)).expect(200).text);
  return trackOf(viewer, viewing, largest?.name ?? '');
}

export async function trackOf(viewer: HttpClient, viewing: ViewingAnswer, playlist: string): Promise<Track> {
  const { text } = (await viewer.get(fileOf(viewing, playlist))).expect(200);
  return { init: /#EXT-X-MAP:URI="(.+)"/.exec(text)?.[1] ?? '', segments: segmentsOf(text) };
}

/** What a playlist lists, with the place of each segment on the recording's own time axis. RFC 8216 §4.3.2.1 */
export function segmentsOf(playlist: string): Segment[] {
  const segments: Segment[] = [];
  let at = 0;
  for (const [, seconds = '0', name = ''] of playlist.matchAll(/#EXTINF:([\d.]+),[^\n]*\n([^\n#]+)/g)) {
    const until = at + Number(seconds) * 1000;
    segments.push({ name: name.trim(), fromMs: at, toMs: until });
    at = until;
  }
  return segments;
}
