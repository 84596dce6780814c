import { ConfigSchema } from '#platform';
import { LOOK_EVERY_MS, momentsAt } from './idle-viewings.rules.js';

describe('a viewing that has died', () => {
  const { VIEWING_IDLE_SECONDS: idle, VIEWING_PROGRESS_SECONDS: every } = ConfigSchema.shape;

  it('is closed within two minutes, whatever is configured', () => {
    const allowed = Array.from({ length: 3600 }, (_, i) => i + 1).filter((seconds) => idle.safeParse(seconds).success);
    const longest = Math.max(...allowed);
    const now = new Date('2026-03-14T12:00:00Z');
    const { idleSince, quietSince, aheadOf } = momentsAt(now, { idleSeconds: longest, progressSeconds: 30 });
    expect(now.getTime() - idleSince.getTime() + LOOK_EVERY_MS).toBeLessThan(120_000);
    expect(aheadOf.getTime() - now.getTime()).toBeLessThan(120_000);
    expect(now.getTime() - quietSince.getTime() + LOOK_EVERY_MS).toBeLessThan(30_000);
    expect(allowed).toContain(idle.parse(undefined));
  });

  it('has what was sent in it on record at least every half minute until then', () => {
    expect(every.parse(undefined)).toBe(30);
    expect(every.safeParse(31).success).toBe(false);
  });
});
