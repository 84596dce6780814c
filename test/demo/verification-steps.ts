import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeZip, encodeZip, openTrusted, parsePolicy, parseVerifier, type WitnessPolicy } from '#tlog';
import { HttpClient } from '../support/http.js';
import { expectCode, verify } from './command-line-apps.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import type { Bundle } from './export-steps.js';
import type { Told } from './narrator.js';

interface Verdict {
  readonly ok: boolean;
  readonly entries: number;
  readonly logKeyPinned: boolean;
  readonly cosigned?: { readonly pinned: boolean; readonly by: readonly Cosigner[] };
  readonly complete?: { readonly size: string; readonly at: string };
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly where?: string; readonly detail: string }[];
}

interface Cosigner {
  readonly alias: string;
  readonly time: string;
}

type Files = ReadonlyMap<string, Uint8Array>;

const CHANGED_BYTES = 12;

export interface Verified extends Told {
  readonly verdict: Verdict;
}

/** What anybody gets without an account, held against the policy and the log key that the demonstration has from elsewhere. */
export async function checkCosigned({ url, policyFile }: DemoContext, logKey: string): Promise<Told> {
  const { text: note } = (await new HttpClient(url).get('/log/checkpoint')).expect(200);
  const policy = parsePolicy(await readFile(policyFile, 'utf8'));
  const { checkpoint, cosigners } = openTrusted(note, { logKey: parseVerifier(logKey), policy });
  const by = cosigners.map(({ alias, time }) => ({ alias, time: time.toISOString() }));
  return { detail: `${checkpoint.size} entries, ${inWords(by)}, as "${quorumOf(policy)}" asks for` };
}

/** With nothing but the log's key and the policy, as somebody outside has them. */
export async function verifyOffline({ policyFile }: DemoContext, { path }: Bundle, logKey: string): Promise<Verified> {
  const ran = await verify(path, '--log-key', logKey, '--policy', policyFile, '--json');
  expectCode('custodiet-verify', 0, ran);
  const verdict = JSON.parse(ran.stdout) as Verdict;
  const { ok, logKeyPinned, cosigned, checks, entries } = verdict;
  expectSame('the verdict', [true, true, true], [ok, logKeyPinned, cosigned?.pinned]);
  return {
    verdict,
    detail: `exit 0: ${checks.length} checks hold over ${entries} log entries, under the pinned key; ${inWords(cosigned?.by ?? [])}`,
  };
}

/** By the log's own map of where every chain ends. */
export function checkComplete({ verdict: { complete } }: Verified): Promise<Told> {
  if (complete === undefined) throw new Unexpected('the verdict', 'a proof that nothing was left out', 'none');
  const { size, at } = complete;
  return Promise.resolve({ detail: `no entry was left out among the first ${size}, by the log's own map of heads of ${at}` });
}

/** Without --policy the verifier goes by the bundle's own, which has to be what the service was told to ask for. */
export async function readOwnPolicy({ policyFile }: DemoContext, { path }: Bundle, logKey: string): Promise<Told> {
  const inside = textIn(decodeZip(await readFile(path)), 'policy.txt');
  expectSame('policy.txt in the bundle', await readFile(policyFile, 'utf8'), inside);
  const ran = await verify(path, '--log-key', logKey, '--json');
  expectCode('custodiet-verify without a policy', 0, ran);
  const { cosigned } = JSON.parse(ran.stdout) as Verdict;
  expectSame('whether somebody else vouches for that policy', false, cosigned?.pinned);
  return { detail: `policy.txt: "${quorumOf(parsePolicy(inside))}"; ${inWords(cosigned?.by ?? [])}` };
}

/** Entry and proof of what the log's map of heads has as the last about the recording: what an exporter would most like to leave out. */
export async function noticeLeftOut(
  { work, policyFile }: DemoContext,
  { path }: Bundle,
  recording: string,
  logKey: string,
): Promise<Told> {
  const files = decodeZip(await readFile(path));
  const left = newestBeforeTheHeads(files, recording);
  const shortened = new Map(files);
  for (const name of ['entries.jsonl', 'proofs.jsonl']) {
    const lines = linesIn(files, name).filter((line) => (JSON.parse(line) as { index: string }).index !== left.index);
    shortened.set(name, Buffer.from(lines.map((line) => `${line}\n`).join('')));
  }
  const incomplete = join(work, 'incomplete.zip');
  await writeFile(incomplete, encodeZip(shortened));
  const failed = await failedChecks(incomplete, `without entry ${left.index}`, ['--log-key', logKey, '--policy', policyFile]);
  if (!failed.includes('heads')) throw new Unexpected('the failed checks', 'heads among them', failed);
  return { detail: `entry ${left.index}, ${left.type}, and its proof taken out: exit 1; failed: ${failed.join(', ')}` };
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
    for (const name of await failedChecks(changed, `with byte ${at} changed`, ['--log-key', logKey])) noticed.add(name);
  }
  return { detail: `${CHANGED_BYTES} times exit 1; failed: ${[...noticed].join(', ')}` };
}

/** @throws Unexpected unless the verifier refuses it and says which check failed */
async function failedChecks(path: string, how: string, trust: readonly string[]): Promise<readonly string[]> {
  const ran = await verify(path, ...trust, '--json');
  expectCode(`custodiet-verify ${how}`, 1, ran);
  const failed = (JSON.parse(ran.stdout) as Verdict).checks.filter(({ ok }) => !ok);
  if (failed.length === 0) throw new Unexpected(`the verdict ${how}`, 'a failed check', 'none');
  return [...new Set(failed.map(({ name }) => name))];
}

function newestBeforeTheHeads(files: Files, recording: string): { readonly index: string; readonly type: string } {
  const [first = ''] = linesIn(files, 'heads.jsonl');
  const { map } = JSON.parse(first) as { map: { size: string } };
  const entries = linesIn(files, 'entries.jsonl').map((line) => {
    const { index, header } = JSON.parse(line) as { index: string; header: string };
    return { index, ...(JSON.parse(header) as { subject: string; type: string }) };
  });
  const newest = entries.findLast(({ index, subject }) => subject === recording && BigInt(index) < BigInt(map.size));
  if (newest === undefined) throw new Unexpected('the bundle', `an entry about ${recording} before ${map.size}`, 'none');
  return newest;
}

function linesIn(files: Files, name: string): readonly string[] {
  return textIn(files, name).trimEnd().split('\n');
}

function textIn(files: Files, name: string): string {
  const bytes = files.get(name);
  if (bytes === undefined) throw new Unexpected('the bundle', `a file ${name}`, [...files.keys()]);
  return Buffer.from(bytes).toString('utf8');
}

/** The line of the policy that decides. */
function quorumOf({ quorum }: WitnessPolicy): string {
  return `quorum ${'witness' in quorum ? quorum.witness : quorum.group}`;
}

/** @throws Unexpected when there are none: `quorum none` would be satisfied, but shows nothing */
function inWords(cosigners: readonly Cosigner[]): string {
  if (cosigners.length === 0) throw new Unexpected('the checkpoint', 'to be cosigned', 'by nobody');
  return `cosigned by ${cosigners.map(({ alias, time }) => `${alias} at ${time}`).join(', ')}`;
}
