import { createHash } from 'node:crypto';
import type { UploadAnswer } from '../support/answers.js';
import { digestOf } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient } from '../support/http.js';

/** `recording` is null where the file is held as a recording that the person may not know of. */
export type HandedIn = Omit<UploadAnswer, 'recording'> & { readonly recording: string | null };

export interface Handing {
  readonly files: readonly Readonly<Record<string, unknown>>[];
  readonly [member: string]: unknown;
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** What a page says of a file. */
export function fileOf(name: string, bytes: Uint8Array, stated: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return { name, size: bytes.length, sha256: sha256Of(bytes), recordedAt: '2026-03-14T09:26:53.589Z', ...stated };
}

/** A body that the service accepts. */
export function handing(files: Handing['files'], changes: Readonly<Record<string, unknown>> = {}): Handing {
  return { files, source: 'citizen', from: 'B. Bystander, by e-mail', ...changes };
}

export async function announce(person: HttpClient, body: Handing): Promise<Answer<{ files: HandedIn[] }>> {
  return person.post<{ files: HandedIn[] }>('/api/hand-ins', body);
}

/** @returns the one file's answer, with a recording that the person may know of */
export async function announceOne(
  person: HttpClient,
  name: string,
  bytes: Uint8Array,
): Promise<HandedIn & { readonly recording: string }> {
  const [file] = (await announce(person, handing([fileOf(name, bytes)]))).expect(200).body.files;
  if (file?.recording == null) throw new Error(`The service names no recording for ${name}.`);
  return { ...file, recording: file.recording };
}

/** @param part from 1 */
export async function putPart(
  person: HttpClient,
  recording: string,
  part: number,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer<unknown>> {
  return person.send('PUT', `/api/docking/recordings/${recording}/parts/${part}`, {
    headers: { 'content-type': 'application/octet-stream', 'content-digest': digestOf(bytes), ...headers },
    raw: new Uint8Array(bytes),
  });
}

export async function complete(person: HttpClient, recording: string): Promise<Answer<UploadAnswer>> {
  return person.post<UploadAnswer>(`/api/docking/recordings/${recording}/complete`);
}

export async function sendParts(
  person: HttpClient,
  { recording, partSize }: { readonly recording: string; readonly partSize: number },
  bytes: Uint8Array,
): Promise<void> {
  for (let part = 1; (part - 1) * partSize < bytes.length; part++)
    (await putPart(person, recording, part, bytes.subarray((part - 1) * partSize, part * partSize))).expect(204);
}

/** The whole way in. @returns the recording, sealed or quarantined */
export async function handInWhole(person: HttpClient, name: string, bytes: Uint8Array): Promise<UploadAnswer> {
  const file = await announceOne(person, name, bytes);
  await sendParts(person, file, bytes);
  (await complete(person, file.recording)).expect(202);
  return settled(person, file.recording);
}

export async function settled(person: HttpClient, recording: string): Promise<UploadAnswer> {
  return eventually(`recording ${recording} is sealed or quarantined`, async () => {
    const { body } = (await person.get<UploadAnswer>(`/api/docking/recordings/${recording}`)).expect(200);
    return body.state === 'sealed' || body.state === 'quarantined' ? body : undefined;
  });
}
