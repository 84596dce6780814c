import { z } from 'zod';
import type { RedactionPlan } from '#media';

const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31);
const pixel = z.number().int().min(-16_384).max(16_384);
const reason = z.string().trim().min(2).max(200);

/** The outer shape of a plan; whether it fits the recording is checked against its probe (`checkPlan` of libs/media). */
export const RedactionPlanSchema: z.ZodType<RedactionPlan> = z.strictObject({
  v: z.literal(1),
  regions: z
    .array(
      z.strictObject({
        shape: z.literal('rectangle'),
        keyframes: z
          .array(
            z.strictObject({
              atMs: ms,
              x: pixel,
              y: pixel,
              width: z.number().int().min(1).max(16_384),
              height: z.number().int().min(1).max(16_384),
            }),
          )
          .min(2)
          .max(20_000),
        reason,
      }),
    )
    .max(500),
  mutes: z.array(z.strictObject({ fromMs: ms, toMs: ms, reason })).max(1000),
});
