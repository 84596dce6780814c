import { z } from 'zod';
import type { RedactionPlan } from './redaction-plan.js';

const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31);
const pixel = z.number().int().min(-16_384).max(16_384);
const reason = z.string().trim().min(2).max(200);
const thousandths = z.number().int().min(0).max(1000);

const keyframe = z.strictObject({
  atMs: ms,
  x: pixel,
  y: pixel,
  width: z.number().int().min(1).max(16_384),
  height: z.number().int().min(1).max(16_384),
});

const region = z.strictObject({
  shape: z.enum(['rectangle', 'ellipse', 'polygon']),
  outline: z.exactOptional(
    z
      .array(z.tuple([thousandths, thousandths]))
      .min(3)
      .max(64),
  ),
  keyframes: z.array(keyframe).min(2).max(20_000),
  style: z.exactOptional(z.enum(['solid', 'mosaic', 'blur'])),
  reason,
});

const mute = z.strictObject({ fromMs: ms, toMs: ms, fill: z.exactOptional(z.enum(['silence', 'tone'])), reason });

/** The outer shape of a plan; whether it fits the recording is checked against its probe (`checkPlan`). */
export const RedactionPlanSchema: z.ZodType<RedactionPlan> = z.strictObject({
  v: z.literal(1),
  regions: z.array(region).max(500),
  mutes: z.array(mute).max(1000),
  clip: z.exactOptional(z.strictObject({ fromMs: ms, toMs: ms })),
});
