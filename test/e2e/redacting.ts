import { subjectAt, type Clip } from '../clips/synthesise.js';
import type { RedactionAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';

/** A box that follows the figure in the clip, a little larger than it, as a region of a plan. */
export function boxOver(clip: Clip, untilMs: number): object {
  const keyframes = [0, untilMs].map((atMs) => {
    const { x, y, width, height } = subjectAt(clip, atMs);
    return { atMs, x: x - 4, y: y - 4, width: width + 8, height: height + 8 };
  });
  return { shape: 'rectangle', reason: 'bystander', keyframes };
}

/** A plan that mutes a span, which is rendered quickly. */
export function muting(fromMs: number, toMs: number, reason = 'name'): object {
  return { v: 1, regions: [], mutes: [{ fromMs, toMs, reason }] };
}

export async function readRedaction(reader: HttpClient, id: string): Promise<RedactionAnswer> {
  return (await reader.get<RedactionAnswer>(`/api/redactions/${id}`)).expect(200).body;
}

export async function draftRedaction(author: HttpClient, recording: string, plan: object): Promise<RedactionAnswer> {
  const body = { plan, reason: 'released to the public', draft: true };
  return (await author.post<RedactionAnswer>(`/api/recordings/${recording}/redactions`, body)).expect(202).body;
}

/** Drafts and orders at once. */
export async function orderRedaction(author: HttpClient, recording: string, plan: object): Promise<RedactionAnswer> {
  const body = { plan, reason: 'released to the public' };
  return (await author.post<RedactionAnswer>(`/api/recordings/${recording}/redactions`, body)).expect(202).body;
}

/** Waits until it is rendered, or has failed. */
export async function settledRedaction(reader: HttpClient, id: string, withinMs = 120_000): Promise<RedactionAnswer> {
  const look = async (): Promise<RedactionAnswer | undefined> => {
    const redaction = await readRedaction(reader, id);
    return redaction.state === 'rendering' ? undefined : redaction;
  };
  return eventually(`redaction ${id} is rendered or failed`, look, { withinMs });
}

/** @param reviewer a custodian who wrote no version of its plan */
export async function approveAndRelease(reviewer: HttpClient, { id, version }: RedactionAnswer): Promise<RedactionAnswer> {
  (await reviewer.post(`/api/redactions/${id}/review`, { version, verdict: 'approved' })).expect(200);
  return (await reviewer.post<RedactionAnswer>(`/api/redactions/${id}/release`)).expect(200).body;
}
