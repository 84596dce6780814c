import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseVerifier, verifyReceipt } from '#tlog';
import { synthesiseClip } from '../clips/synthesise.js';
import type { RecordingAnswer } from './answers.js';
import { TestDock } from './dock.js';
import { startStack, type Stack } from './stack.js';

describe('a service of a test’s own', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await startStack();
  }, 120_000);

  afterAll(async () => {
    await stack.stop();
  }, 60_000);

  it('lets each role sign in and answers strangers with a problem document', async () => {
    for (const { role } of stack.seedAccounts) {
      const session = (await (await stack.signIn(role)).get<{ person: { roles: string[] } }>('/api/session')).expect(200).body;
      expect(session.person.roles).toEqual([role]);
    }
    expect((await stack.anonymous().get('/api/recordings')).expect(401).problem().type).toBe('urn:custodiet:not-signed-in');
  });

  it('seals what a dock hands in although API and worker are killed before the upload is complete', async () => {
    const out = join(stack.env['WORK_DIR'] ?? '', 'clip.mp4');
    await synthesiseClip(
      { ffmpeg: process.env['FFMPEG_PATH'] ?? 'ffmpeg' },
      { out, seconds: 2, camera: randomUUID(), width: 320, height: 240 },
    );
    const dock = await TestDock.enrol(await stack.signIn('administrator'));
    const bytes = await readFile(out);
    const { recording, sha256 } = await dock.send('clip.mp4', bytes);
    await Promise.all([stack.kill('api'), stack.kill('worker')]);
    expect(stack.api.isRunning || stack.worker.isRunning).toBe(false);
    await Promise.all([stack.restart('api'), stack.restart('worker')]);
    (await dock.complete(recording)).expect(202);
    expect((await dock.settled(recording)).state).toBe('sealed');
    const receipt = (await dock.receipt(recording)).expect(200).text;
    expect(verifyReceipt(receipt, { logKey: parseVerifier(stack.logKey), sha256, recording }).index).toBeGreaterThan(0n);
    const seen = (await (await stack.signIn('auditor')).get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200).body;
    expect(seen).toMatchObject({ state: 'sealed', sha256, size: bytes.length });
  }, 120_000);

  it('ends gracefully when it is asked to', async () => {
    expect(await stack.worker.stop()).toBe(true);
    expect(await stack.api.stop()).toBe(true);
    await Promise.all([stack.restart('api'), stack.restart('worker')]);
  }, 120_000);
});
