import { copyFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, parseProof, parseVerifier, readManifest } from '#tlog';
import { readFileSync } from 'node:fs';
import type { DockAnswer, RecordingAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import { HttpClient } from '../support/http.js';
import type { Cast } from './cast.js';
import type { Clips, DemoClip } from './clips.js';
import { dock, expectCode, verify } from './command-line-apps.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';

export interface Dock extends Told {
  readonly id: string;
  /** Where its key and configuration are. */
  readonly home: string;
  /** As pinned by the dock. */
  readonly logKey: string;
}

/** As far as `custodiet-dock upload --json` is looked at. */
interface Outcome {
  readonly file: string;
  readonly state: 'sealed' | 'quarantined' | 'duplicate' | 'failed' | 'unreachable';
  readonly recording?: string;
  readonly receipt?: string;
  readonly logIndex?: string;
  readonly duplicateOf?: string;
  readonly reason?: string;
}

export interface Uploaded extends Told {
  readonly recordings: readonly { readonly clip: DemoClip; readonly recording: string; readonly wasKnown: boolean }[];
  /** The recording that is watched, redacted and exported. */
  readonly main: string;
  /** Its receipt; null when another run's dock has it. */
  readonly receipt: string | null;
}

/** @param name tells the demonstration's docks apart */
export async function enrolDock({ url, run, work }: DemoContext, { administrator }: Cast, name = 'dock'): Promise<Dock> {
  const home = join(work, name);
  const enrolled = await dock(home, 'enrol', '--server', url);
  expectCode('custodiet-dock enrol', 0, enrolled);
  const request = { name: `Demonstration ${name} ${run}`, publicKey: enrolled.stdout.trim() };
  const { id, logKey } = (await administrator.post<DockAnswer>('/api/docks', request)).expect(201).body;
  if (logKey === null) throw new Unexpected('the log key for the dock', 'a C2SP verifier key', logKey);
  expectCode('custodiet-dock accept', 0, await dock(home, 'accept', '--dock', id, '--log-key', logKey));
  return { id, home, logKey, detail: `log key ${logKey.split('+').slice(0, 2).join('+')} pinned` };
}

/** A file of the person's own that an earlier run brought in is refused as a duplicate: the story goes on with the recording it named. */
export async function upload(context: DemoContext, { home }: Dock, { clips, main }: Clips, badge: string): Promise<Uploaded> {
  const receipts = join(context.artefacts, 'receipts');
  const manifest = join(context.work, 'manifest.note');
  const args = ['upload', ...clips.map(({ path }) => path), '--manifest', manifest, '--receipts', receipts, '--json'];
  const stated = context.videos.length > 0 ? ['--camera', 'DEMO-CAMERA', '--officer', badge] : [];
  const ran = await dock(home, ...args, ...stated);
  const outcomes = parseOutcomes(ran.stdout);
  if (outcomes.length === 0) expectCode('custodiet-dock upload', 0, ran);
  const recordings = clips.map((clip) => {
    const outcome = outcomes.find(({ file }) => file === clip.path);
    const recording = outcome?.state === 'sealed' ? outcome.recording : outcome?.duplicateOf;
    if (outcome === undefined || recording === undefined || !['sealed', 'duplicate'].includes(outcome.state)) {
      throw new Unexpected(
        clip.name,
        'sealed',
        outcome === undefined ? 'no word of it' : `${outcome.state}: ${outcome.reason ?? ''}`,
      );
    }
    const wasKnown = outcome.state === 'duplicate';
    if (wasKnown && clip.synthesised !== null) throw new Unexpected(clip.name, 'a new recording', outcome.reason);
    return { clip, recording, wasKnown };
  });
  const known = recordings.filter(({ wasKnown }) => wasKnown);
  expectCode('custodiet-dock upload', known.length > 0 ? 1 : 0, ran);
  expectSame('files in the signed manifest', clips.length, readManifest(readFileSync(manifest, 'utf8')).files.length);
  const mainRecording = recordings.find(({ clip }) => clip === main)?.recording ?? '';
  const receipt = join(receipts, `${mainRecording}.receipt.json`);
  const hasReceipt = await stat(receipt).then(
    () => true,
    () => false,
  );
  if (hasReceipt) await copyFile(receipt, join(context.artefacts, 'receipt.json'));
  const sealed = outcomes.filter(({ state }) => state === 'sealed').map(({ logIndex }) => `entry ${logIndex ?? '?'}`);
  const parts = [
    ...(sealed.length > 0 ? [`${sealed.length} sealed and receipted (${sealed.join(', ')})`] : []),
    ...known.map(({ clip, recording }) => `${clip.name} was here already as ${recording}, which is gone on with`),
  ];
  return { recordings, main: mainRecording, receipt: hasReceipt ? receipt : null, detail: parts.join('; ') };
}

/** From another dock: the one that brought it in knows that it is sealed, and sends nothing. */
export async function uploadAgain(context: DemoContext, cast: Cast, { main }: Clips, uploaded: Uploaded): Promise<Told> {
  const { badge } = cast;
  const { home } = await enrolDock(context, cast, 'other-dock');
  const stated = context.videos.length > 0 ? ['--camera', 'DEMO-CAMERA', '--officer', badge] : [];
  const ran = await dock(home, 'upload', main.path, ...stated, '--receipts', join(context.work, 'again'), '--json');
  expectCode('the second upload', 1, ran);
  const [outcome] = parseOutcomes(ran.stdout);
  expectSame('the second upload', ['duplicate', uploaded.main], [outcome?.state, outcome?.duplicateOf]);
  return { detail: `refused as a duplicate of ${uploaded.main}` };
}

/** Believes the pinned key and the file in hand, nothing else. */
export async function checkReceipt({ url }: DemoContext, { logKey }: Dock, { main }: Clips, uploaded: Uploaded): Promise<Told> {
  const anybody = new HttpClient(url);
  const published = (await anybody.get('/log/keys')).expect(200).text.trim().split('\n');
  if (!published.includes(logKey)) throw new Unexpected('the published log keys', `to hold ${logKey}`, published);
  const checkpoint = openCheckpoint((await anybody.get('/log/checkpoint')).expect(200).text, [parseVerifier(logKey)]);
  if (uploaded.receipt === null)
    return { detail: `checkpoint over ${checkpoint.size} entries verifies; the receipt is with the dock of an earlier run` };
  expectCode('custodiet-verify receipt', 0, await verify('receipt', uploaded.receipt, '--file', main.path, '--log-key', logKey));
  const { proof } = JSON.parse(readFileSync(uploaded.receipt, 'utf8')) as { proof: string };
  const { index } = parseProof(proof);
  if (checkpoint.size <= index)
    throw new Unexpected('the newest checkpoint', `to cover entry ${index}`, `one over ${checkpoint.size} entries`);
  return { detail: `entry ${index} is proven under a checkpoint signed by ${checkpoint.origin}, now ${checkpoint.size} entries` };
}

export interface Playable extends Told {
  readonly main: RecordingAnswer;
}

export async function playable({ auditor }: Cast, uploaded: Uploaded): Promise<Playable> {
  const ready = await Promise.all(uploaded.recordings.map(({ recording }) => playableRecording(auditor, recording)));
  const main = ready.find(({ id }) => id === uploaded.main);
  if (main === undefined) throw new Unexpected('the recordings', `to include ${uploaded.main}`, ready.length);
  const described = ready.map(({ media }) =>
    media === null ? '?' : `${(media.durationMs / 1000).toFixed(1)} s ${media.video.width}×${media.video.height}`,
  );
  return { main, detail: `HLS and poster of ${described.join(', ')}` };
}

/** Waits for the playback copy, longer for longer recordings. @throws Unexpected when there will be none */
export async function playableRecording(auditor: HttpClient, id: string): Promise<RecordingAnswer> {
  const read = async (): Promise<RecordingAnswer> =>
    (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body;
  const withinMs = 300_000 + 3 * ((await read()).media?.durationMs ?? 0);
  const look = async (): Promise<RecordingAnswer | undefined> => {
    const recording = await read();
    if (recording.playback?.state === 'failed')
      throw new Unexpected(`${recording.name}, playback`, 'ready', recording.playback.reason);
    return recording.playback?.state === 'ready' ? recording : undefined;
  };
  return eventually(`recording ${id} is ready to play`, look, { withinMs, everyMs: 250 });
}

function parseOutcomes(stdout: string): Outcome[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Outcome);
}
