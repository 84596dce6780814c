import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cast } from './cast.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';
import { chainOf, onRecord } from './watching.js';

export interface Bundle extends Told {
  readonly path: string;
}

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
