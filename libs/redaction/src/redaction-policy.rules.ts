import type { RedactionPlan } from '#media';

/** What the agency allows in a plan. */
export interface RedactionPolicy {
  readonly reasons: readonly string[];
  readonly styles: readonly string[];
}

/** Everything in which a plan goes against the policy, in words for the person who drew it. */
export function policyFaults(plan: RedactionPlan, { reasons, styles }: RedactionPolicy): string[] {
  const items = [
    ...plan.regions.map((region, index) => ({ name: `Region ${index + 1}`, ...region })),
    ...plan.mutes.map((mute, index) => ({ name: `Mute ${index + 1}`, style: undefined, ...mute })),
  ];
  return items.flatMap(({ name, reason, style = 'solid' }) => [
    ...(reasons.includes(reason)
      ? []
      : [`${name} gives the reason "${reason}"; this agency redacts for: ${reasons.join(', ')}.`]),
    ...(styles.includes(style)
      ? []
      : [
          `${name} is to be covered by ${style}, which this agency does not allow: machines re-identify most blurred faces ` +
            `(95.9 %, arXiv 2506.12344). Allowed: ${styles.join(', ')}.`,
        ]),
  ]);
}
