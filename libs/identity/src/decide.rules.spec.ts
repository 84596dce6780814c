import fc from 'fast-check';
import { ROLES, type Actor, type PersonActor, type Role } from './actor.js';
import { ACTIONS, decide, isPublic } from './decide.rules.js';
import { GRANT_ACTIONS, type Action, type GrantAction, type GrantFacts, type Resource } from './decision.js';

const NOW = new Date('2026-03-14T12:00:00.000Z');
const LATER = new Date('2026-03-14T13:00:00.000Z');
const RECORDING = 'recording-1';
const SESSION = 'session-1';

/** Everybody who can ask: a person with one role, a machine with one role, and those without roles. */
const WHO = ['anonymous', 'dock', 'recipient', 'system', ...ROLES, ...ROLES.map((role) => `service:${role}` as const)] as const;
type Who = (typeof WHO)[number];

const EVERYONE = WHO;
const PEOPLE: readonly Who[] = ROLES;
const WATCHERS: readonly Who[] = ['officer', 'supervisor', 'investigator', 'custodian', 'auditor'];
const HANDING_IN: readonly Who[] = ['officer', 'supervisor', 'investigator', 'custodian'];
const both = (...roles: Role[]): readonly Who[] => roles.flatMap((role): Who[] => [role, `service:${role}`]);

/** Who may, when what is asked about is as favourable as it can be: their own, granted to them, asked for by somebody else. */
const MAY = {
  'health.read': EVERYONE,
  'documentation.read': EVERYONE,
  'console.read': EVERYONE,
  'log.read': EVERYONE,
  'log.read-entries': both('auditor'),
  'session.open': EVERYONE,
  'session.read': PEOPLE,
  'session.close': PEOPLE,
  'person.enrol': ['administrator'],
  'person.list': both('administrator', 'custodian', 'auditor'),
  'service-token.issue': ['administrator'],
  'dock.enrol': ['administrator'],
  'dock.list': both('administrator', 'auditor'),
  'dock.revoke': ['administrator'],
  'camera.register': ['administrator'],
  'camera.list': both('supervisor', 'custodian', 'auditor', 'administrator'),
  'camera.assign': ['supervisor', 'administrator'],
  'camera.retire': ['administrator'],
  'camera-gaps.read': both('supervisor', 'custodian', 'auditor', 'administrator'),
  'manifest.announce': ['dock'],
  'upload.hand-in': HANDING_IN,
  'upload.read': ['dock', ...HANDING_IN],
  'upload.send': ['dock', ...HANDING_IN],
  'upload.expire': ['system'],
  'receipt.read': ['dock', ...HANDING_IN],
  'recording.list': both('officer', 'supervisor', 'investigator', 'custodian', 'auditor'),
  'recording.read': ['officer', ...both('supervisor', 'investigator', 'custodian', 'auditor')],
  'alert.list': both('custodian', 'auditor', 'administrator'),
  'alert.acknowledge': ['custodian', 'administrator'],
  'fixity.order': ['custodian', 'auditor'],
  'access-policy.read': both('officer', 'supervisor', 'investigator', 'custodian', 'auditor', 'administrator'),
  'access-request.submit': WATCHERS,
  'access-request.list': both('officer', 'supervisor', 'investigator', 'custodian', 'auditor'),
  'access-request.read': [
    ...PEOPLE,
    ...(['supervisor', 'investigator', 'custodian', 'auditor'] as const).map((role) => `service:${role}` as const),
  ],
  'access-request.withdraw': PEOPLE,
  'access-request.decide': ['custodian'],
  'access-request.close': PEOPLE,
  'access-request.expire': ['system'],
  'delegation.give': ['supervisor', 'investigator', 'custodian', 'auditor'],
  'delegation.list': both('officer', 'supervisor', 'investigator', 'custodian', 'auditor'),
  'delegation.end': PEOPLE,
  'break-glass.open': WATCHERS,
  'break-glass.review': ['custodian'],
  'notice.list': PEOPLE,
  'notice.read': PEOPLE,
  'grant.list': both('officer', 'supervisor', 'investigator', 'custodian', 'auditor'),
  'grant.revoke': ['custodian'],
  'lock.set': ['investigator', 'custodian'],
  'lock.list': both('supervisor', 'investigator', 'custodian', 'auditor'),
  'lock.record-statement': ['investigator'],
  'lock.lift': ['investigator'],
  'viewing.open': WATCHERS,
  'viewing.watch': WATCHERS,
  'viewing.report': WATCHERS,
  'viewing.close': PEOPLE,
  'viewing.expire': ['system'],
  'original.open': WATCHERS,
  'original.fetch': WATCHERS,
  'case.open': ['investigator', 'custodian'],
  'case.list': both('supervisor', 'investigator', 'custodian', 'auditor'),
  'case.read': both('supervisor', 'investigator', 'custodian', 'auditor'),
  'case.change': ['investigator', 'custodian'],
  'recording.search': both('supervisor', 'investigator', 'custodian', 'auditor'),
  'sampling.commit': ['supervisor', 'auditor'],
  'sampling.list': both('supervisor', 'custodian', 'auditor'),
  'sampling.draw': ['system'],
  'disclosure.propose': ['custodian'],
  'disclosure.list': both('custodian', 'auditor'),
  'disclosure.read': both('custodian', 'auditor'),
  'disclosure.decide': ['custodian'],
  'disclosure.issue': ['custodian'],
  'disclosure.revoke': ['custodian'],
  'disclosure.expire': ['system'],
  'disclosure.open': EVERYONE,
  'disclosure.fetch': ['recipient'],
  'disclosure.confirm': ['recipient'],
  'redaction.order': ['custodian'],
  'redaction.read': both('custodian', 'auditor'),
  'redaction.review': ['custodian'],
  'redaction.release': ['custodian'],
  'custody.read': both('auditor', 'custodian'),
  'custody-report.export': both('auditor', 'custodian'),
  'evidence-bundle.export': both('auditor', 'custodian'),
  'job.list': both('custodian', 'auditor', 'administrator'),
  'job.cancel': ['custodian', 'administrator'],
  'job.retry': ['custodian', 'administrator'],
  'job.seal': ['system'],
  'job.transcode': ['system'],
  'job.redact': ['system'],
  'job.disclose': ['system'],
  'job.propose': ['system'],
  'job.fixity': ['system'],
  'job.drop-upload': ['system'],
} as const satisfies Record<Action, readonly Who[]>;

const personWith = (roles: readonly Role[], id = 'person-1'): PersonActor => ({
  ...{ kind: 'person', id, human: id, name: 'N. N.', badge: null, roles, session: SESSION, method: 'password' },
});

function actorFor(who: Who): Actor {
  if (who === 'anonymous') return { kind: 'anonymous' };
  if (who === 'dock') return { kind: 'dock', id: 'dock-1', name: 'Dock' };
  if (who === 'recipient') return { kind: 'recipient', id: 'disclosure-1', name: 'D. Defender', session: SESSION };
  if (who === 'system') return { kind: 'system', name: 'worker' };
  const role = ROLES.find((each) => `service:${each}` === who);
  if (role !== undefined) return { kind: 'service', id: 'service-1', name: 'Machine', roles: [role] };
  return personWith(ROLES.filter((each) => each === who));
}

const idOf = (actor: Actor): string => ('id' in actor ? actor.id : 'nobody');
const liveGrant = (person: string): GrantFacts => ({
  id: 'grant-1',
  person,
  recording: RECORDING,
  actions: GRANT_ACTIONS,
  startsAt: NOW,
  expiresAt: LATER,
  revokedAt: null,
  viewingsLeft: null,
});

const open = { recording: RECORDING, needs: 'view', released: true, lockedAgainst: ['a-third'] } as const;

const footageOf = ({ id: person }: PersonActor): Resource & { kind: 'footage' } => ({
  ...{ kind: 'footage', grant: liveGrant(person), ...open },
});

function favourable(action: Action, actor: Actor): Resource {
  const id = idOf(actor);
  switch (action) {
    case 'access-request.decide':
    case 'break-glass.review':
      return {
        ...{ kind: 'access-request', recording: RECORDING, requestedBy: 'somebody-else', subjects: ['a-third'] },
        ...{ seats: ['custodian'], delegated: [] },
      };
    case 'access-request.read':
    case 'access-request.withdraw':
    case 'access-request.close':
    case 'delegation.end':
    case 'notice.read':
      return { kind: 'own', recording: RECORDING, owner: id };
    case 'disclosure.decide':
    case 'disclosure.fetch':
    case 'disclosure.confirm':
      return {
        ...{ kind: 'disclosure', recording: RECORDING, disclosure: 'disclosure-1', proposedBy: 'somebody-else' },
        ...{ subjects: ['a-third'], open: true },
      };
    case 'redaction.order':
    case 'redaction.review':
    case 'redaction.release':
      return { kind: 'redaction', recording: RECORDING, authors: ['somebody-else'], subjects: ['a-third'] };
    case 'viewing.open':
    case 'original.open':
      return { kind: 'footage', grant: liveGrant(id), ...open };
    case 'viewing.watch':
    case 'viewing.report':
    case 'original.fetch':
    case 'viewing.close':
      return {
        ...{ kind: 'viewing', person: id, session: SESSION, closedAt: null },
        ...{ grant: liveGrant(id), ...open },
      };
    default:
      return { kind: 'recording', recording: RECORDING, dock: id, officer: id, handedInBy: id, state: 'sealed' };
  }
}

const id = fc.constantFrom('person-1', 'person-2');
const recordingId = fc.constantFrom(RECORDING, 'recording-2');
const roles = fc.subarray([...ROLES]);
const instant = fc.date({
  min: new Date('2026-03-14T11:59:58.000Z'),
  max: new Date('2026-03-14T12:00:02.000Z'),
  noInvalidDate: true,
});
const grant: fc.Arbitrary<GrantFacts> = fc.record({
  id: fc.constant('grant-1'),
  person: id,
  recording: recordingId,
  actions: fc.subarray([...GRANT_ACTIONS]),
  startsAt: instant,
  expiresAt: instant,
  revokedAt: fc.option(instant, { freq: 1 }),
  viewingsLeft: fc.option(fc.nat({ max: 2 })),
});
const session = fc.constantFrom(SESSION, 'session-2');
const asks = {
  recording: recordingId,
  needs: fc.constantFrom<GrantAction>(...GRANT_ACTIONS),
  released: fc.boolean(),
  lockedAgainst: fc.array(id, { maxLength: 1 }),
};
const footage: fc.Arbitrary<Resource> = fc.oneof(
  fc.record({ kind: fc.constant('footage' as const), grant: fc.option(grant), ...asks }),
  fc.record({
    kind: fc.constant('viewing' as const),
    person: id,
    session,
    closedAt: fc.option(instant, { freq: 1 }),
    grant,
    ...asks,
  }),
);
const resource: fc.Arbitrary<Resource> = fc.oneof(
  fc.constant({ kind: 'none' } as const),
  fc.record({
    kind: fc.constant('recording' as const),
    recording: recordingId,
    dock: fc.option(id),
    officer: fc.option(id),
    handedInBy: fc.option(id),
    state: fc.string(),
  }),
  fc.record({
    kind: fc.constant('access-request' as const),
    recording: recordingId,
    requestedBy: id,
    subjects: fc.array(id),
    seats: roles,
    delegated: roles,
  }),
  fc.record({ kind: fc.constant('own' as const), recording: recordingId, owner: id }),
  fc.record({
    kind: fc.constant('disclosure' as const),
    recording: recordingId,
    disclosure: id,
    proposedBy: id,
    subjects: fc.array(id),
    open: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('redaction' as const),
    recording: recordingId,
    authors: fc.array(id),
    subjects: fc.array(id),
  }),
  footage,
);
const person: fc.Arbitrary<PersonActor> = fc
  .tuple(roles, id, session)
  .map(([held, who, at]) => ({ ...personWith(held, who), session: at }));
const machine: fc.Arbitrary<Actor> = fc.oneof(
  fc.tuple(id, roles).map(([who, held]): Actor => ({ kind: 'service', id: who, name: 'Machine', roles: held })),
  id.map((who): Actor => ({ kind: 'dock', id: who, name: 'Dock' })),
  fc.constant<Actor>({ kind: 'system', name: 'worker' }),
);
const actor: fc.Arbitrary<Actor> = fc.oneof(fc.constant<Actor>({ kind: 'anonymous' }), person, machine);
const action = fc.constantFrom(...ACTIONS);
const WATCHING: readonly Action[] = ['viewing.open', 'viewing.watch', 'original.open', 'original.fetch'];
const watching = fc.constantFrom(...WATCHING);

describe('who may do what', () => {
  it('has a row for every action and for nothing else', () => {
    expect(Object.keys(MAY).sort()).toEqual([...ACTIONS].sort());
  });

  it.each(ACTIONS)('allows %s to exactly those in its row', (asked) => {
    const allowed = WHO.filter((who) => {
      const by = actorFor(who);
      return decide(by, asked, favourable(asked, by), { now: NOW }).allowed;
    });
    expect(allowed.sort()).toEqual([...MAY[asked]].sort());
  });

  it('says of a refused stranger that they are not signed in, and of everybody else that it is their role', () => {
    expect(decide({ kind: 'anonymous' }, 'custody.read', { kind: 'none' }, { now: NOW })).toEqual({
      allowed: false,
      reason: 'not-signed-in',
    });
    expect(decide(personWith(['officer']), 'custody.read', { kind: 'none' }, { now: NOW })).toEqual({
      allowed: false,
      reason: 'role',
    });
  });

  it('shows an officer their own recordings only', () => {
    const by = personWith(['officer']);
    const of = (officer: string | null): Resource => ({
      kind: 'recording',
      recording: RECORDING,
      dock: null,
      officer,
      handedInBy: null,
      state: 'sealed',
    });
    expect(decide(by, 'recording.read', of(by.id), { now: NOW }).allowed).toBe(true);
    for (const other of [of('person-2'), of(null), { kind: 'none' } as const])
      expect(decide(by, 'recording.read', other, { now: NOW })).toEqual({ allowed: false, reason: 'not-yours' });
  });

  it('lets a dock near its own uploads only', () => {
    const other: Resource = {
      kind: 'recording',
      recording: RECORDING,
      dock: 'dock-2',
      officer: null,
      handedInBy: 'person-2',
      state: 'receiving',
    };
    for (const asked of ['upload.read', 'upload.send', 'receipt.read'] as const)
      expect(decide(actorFor('dock'), asked, other, { now: NOW })).toEqual({ allowed: false, reason: 'not-yours' });
  });

  it('names what is wrong with a grant or a viewing', () => {
    const by = personWith(['investigator']);
    const reason = (asked: Action, about: Resource): string => {
      const decision = decide(by, asked, about, { now: NOW });
      return decision.allowed ? 'allowed' : decision.reason;
    };
    const open = (change: Partial<GrantFacts>): string =>
      reason('viewing.open', { ...footageOf(by), grant: { ...liveGrant(by.id), ...change } });
    expect(reason('viewing.open', { ...footageOf(by), grant: null })).toBe('no-grant');
    expect(open({ recording: 'recording-2' })).toBe('no-grant');
    expect(open({ person: 'person-2' })).toBe('not-yours');
    expect(open({ revokedAt: NOW })).toBe('grant-revoked');
    expect(open({ expiresAt: NOW })).toBe('grant-expired');
    expect(open({ expiresAt: new Date(Number.NaN) })).toBe('grant-expired');
    expect(open({ expiresAt: new Date(NOW.getTime() + 1) })).toBe('allowed');
    expect(open({ startsAt: LATER })).toBe('grant-not-begun');
    expect(open({ actions: ['export'] })).toBe('grant-is-for-less');
    expect(open({ viewingsLeft: 0 })).toBe('grant-used-up');
    expect(reason('viewing.open', { ...footageOf(by), lockedAgainst: [by.human] })).toBe('locked');
    const viewing = favourable('viewing.watch', by) as Resource & { kind: 'viewing' };
    expect(reason('viewing.watch', { ...viewing, lockedAgainst: [by.human] })).toBe('locked');
    expect(reason('viewing.watch', { ...viewing, grant: { ...viewing.grant, viewingsLeft: 0 } })).toBe('allowed');
    expect(reason('viewing.watch', { ...viewing, session: 'session-2' })).toBe('other-session');
    expect(reason('viewing.watch', { ...viewing, closedAt: NOW })).toBe('viewing-closed');
    const ended = { ...viewing.grant, revokedAt: NOW };
    expect(reason('viewing.watch', { ...viewing, closedAt: NOW, grant: ended })).toBe('grant-revoked');
    expect(reason('viewing.watch', { ...viewing, grant: { ...viewing.grant, revokedAt: NOW } })).toBe('grant-revoked');
    expect(reason('viewing.watch', { ...viewing, grant: { ...viewing.grant, recording: 'recording-2' } })).toBe('no-grant');
    expect(reason('viewing.close', { ...viewing, person: 'person-2' })).toBe('not-yours');
  });
});

describe('laws of every decision', () => {
  it('refuses an anonymous caller everything that is not public', () => {
    fc.assert(
      fc.property(action, resource, instant, (asked, about, now) => {
        expect(decide({ kind: 'anonymous' }, asked, about, { now }).allowed).toBe(isPublic(asked));
      }),
    );
    expect(ACTIONS.filter(isPublic).sort()).toEqual([
      'console.read',
      'disclosure.open',
      'documentation.read',
      'health.read',
      'log.read',
      'session.open',
    ]);
  });

  it('lets nobody decide a request of their own or one they are a subject of, whatever their roles and whoever lets them', () => {
    const rule = { kind: 'access-request', recording: RECORDING, seats: ROLES, delegated: ROLES } as const;
    fc.assert(
      fc.property(person, id, fc.array(id), fc.boolean(), (by, other, subjects, own) => {
        const about: Resource = own
          ? { ...rule, requestedBy: by.human, subjects }
          : { ...rule, requestedBy: other, subjects: [...subjects, by.human] };
        for (const asked of ['access-request.decide', 'break-glass.review'] as const)
          expect(decide(by, asked, about, { now: NOW }).allowed).toBe(false);
      }),
    );
  });

  it('lets nobody review a redaction whose plan they wrote, or decide about one that shows them, whatever their roles', () => {
    fc.assert(
      fc.property(person, fc.array(id), fc.array(id), (by, authors, subjects) => {
        const about = { kind: 'redaction', recording: RECORDING, authors, subjects } as const;
        const own = { ...about, authors: [...authors, by.id] };
        const shown = { ...about, subjects: [...subjects, by.id] };
        for (const refused of [own, shown]) expect(decide(by, 'redaction.review', refused, { now: NOW }).allowed).toBe(false);
        for (const action of ['redaction.order', 'redaction.release'] as const)
          expect(decide(by, action, shown, { now: NOW }).allowed).toBe(false);
      }),
    );
  });

  it('lets nobody stop the work on footage of their own conduct, take back a grant for it, or change the case about it', () => {
    fc.assert(
      fc.property(person, fc.array(id), (by, subjects) => {
        const about = { kind: 'matter', recording: RECORDING, subjects: [...subjects, by.id] } as const;
        for (const action of ['job.cancel', 'grant.revoke', 'case.change', 'case.read'] as const)
          expect(decide(by, action, about, { now: NOW }).allowed).toBe(false);
      }),
    );
  });

  it('keeps a redaction that nobody has released from everybody but custodians, and says why', () => {
    const unreleased = (by: PersonActor): Resource => ({ ...footageOf(by), released: false });
    fc.assert(
      fc.property(roles, (held) => {
        const by = personWith(held);
        const viewing = { ...favourable('viewing.watch', by), released: false } as Resource;
        const asked: readonly [Action, Resource][] = [
          ['access-request.submit', unreleased(by)],
          ['viewing.open', unreleased(by)],
          ['viewing.watch', viewing],
        ];
        for (const [what, about] of asked) if (decide(by, what, about, { now: NOW }).allowed) expect(held).toContain('custodian');
      }),
    );
    const by = personWith(['investigator']);
    for (const what of ['access-request.submit', 'viewing.open'] as const) {
      expect(decide(by, what, unreleased(by), { now: NOW })).toEqual({ allowed: false, reason: 'not-released' });
      expect(decide(personWith(['custodian']), what, unreleased(by), { now: NOW }).allowed).toBe(true);
    }
  });

  it('lets nobody ask for what is locked against them, whichever account they use, nor go on with a draft of somebody else', () => {
    const by = personWith(['investigator']);
    const about = { kind: 'footage', grant: null, recording: RECORDING, needs: 'view', released: true } as const;
    const ask = (what: Resource): unknown => decide(by, 'access-request.submit', what, { now: NOW });
    expect(ask({ ...about, lockedAgainst: ['somebody-else'] })).toEqual({ allowed: true });
    expect(ask({ ...about, lockedAgainst: [by.human] })).toEqual({ allowed: false, reason: 'locked' });
    expect(ask({ kind: 'own', recording: RECORDING, owner: by.id })).toEqual({ allowed: true });
    expect(ask({ kind: 'own', recording: RECORDING, owner: 'somebody-else' })).toEqual({ allowed: false, reason: 'not-yours' });
  });

  it('lets nobody open or watch a viewing without a live grant of that very person for that very recording', () => {
    const viewer = personWith(['investigator']);
    const allowed = new Set<Action>();
    fc.assert(
      fc.property(actor, watching, footage, instant, (by, asked, about, now) => {
        if (!decide(by, asked, about, { now }).allowed) return;
        allowed.add(asked);
        expect(by.kind).toBe('person');
        if (about.kind !== 'footage' && about.kind !== 'viewing') throw new Error(`allowed about ${about.kind}`);
        expect(about.grant?.person).toBe(idOf(by));
        expect(about.grant?.recording).toBe(about.recording);
        expect(about.grant?.revokedAt).toBeNull();
        expect(about.grant?.expiresAt.getTime()).toBeGreaterThan(now.getTime());
        expect(about.grant?.startsAt.getTime()).toBeLessThanOrEqual(now.getTime());
        expect(about.grant?.actions).toContain(about.needs);
        expect(about.lockedAgainst).not.toContain(idOf(by));
        if (about.kind !== 'viewing') return;
        expect(about).toMatchObject({ person: idOf(by), closedAt: null, session: by.kind === 'person' ? by.session : undefined });
      }),
      // Chance may not come upon anybody who may: then the law would be tested on refusals alone
      {
        numRuns: 3000,
        examples: WATCHING.map((asked): [Actor, Action, Resource, Date] => [viewer, asked, favourable(asked, viewer), NOW]),
      },
    );
    expect([...allowed].sort()).toEqual([...WATCHING].sort());
  });

  it('never lets an administrator watch, whatever else they are', () => {
    fc.assert(
      fc.property(roles, watching, (held, asked) => {
        const by = personWith([...held, 'administrator']);
        expect(decide(by, asked, favourable(asked, by), { now: NOW }).allowed).toBe(false);
      }),
    );
  });

  it('never lets a machine watch: no service, no dock, not the system', () => {
    fc.assert(
      fc.property(machine, watching, footage, instant, (by, asked, about, now) => {
        expect(decide(by, asked, about, { now }).allowed).toBe(false);
        expect(decide(by, asked, favourable(asked, by), { now: NOW }).allowed).toBe(false);
      }),
    );
  });

  it('refuses an action that it does not know, also those named like what every object has', () => {
    const inherited = [
      '__proto__',
      'toString',
      'constructor',
      'hasOwnProperty',
      'valueOf',
      '',
      'job.',
      'health.read ',
      'HEALTH.READ',
    ];
    fc.assert(
      fc.property(actor, fc.oneof(fc.constantFrom(...inherited), fc.string()), resource, (by, asked, about) => {
        fc.pre(!ACTIONS.includes(asked as Action));
        expect(decide(by, asked as Action, about, { now: NOW })).toEqual({ allowed: false, reason: 'unknown-action' });
        expect(isPublic(asked as Action)).toBe(false);
      }),
    );
  });

  it('answers every question without throwing, and the same each time', () => {
    fc.assert(
      fc.property(actor, action, resource, instant, (by, asked, about, now) => {
        const first = decide(by, asked, about, { now });
        expect(decide(by, asked, about, { now })).toEqual(first);
        if (!first.allowed) expect(first.reason).toMatch(/^[a-z-]+$/);
      }),
    );
  });
});
