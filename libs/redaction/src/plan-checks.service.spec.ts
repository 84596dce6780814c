import '@nestjs/core';
import type { RecordingsService } from '#evidence';
import type { Probe, RedactionPlan } from '#media';
import type { Config } from '#platform';
import type { PlanChecks as Checks } from './plan-checks.service.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { PlanChecks } = await import('./plan-checks.service.js');

const PROBLEM = 'The video is encoded as "xyz1", which cannot be decoded here.';
const probe: Probe = {
  container: 'mov',
  durationMs: 10_000,
  video: { codec: 'h264', width: 640, height: 360, frameRate: '30/1', rotation: 0, pixelFormat: 'yuv420p' },
  audio: { codec: 'aac', channels: 2, sampleRate: 48_000 },
  tags: {},
  tool: '',
};
const plan: RedactionPlan = { v: 1, regions: [], mutes: [{ fromMs: 0, toMs: 500, reason: 'name' }] };

function checksFor(found: Probe): Checks {
  const recordings = { get: () => Promise.resolve({ state: 'sealed', reason: null, probe: found }) };
  const config = { REDACTION_REASONS: ['name'], REDACTION_STYLES: ['solid'] };
  return new PlanChecks(config as unknown as Config, recordings as unknown as RecordingsService);
}

describe('a plan', () => {
  it('is refused for a recording whose picture cannot be decoded, and the refusal says why', async () => {
    await expect(checksFor({ ...probe, problem: PROBLEM }).mustFit(plan, 'r')).rejects.toMatchObject({ detail: PROBLEM });
  });

  it('is taken where it fits the recording and the policy', async () => {
    await expect(checksFor(probe).mustFit(plan, 'r')).resolves.toBeUndefined();
  });
});
