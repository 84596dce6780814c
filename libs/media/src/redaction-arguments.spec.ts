import type { Probe } from './ffprobe-report.js';
import { redactedSize, redactionArguments } from './redaction-arguments.js';
import type { RedactionPlan } from './redaction-plan.js';

const probe: Probe = {
  container: 'mov',
  durationMs: 600_000,
  video: { codec: 'h264', width: 641, height: 359, frameRate: '30/1', rotation: 0, pixelFormat: 'yuv420p' },
  audio: { codec: 'aac', channels: 6, sampleRate: 8000 },
  tags: {},
  tool: '',
};
const plan: RedactionPlan = {
  v: 1,
  regions: [],
  mutes: Array.from({ length: 100 }, (_, index) => ({ fromMs: index * 1000, toMs: index * 1000 + 500, reason: 'name' })),
};
const files = { mask: 'mask.ass', out: 'out.mp4' };
const graphOf = (of: Probe, what: RedactionPlan): string => redactionArguments(of, what, files).options[1] ?? '';

describe('redactionArguments', () => {
  it('lets nothing of the container through', () => {
    const options = redactionArguments(probe, plan, files).options.join(' ');
    for (const guard of [
      '-sn',
      '-dn',
      '-map_metadata -1',
      '-map_metadata:s:v -1',
      '-map_chapters -1',
      '-write_tmcd 0',
      '-a53cc 0',
      '-udu_sei 0',
    ]) {
      expect(options).toContain(guard);
    }
    expect(options).toContain('filter_units=remove_types=6');
    expect(options).not.toContain('copy');
  });

  it('never puts more spans into one expression than ffmpeg can parse', () => {
    const filters = graphOf(probe, plan).match(/volume=0:enable='[^']*'/g) ?? [];
    expect(filters.map((filter) => filter.match(/between/g)?.length)).toEqual([40, 40, 20]);
  });

  it('mutes a little more than asked, but not before the start', () => {
    expect(graphOf(probe, plan)).toContain('between(t,0.000,0.550)+between(t,0.950,1.550)');
  });

  it('draws no mask for a plan that only mutes, and maps no sound for a recording without', () => {
    expect(graphOf(probe, plan)).not.toContain('ass=');
    expect(redactionArguments({ ...probe, audio: null }, { ...plan, mutes: [] }, files).options).not.toContain('[sound]');
  });

  it('makes odd sizes even by adding, never by cutting', () => {
    expect(redactedSize(probe)).toEqual({ width: 642, height: 360 });
  });
});
