import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cast } from './cast.js';
import { expectCode, verify } from './command-line-apps.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';
import { chainOf, onRecord } from './watching.js';

export interface Bundle extends Told {
  readonly path: string;
}

interface Verdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly logKeyPinned: boolean;
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly where?: string; readonly detail: string }[];
}

const CHANGED_BYTES = 12;

export async function exportReport({ artefacts }: DemoContext, { auditor }: Cast, recording: string): Promise<Told> {
  const entries = await chainOf(auditor, recording);
  const answer = (await auditor.post(`/api/recordings/${recording}/custody-report`)).expect(200, 201);
  expectSame('the type of the report', 'application/pdf', answer.contentType);
  if (!answer.text.startsWith('%PDF-')) throw new Unexpected('the report', 'a PDF', answer.text.slice(0, 20));
  await writeFile(join(artefacts, 'report.pdf'), answer.bytes);
  const exported = await onRecord(auditor, recording, 'custody-report.exported', ({ seq }) => seq >= entries.length);
  return {
    detail: `PDF, ${(answer.bytes.length / 1024).toFixed(0)} KiB, over ${entries.length} custody entries; on record as entry ${exported.index}`,
  };
}

export async function exportBundle({ artefacts }: DemoContext, { auditor }: Cast, recording: string): Promise<Bundle> {
  const answer = (await auditor.post(`/api/recordings/${recording}/evidence-bundle`)).expect(200, 201);
  expectSame('the type of the bundle', 'application/zip', answer.contentType);
  const path = join(artefacts, 'bundle.zip');
  await writeFile(path, answer.bytes);
  return { path, detail: `ZIP, ${(answer.bytes.length / 1024).toFixed(0)} KiB` };
}

export async function verifyOffline({ path }: Bundle, logKey: string): Promise<Told> {
  const ran = await verify(path, '--log-key', logKey, '--json');
  expectCode('custodiet-verify', 0, ran);
  const verdict = JSON.parse(ran.stdout) as Verdict;
  expectSame('the verdict', [true, true], [verdict.ok, verdict.logKeyPinned]);
  return { detail: `exit 0: ${verdict.checks.length} checks hold over ${verdict.entries} log entries, under the pinned key` };
}

/** One byte at a time, all over the file. */
export async function noticeChangedBytes({ work }: DemoContext, { path }: Bundle, logKey: string): Promise<Told> {
  const bundle = await readFile(path);
  const changed = join(work, 'changed.zip');
  const noticed = new Set<string>();
  for (let n = 0; n < CHANGED_BYTES; n++) {
    const at = Math.floor(((bundle.length - 1) * n) / (CHANGED_BYTES - 1));
    const copy = Buffer.from(bundle);
    copy[at] = (copy[at] ?? 0) ^ 1;
    await writeFile(changed, copy);
    const ran = await verify(changed, '--log-key', logKey, '--json');
    expectCode(`custodiet-verify with byte ${at} changed`, 1, ran);
    const failed = (JSON.parse(ran.stdout) as Verdict).checks.filter(({ ok }) => !ok);
    if (failed.length === 0) throw new Unexpected(`the verdict with byte ${at} changed`, 'a failed check', 'none');
    for (const { name } of failed) noticed.add(name);
  }
  return { detail: `${CHANGED_BYTES} times exit 1; failed: ${[...noticed].join(', ')}` };
}
