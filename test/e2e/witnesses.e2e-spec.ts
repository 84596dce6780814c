import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPolicy, decodeZip, generateNoteKey, parsePolicy, parseProof, type WitnessPolicy } from '#tlog';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { TimestampAuthority } from '../support/timestamp-authority.js';
import { TestWitnesses, type TestWitness } from '../support/witness.js';
import { clipBytes } from './clip-bytes.js';
import { runProgram, verifyBundle } from './command-line.js';

const CLIP = { out: '', camera: 'TEST-CAMERA-1', seconds: 2, width: 320, height: 240, fps: 15 } as const;

describe('a service whose checkpoints are cosigned and timestamped', () => {
  let folder: string;
  let witnesses: TestWitnesses;
  let board: TestWitness;
  let press: TestWitness;
  let authority: TimestampAuthority;
  let stack: Stack;
  let auditor: HttpClient;
  let recording: string;
  let dock: TestDock;
  let policyFile: string;

  beforeAll(async () => {
    [folder, witnesses, authority] = await Promise.all([
      mkdtemp(join(tmpdir(), 'custodiet-cosigned-')),
      TestWitnesses.create(),
      TimestampAuthority.start(),
    ]);
    const { skey, vkey } = generateNoteKey(`custodiet.test/${randomBytes(6).toString('hex')}`);
    [board, press] = (await Promise.all(['board', 'press'].map(async (name) => (await witnesses.add(name, vkey)).start()))) as [
      TestWitness,
      TestWitness,
    ];
    policyFile = join(folder, 'policy.txt');
    await writeFile(policyFile, `log ${vkey}\n${board.line}${press.line}group both all board press\nquorum both\n`);
    stack = await startStack({ LOG_SIGNING_KEY: skey, WITNESS_POLICY_FILE: policyFile, TIMESTAMP_AUTHORITIES: authority.url });
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(await stack.signIn('administrator'));
    ({ recording } = await dock.upload('stop.mp4', await clipBytes(CLIP)));
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    await Promise.all([witnesses?.close(), authority?.stop()]);
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const policy = (): WitnessPolicy =>
    parsePolicy(`log ${stack.logKey}\n${board.line}${press.line}group both all board press\nquorum both\n`);
  const aliases = (note: string): string[] => checkPolicy(note, policy()).cosigners.map(({ alias }) => alias);
  const written = async (name: string, bytes: Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, bytes);
    return path;
  };

  it('shows anybody a checkpoint with the cosignatures of the quorum', async () => {
    const { text } = (await stack.anonymous().get('/log/checkpoint')).expect(200);
    expect(aliases(text)).toEqual(['board', 'press']);
  });

  it('gives docks receipts that are cosigned', async () => {
    const receipt = (await dock.receipt(recording)).expect(200);
    const { proof } = JSON.parse(receipt.text) as { proof: string };
    expect(aliases(parseProof(proof).checkpoint)).toEqual(['board', 'press']);
    const args = [
      'receipt',
      await written('receipt.json', receipt.bytes),
      '--file',
      await written('clip.mp4', await clipBytes(CLIP)),
    ];
    const { code, stdout } = await runProgram('custodiet-verify.mjs', [...args, '--policy', policyFile]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/VERIFIED/)]);
  });

  it('exports bundles that name the policy, satisfy it, prove that they are complete, and are timestamped', async () => {
    const zip = (await auditor.post(`/api/recordings/${recording}/evidence-bundle`)).expect(200).bytes;
    const files = decodeZip(zip);
    const path = await written('bundle.zip', zip);
    const { code, stdout } = await verifyBundle(path, '--policy', policyFile);
    expect(code).toBe(0);
    expect(stdout).toMatch(/board/);
    expect([...files.keys()]).toEqual(expect.arrayContaining(['policy.txt', 'heads.jsonl', 'timestamps/1.tsr']));
    const [checkpoint, timestamp] = ['checkpoint', 'timestamps/1.tsr'].map((name) => files.get(name) ?? new Uint8Array());
    expect(await authority.verify(timestamp ?? new Uint8Array(), checkpoint ?? new Uint8Array())).toMatchObject({ ok: true });
  }, 60_000);

  it('hands nothing out while the quorum is not complete, says why, and goes on when it is', async () => {
    const shown = (await stack.anonymous().get('/log/checkpoint')).expect(200).text;
    await press.stop();
    for (const what of ['evidence-bundle', 'custody-report']) {
      const answer = await auditor.post(`/api/recordings/${recording}/${what}`);
      expect(answer.expect(503).problem()).toMatchObject({ type: 'urn:custodiet:witnesses-behind' });
    }
    const { size } = checkPolicy((await stack.anonymous().get('/log/checkpoint')).text, policy()).checkpoint;
    expect(size).toBeGreaterThanOrEqual(checkPolicy(shown, policy()).checkpoint.size);
    await press.start();
    await eventually(
      'a custody report is handed out again',
      async () => (await auditor.post(`/api/recordings/${recording}/custody-report`)).status === 200,
    );
  }, 120_000);
});
