import { z } from 'zod';
import type { GrantAction, Role } from '#identity';
import { PURPOSES, SENSITIVITIES, type Purpose, type Sensitivity } from '../requests/access-request.rules.js';

/** Who may be given a say. Administrators may not: they run the service. Officers may not: the footage is of them. */
const DECIDING = ['supervisor', 'investigator', 'custodian', 'auditor'] as const satisfies readonly Role[];

const ACTIONS = ['view', 'view-unredacted', 'export', 'disclose'] as const satisfies readonly GrantAction[];

const name = z.string().trim().min(1).max(80);
const hours = z.int().min(1).max(8784);
/** At least one, none twice. */
const several = <T extends z.ZodType>(of: T, most = 50): z.ZodArray<T> =>
  z
    .array(of)
    .min(1)
    .max(most)
    .refine((items) => new Set(items).size === items.length, 'names something twice');

/** As it stands in the agency's list and in requests. */
export const PurposeName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{1,59}$/, 'must be small letters, digits and hyphens, 2 to 60 of them');

const DecidingRule = z
  .strictObject({
    name,
    /** What is left out matches everything. */
    purposes: several(PurposeName).optional(),
    sensitivity: several(z.enum(SENSITIVITIES)).optional(),
    /** Matches when any of these is asked for. */
    asked: several(z.enum(ACTIONS)).optional(),
    /** A role may have several seats. */
    seats: z.array(z.enum(DECIDING)).min(1).max(9),
    need: z.int().min(1),
  })
  .refine(({ seats, need }) => need <= seats.length, { message: 'needs more people than it has seats', path: ['need'] });

const BreakGlass = z
  .strictObject({
    roles: several(z.enum(['officer', ...DECIDING])),
    purposes: several(PurposeName),
    hours: z.int().min(1).max(72),
    /** Everybody who holds one of these reviews, and is told at once. */
    reviewerRoles: z.array(z.enum(DECIDING)).max(4),
    /** Usernames of people who are told at once, besides. */
    reviewers: z.array(z.string().min(1).max(64)).max(50),
    reviewWithinHours: hours,
  })
  .refine(({ reviewerRoles, reviewers }) => reviewerRoles.length + reviewers.length > 0, 'has nobody to review it');

const StandingRuleSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{1,59}$/, 'must be small letters, digits and hyphens, 2 to 60 of them'),
  role: z.enum(['officer', ...DECIDING]),
  /** own: the person's own recordings; sampled: what a sampling drew for review; any: all of them. */
  relation: z.enum(['own', 'sampled', 'any']),
  purposes: several(PurposeName),
  /** Footage does not leave on the strength of a standing rule. */
  actions: several(z.enum(['view', 'view-unredacted'])),
  hours: z.int().min(1).max(168),
  maxViewings: z.int().min(1).max(1000).nullable(),
});

/** The agency's file: JSON, version 1. Everything that is not in it is refused, so that a slip of the pen changes nothing unseen. */
export const AccessPolicySchema = z
  .strictObject({
    v: z.literal(1),
    purposes: z
      .array(z.strictObject({ name: PurposeName, respondWithinHours: hours }))
      .min(1)
      .max(100),
    /** The first that matches says who decides. */
    rules: z.array(DecidingRule).min(1).max(200),
    breakGlass: BreakGlass.nullable(),
    standing: z.array(StandingRuleSchema).max(50),
  })
  .superRefine((policy, context) => {
    const fault = (message: string, ...path: (string | number)[]): void => context.addIssue({ code: 'custom', message, path });
    const known = new Set(policy.purposes.map((purpose) => purpose.name));
    const checkPurposes = (purposes: readonly string[] | undefined, ...path: (string | number)[]): void => {
      for (const each of purposes ?? [])
        if (!known.has(each)) fault(`names the purpose ${each}, which is not in the list`, ...path);
    };
    if (known.size < policy.purposes.length) fault('names a purpose twice', 'purposes');
    if (repeats(policy.rules)) fault('has two rules of one name', 'rules');
    if (repeats(policy.standing)) fault('has two standing rules of one name', 'standing');
    policy.rules.forEach((rule, i) => checkPurposes(rule.purposes, 'rules', i, 'purposes'));
    policy.standing.forEach((rule, i) => checkPurposes(rule.purposes, 'standing', i, 'purposes'));
    checkPurposes(policy.breakGlass?.purposes, 'breakGlass', 'purposes');
    const all = policy.rules.findIndex(matchesAll);
    if (all === -1) fault('ends without a rule that matches everything', 'rules');
    else if (all < policy.rules.length - 1) fault('matches everything, so that no rule after it is ever reached', 'rules', all);
  });

export type AccessPolicy = z.infer<typeof AccessPolicySchema>;
export type BreakGlassPolicy = z.infer<typeof BreakGlass>;
export type StandingRule = z.infer<typeof StandingRuleSchema>;
type Matching = Pick<z.infer<typeof DecidingRule>, 'purposes' | 'sensitivity' | 'asked'>;

/** Who has to approve: as many of the seats as `need` says, each filled by another person who holds its role. */
export interface DecisionRule {
  readonly name: string;
  readonly seats: readonly Role[];
  readonly need: number;
}

/** One item of a request, as far as the policy looks at it. */
export interface Asking {
  readonly purpose: Purpose;
  readonly sensitivity: Sensitivity;
  readonly asked: readonly GrantAction[];
}

const repeats = (named: readonly { readonly name: string }[]): boolean =>
  new Set(named.map((each) => each.name)).size < named.length;

const matchesAll = (rule: Matching): boolean =>
  rule.purposes === undefined && rule.sensitivity === undefined && rule.asked === undefined;

function matches(rule: Matching, { purpose, sensitivity, asked }: Asking): boolean {
  if (rule.purposes?.includes(purpose) === false || rule.sensitivity?.includes(sensitivity) === false) return false;
  return rule.asked === undefined || rule.asked.some((action) => asked.includes(action));
}

/** Who decides: what the first rule that matches says. Total, because a policy's last rule matches everything. */
export function ruleFor(policy: AccessPolicy, item: Asking): DecisionRule {
  const rule = policy.rules.find((each) => matches(each, item));
  if (rule === undefined) throw new Error('An access policy whose last rule does not match everything was never checked.');
  return { name: rule.name, seats: rule.seats, need: rule.need };
}

/** When a request has to be decided. Undefined for a purpose that is not in the agency's list. */
export function dueAt(policy: AccessPolicy, purpose: Purpose, from: Date): Date | undefined {
  const listed = policy.purposes.find((each) => each.name === purpose);
  return listed === undefined ? undefined : new Date(from.getTime() + listed.respondWithinHours * 3_600_000);
}

/** The standing rules under which somebody with these roles may watch for this purpose. Which recordings, their `relation` says. */
export function standingFor(policy: AccessPolicy, roles: readonly Role[], purpose: Purpose): StandingRule[] {
  return policy.standing.filter((rule) => roles.includes(rule.role) && rule.purposes.includes(purpose));
}

/** All that is wrong with a policy, in words; empty when nothing is. */
export function faultsOfPolicy(given: unknown): string[] {
  const parsed = AccessPolicySchema.safeParse(given);
  return parsed.success ? [] : parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the policy'}: ${message}`);
}

const DAYS = 24;
const RESPOND_WITHIN: Readonly<Record<(typeof PURPOSES)[number], number>> = {
  'internal-investigation': 3 * DAYS,
  prosecution: 5 * DAYS,
  defence: 5 * DAYS,
  supervision: 7 * DAYS,
  training: 14 * DAYS,
  'public-records': 10 * DAYS,
  oversight: 3 * DAYS,
  'own-report': 2 * DAYS,
};

/** What holds where the agency has not written one. */
export const DEFAULT_POLICY: AccessPolicy = {
  v: 1,
  purposes: PURPOSES.map((purpose) => ({ name: purpose, respondWithinHours: RESPOND_WITHIN[purpose] })),
  rules: [
    { name: 'two for what is sensitive', sensitivity: ['high'], seats: ['custodian', 'custodian', 'supervisor'], need: 2 },
    { name: 'two for what leaves', asked: ['export', 'disclose'], seats: ['custodian', 'custodian', 'supervisor'], need: 2 },
    { name: 'one custodian', seats: ['custodian'], need: 1 },
  ],
  breakGlass: {
    roles: ['investigator', 'supervisor'],
    purposes: PURPOSES.filter((purpose) => ['internal-investigation', 'prosecution', 'supervision'].includes(purpose)),
    hours: 4,
    reviewerRoles: ['custodian', 'auditor'],
    reviewers: [],
    reviewWithinHours: 72,
  },
  standing: [
    {
      name: 'own-recordings',
      role: 'officer',
      relation: 'own',
      purposes: ['own-report'],
      actions: ['view'],
      hours: 12,
      maxViewings: null,
    },
    {
      name: 'sampled-for-supervision',
      role: 'supervisor',
      relation: 'sampled',
      purposes: ['supervision'],
      actions: ['view', 'view-unredacted'],
      hours: 8,
      maxViewings: null,
    },
    {
      name: 'oversight',
      role: 'auditor',
      relation: 'any',
      purposes: ['oversight'],
      actions: ['view', 'view-unredacted'],
      hours: 8,
      maxViewings: null,
    },
  ],
};
