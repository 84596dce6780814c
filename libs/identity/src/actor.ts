import type { Attribution } from '#custody';

export const ROLES = ['officer', 'supervisor', 'investigator', 'custodian', 'auditor', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** Who asks. How they proved it is the authenticator's business; further sign-in methods only make more of these. */
export type Actor =
  | { readonly kind: 'anonymous' }
  | {
      readonly kind: 'person';
      readonly id: string;
      /** The account that stands for the human being: another one's id where somebody has two accounts. Who decides on whom goes by it. */
      readonly human: string;
      readonly name: string;
      readonly badge: string | null;
      readonly roles: readonly Role[];
      readonly session: string;
      readonly method: string;
    }
  | { readonly kind: 'service'; readonly id: string; readonly name: string; readonly roles: readonly Role[] }
  | { readonly kind: 'dock'; readonly id: string; readonly name: string }
  /** Somebody outside, who has shown the link and the second factor of a disclosure; `id` is the disclosure's. */
  | { readonly kind: 'recipient'; readonly id: string; readonly name: string; readonly session: string }
  | { readonly kind: 'system'; readonly name: string };

export type PersonActor = Extract<Actor, { kind: 'person' }>;

/** One request's actor and where it came from. */
export interface Caller {
  readonly actor: Actor;
  readonly address: string;
  readonly userAgent: string;
}

/** The snapshot that goes into a custody payload: as things are now, whatever is renamed later. */
export function attribution(caller: Caller): Attribution {
  const from = { address: caller.address, userAgent: caller.userAgent };
  const { actor } = caller;
  switch (actor.kind) {
    case 'person':
      return {
        kind: 'person',
        id: actor.id,
        name: actor.name,
        badge: actor.badge,
        roles: actor.roles,
        method: actor.method,
        ...from,
      };
    case 'service':
      return { kind: 'service', id: actor.id, name: actor.name, roles: actor.roles, method: 'service-token', ...from };
    case 'recipient':
      return { kind: 'recipient', id: actor.id, name: actor.name, method: 'link-and-code', ...from };
    case 'dock':
      return { kind: 'dock', id: actor.id, name: actor.name, method: 'dock-key', ...from };
    case 'system':
      return { kind: 'system', id: null, name: actor.name };
    case 'anonymous':
      return { kind: 'anonymous', id: null, name: 'unknown', ...from };
  }
}

/** The service itself, at work on its own account. */
export function system(name: string): Attribution {
  return { kind: 'system', id: null, name };
}
