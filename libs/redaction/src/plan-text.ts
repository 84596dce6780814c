import { createHash } from 'node:crypto';
import type { RedactionPlan } from '#media';
import { canonicalize, type Json } from '#tlog';

/** The plan as it is hashed and handed to an expert: canonical JSON (RFC 8785). */
export function planText(plan: RedactionPlan): string {
  return canonicalize(plan as unknown as Json);
}

export function planSha256(plan: RedactionPlan): Buffer {
  return createHash('sha256').update(planText(plan)).digest();
}
