import type { GrantAction } from '#identity';
import type { StandingRule } from '../policy/access-policy.rules.js';

/** What one person has to do with one recording. */
export interface Relations {
  /** They made it, by what was held when it arrived. The register of cameras is written by people, and may say so later of whomever they like. */
  readonly own: boolean;
  /** It may show them: they made it, or had the camera by what the register says now. */
  readonly shown: boolean;
  /** The lot of a sampling fell on it, for the purpose in question. */
  readonly sampled: boolean;
}

/**
 * The first rule, of those for the person's roles and purpose, that opens the recording for what it needs. Nobody reviews or checks footage of
 * their own conduct: for that a rule has to say `own`.
 */
export function standingRule(
  rules: readonly StandingRule[],
  needs: GrantAction,
  { own, shown, sampled }: Relations,
): StandingRule | undefined {
  return rules.find(({ relation, actions }) => {
    if (!actions.some((action) => action === needs)) return false;
    return relation === 'own' ? own : !own && !shown && (relation === 'any' || sampled);
  });
}
