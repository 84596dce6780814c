import type { AccessRequestAnswer, GrantAnswer } from '../support/answers.js';
import type { HttpClient } from '../support/http.js';
import type { Cast } from './cast.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';
import { onRecord, PURPOSE, rangesInWords, watch, type Watched } from './watching.js';

export interface Asked extends Told {
  readonly request: string;
}

export interface Granted extends Told {
  readonly grants: readonly GrantAnswer[];
}

export interface Viewed extends Told {
  readonly watched: Watched;
}

export async function refusedWithoutGrant({ investigator, investigatorId, auditor }: Cast, recording: string): Promise<Told> {
  const answer = (await investigator.post(`/api/recordings/${recording}/viewings`, { purpose: PURPOSE })).expect(403);
  const { detail } = answer.problem();
  const entry = await onRecord(auditor, recording, 'access.refused', (entry) => entry.actor === investigatorId);
  return { detail: `403 "${detail}" On record as entry ${entry.index}` };
}

export async function askForAccess(who: HttpClient, { run }: DemoContext, recordings: readonly string[]): Promise<Asked> {
  const request = {
    recordings,
    purpose: PURPOSE,
    caseNumber: `IA-${run}`,
    justification: 'Complaint about the use of force during the arrest; both cameras cover it.',
    until: inMinutes(60),
  };
  const { id } = (await who.post<AccessRequestAnswer>('/api/access-requests', request)).expect(201).body;
  return {
    request: id,
    detail: `case ${request.caseNumber}, ${request.purpose}, ${recordings.length} recording${recordings.length === 1 ? '' : 's'}`,
  };
}

/** Somebody who is both investigator and custodian asks, and then tries to grant it to themselves. */
export async function refusedOwnRequest({ both }: Cast, context: DemoContext, recording: string): Promise<Told> {
  const { request } = await askForAccess(both, context, [recording]);
  const refused = (await both.post(`/api/access-requests/${request}/grant`, { until: inMinutes(30) })).expect(403).problem();
  expectSame('the reason', 'own-request', refused['reason']);
  const { requests } = (await both.get<{ requests: AccessRequestAnswer[] }>('/api/access-requests')).expect(200).body;
  const state = requests.find(({ id }) => id === request)?.state;
  if (state === undefined || state === 'granted') throw new Unexpected('the request afterwards', 'to be open still', state);
  return { detail: `403 "${refused.detail}"` };
}

export async function grantAccess({ custodian }: Cast, request: string): Promise<Granted> {
  // Sooner than asked for: a custodian may shorten, never lengthen.
  const until = inMinutes(30);
  const { state, grants } = (
    await custodian.post<AccessRequestAnswer & { grants: GrantAnswer[] }>(`/api/access-requests/${request}/grant`, { until })
  ).expect(200, 201).body;
  expectSame('the request', 'granted', state);
  return { grants, detail: `${grants.length} grant${grants.length === 1 ? '' : 's'} until ${until.slice(0, 16)}Z` };
}

export async function view({ investigator, auditor }: Cast, recording: string, momentsMs: readonly number[]): Promise<Viewed> {
  const watched = await watch(investigator, auditor, recording, momentsMs);
  const mib = (watched.bytes / 2 ** 20).toFixed(1);
  return {
    watched,
    detail: `segments fetched: ${watched.fetched.length}, ${mib} MiB; on record: ${rangesInWords(watched.delivered)}`,
  };
}

function inMinutes(minutes: number): string {
  return new Date(Date.now() + minutes * 60_000).toISOString();
}
