import type { CustodyEvent, CustodyEventType, EventOf } from '#custody';
import { describe as inWords, describeErased, EVENT_SENTENCES, viewed, type Outcome } from './event-sentences.js';
import { Notation } from './report-notation.js';
import { readChain, type ErasedEntry } from './chain-entries.rules.js';
import { CUSTODIAN, ORIGIN, RECORDING, SampleChain, uuid } from './testing/sample-chain.js';

const notation = new Notation('Europe/Vienna');
const until = '2026-11-20T10:30:00.000Z';
const sha256 = 'ab'.repeat(32);
const id = uuid('some id');

/** One event of every kind, and how it counts. Does not compile when the catalogue knows one more. */
const EVENTS: { readonly [T in CustodyEventType]: readonly [Outcome, Omit<EventOf<T>, 'type'>] } = {
  'person.enrolled': ['done', { username: 'ada', name: 'Ada Byron', badge: null, roles: ['investigator'] }],
  'sign-in.succeeded': ['done', { method: 'password' }],
  'sign-in.failed': ['refused', { method: 'password' }],
  'signed-out': ['done', { session: id }],
  'service-token.issued': ['done', { name: 'exporter', roles: ['auditor'], expiresAt: until }],
  'dock.enrolled': ['done', { name: 'bay 2', publicKey: 'AAAA' }],
  'dock.revoked': ['done', { reason: 'stolen' }],
  'camera.registered': ['done', { serial: 'X8', model: null }],
  'camera.assigned': ['done', { serial: 'X8', person: id, personName: 'Ada Byron', badge: null, from: until, until: null }],
  'camera.released': ['done', { serial: 'X8', person: id, until }],
  'camera.retired': ['done', { serial: 'X8', reason: 'broken' }],
  'manifest.refused': ['refused', { problem: 'wrong signature', sha256 }],
  'access.refused': ['refused', { action: 'viewing.open', reason: 'no-grant' }],
  'recording.announced': [
    'done',
    {
      manifest: id,
      dock: id,
      name: 'a.mp4',
      size: 5,
      camera: 'X8',
      officer: '4711',
      recordedAt: until,
      clockOffsetMs: 0,
      sha256,
    },
  ],
  'recording.handed-in': [
    'done',
    { name: 'a.mp4', size: 5, source: 'citizen', from: 'B. Bystander', device: null, note: null, recordedAt: until, sha256 },
  ],
  'upload.expired': ['failed', { partsReceived: 2, partsMissing: 3, idleSince: until, sha256 }],
  'upload.begun-anew': ['failed', { partsLost: 3 }],
  'upload.superseded': ['failed', { manifest: id, dock: id, sha256 }],
  'upload.duplicate-refused': ['refused', { manifest: id, dock: id, name: 'a.mp4', sha256 }],
  'upload.part-refused': ['refused', { part: 2, problem: 'wrong digest' }],
  'recording.sealed': [
    'done',
    { size: 5, bucket: 'b', key: 'k', versionId: 'v', retainUntil: until, method: 'read back', parent: null, sha256 },
  ],
  'recording.quarantined': ['failed', { problem: 'cut off', sha256 }],
  'fixity.verified': ['done', { size: 5, versionId: 'v', method: 'read back', sha256 }],
  'fixity.failed': ['failed', { problem: 'other bytes', versionId: 'v', found: null, method: 'read back', sha256 }],
  'alert.acknowledged': ['done', { alert: id, kind: 'quarantined', note: 'known' }],
  'rendition.published': ['done', { rendition: id, recipe: 'hls', files: 9, tool: 'ffmpeg', sha256 }],
  'rendition.failed': ['failed', { recipe: 'hls', problem: 'no picture' }],
  'job.cancelled': ['done', { job: 'redact', ref: id, reason: 'wrong plan' }],
  'job.retried': ['done', { job: 'transcode', ref: id }],
  'access.requested': ['done', { request: id, purpose: 'prosecution', caseNumber: 'C-1', justification: 'because', until }],
  'access.granted': ['done', { request: id, grant: id, person: id, personName: 'Ada Byron', until }],
  'access.denied': ['refused', { request: id, reason: 'no case' }],
  'access.revoked': ['done', { grant: id, reason: 'case closed' }],
  'access-policy.adopted': ['done', { rules: 3, purposes: ['prosecution'], sha256 }],
  'access.approved': ['done', { request: id, seat: 'custodian', onBehalfOf: 'Ada Byron', reason: 'needed' }],
  'access.withdrawn': ['done', { request: id, reason: 'asked twice' }],
  'access.closed': ['done', { request: id, as: 'expired' }],
  'delegation.given': ['done', { delegation: id, to: id, toName: 'Grace Hopper', role: 'custodian', until, reason: 'on leave' }],
  'delegation.ended': ['done', { delegation: id, reason: 'back' }],
  'break-glass.opened': [
    'done',
    {
      request: id,
      grant: id,
      purpose: 'prosecution',
      caseNumber: 'C-1',
      justification: 'a child is missing',
      until,
      reviewers: ['Grace Hopper'],
    },
  ],
  'break-glass.reviewed': ['done', { request: id, justified: false, note: 'no emergency' }],
  'recording.locked': ['done', { lock: id, person: id, personName: 'Ada Byron', reason: 'shots fired' }],
  'recording.statement-recorded': ['done', { lock: id, person: id, statement: 'IA-7, page 3' }],
  'recording.unlocked': ['done', { lock: id, person: id, reason: 'statement made' }],
  'viewing.progressed': ['done', { viewing: id, delivered: [], stills: [], reported: [], files: 0, bytes: 0 }],
  'case.opened': ['done', { number: 'C-1', title: 'The stop', sensitivity: 'normal' }],
  'case.changed': [
    'done',
    {
      number: 'C-1',
      title: 'The stop',
      sensitivity: 'high',
      was: { title: 'A stop', sensitivity: 'normal' },
      reason: 'a child is shown',
    },
  ],
  'case.closed': ['done', { number: 'C-1', title: 'The stop', reason: 'decided' }],
  'case.reopened': ['done', { number: 'C-1', title: 'The stop', reason: 'appeal' }],
  'case.recording-added': ['done', { case: id, number: 'C-1', title: 'The stop', recording: id, reason: 'shows it' }],
  'case.recording-removed': ['done', { case: id, number: 'C-1', title: 'The stop', recording: id, reason: 'another stop' }],
  'case.person-added': ['done', { number: 'C-1', title: 'The stop', person: null, name: 'B. Bystander', part: 'witness' }],
  'case.person-removed': [
    'done',
    { number: 'C-1', title: 'The stop', person: id, name: 'B. Bystander', part: 'witness', reason: 'was not there' },
  ],
  'search.nothing-found': ['done', { search: 'camera 4711', throughIndex: '99', sha256 }],
  'sampling.committed': ['done', { purpose: 'supervision', filter: 'March', population: 90, draw: 3, sha256 }],
  'sampling.drawn': ['done', { checkpointSize: '99', seed: 'ab', drawn: [id], sha256 }],
  'disclosure.proposed': [
    'done',
    {
      disclosure: id,
      recipient: 'D. Defender',
      organisation: 'Defender & Sons',
      kind: 'defence',
      legalBasis: 'Brady',
      conditions: '',
      until,
      form: 'marked',
      fromMs: 0,
      toMs: 4000,
    },
  ],
  'disclosure.approved': ['done', { disclosure: id, note: null }],
  'disclosure.refused': ['refused', { disclosure: id, reason: 'no basis' }],
  'disclosure.marked': ['done', { disclosure: id, recipe: 'marked-v1', tool: 'ffmpeg 7', fromMs: 0, toMs: 4000, sha256 }],
  'disclosure.listed': ['done', { disclosure: id, files: 4, sha256 }],
  'disclosure.packaged': ['done', { disclosure: id, size: 9, files: 4, sha256 }],
  'disclosure.failed': ['failed', { disclosure: id, problem: 'no copy' }],
  'disclosure.link-issued': ['done', { disclosure: id, part: 'link', recipient: 'D. Defender', until, fetches: 1 }],
  'disclosure.opened': ['done', { disclosure: id, recipient: 'D. Defender' }],
  'disclosure.fetch-begun': ['done', { disclosure: id, fetch: id, recipient: 'D. Defender', sha256 }],
  'disclosure.fetch-ended': ['done', { disclosure: id, fetch: id, ranges: [{ first: 0, last: 8 }], complete: true }],
  'disclosure.confirmed': ['done', { disclosure: id, recipient: 'D. Defender', sha256 }],
  'disclosure.revoked': ['done', { disclosure: id, reason: 'sent in error' }],
  'disclosure.expired': ['done', { disclosure: id }],
  'viewing.opened': ['done', { viewing: id, grant: id, purpose: 'prosecution', caseNumber: 'C-1' }],
  'viewing.closed': ['done', { viewing: id, delivered: [], files: 0, bytes: 0, aborted: 0, closedBy: 'service' }],
  'redaction.drafted': ['done', { redaction: id, version: 1, regions: 2, mutes: 0, reason: 'a face', note: 'wider', sha256 }],
  'redaction.reviewed': ['done', { redaction: id, version: 1, result: id, approved: true, note: null }],
  'redaction.released': ['done', { redaction: id, version: 1, result: id }],
  'redaction.discarded': ['failed', { redaction: id, reason: 'not needed' }],
  'redaction.ordered': ['done', { redaction: id, regions: 2, mutes: 0, reason: 'a face', sha256 }],
  'redaction.sealed': [
    'done',
    { redaction: id, result: id, planSha256: sha256, recipe: 'r', tool: 't', leakCheck: 'clean', sha256 },
  ],
  'redaction.proposal-ordered': ['done', { proposal: id, kind: 'detect', fromMs: 0, untilMs: 900 }],
  'redaction.proposed': ['done', { proposal: id, tracks: 2, model: 'm', version: 'v', threshold: 't' }],
  'redaction.proposal-failed': ['failed', { proposal: id, problem: 'no pictures' }],
  'redaction.proposal-confirmed': [
    'done',
    { proposal: id, tracks: ['1'], reason: 'bystander', model: 'm', version: 'v', threshold: 't' },
  ],
  'redaction.failed': ['failed', { redaction: id, problem: 'leak' }],
  'custody-report.exported': ['done', { pages: 1, throughSeq: 3, sha256 }],
  'log.heads': ['done', { size: '40', sha256 }],
  'log.key-added': ['done', { vkey: 'log.example.org+00000000+AQAA' }],
  'log.key-retired': ['done', { vkey: 'log.example.org+00000000+AQAA' }],
  'payload.erased': ['done', { entries: [id], reason: 'court order' }],
  'evidence-bundle.exported': ['done', { sha256 }],
};

const events = Object.entries(EVENTS).map(([type, [outcome, rest]]) => ({ outcome, event: { type, ...rest } as CustodyEvent }));

describe('every event in words', () => {
  it.each(events)('has a sentence and keeps every particular: $event.type', ({ event, outcome }) => {
    const line = inWords(event, notation);
    expect(line.what).toMatch(/^[A-Z].*\.$/);
    expect(line.outcome).toBe(outcome);
    const all = JSON.stringify(line);
    expect(all).not.toMatch(/undefined|null|NaN|Invalid|\[object/);
    for (const text of ['problem', 'reason', 'purpose', 'caseNumber', 'justification', 'sha256', 'leakCheck'] as const) {
      const value = (event as unknown as Record<string, unknown>)[text];
      // Reasons of a refusal are codes, which the report spells out; hashes of renditions are of a listing that no reader has.
      if (typeof value === 'string' && event.type !== 'access.refused' && event.type !== 'rendition.published')
        expect(all).toContain(value);
    }
  });

  it.each(events)('has a sentence and the same outcome when its payload was erased: $event.type', ({ event, outcome }) => {
    if (event.type === 'payload.erased') return; // never erased itself
    const chain = new SampleChain().append(event, CUSTODIAN, until).erase(CUSTODIAN, '2026-11-21T10:30:00.000Z');
    const line = describeErased(readChain(RECORDING, ORIGIN, chain.stored)[0] as ErasedEntry, notation);
    expect(line).toEqual({
      what: `Payload erased on 2026-11-21 11:30:00 +01:00 (2026-11-21 10:30:00.000 UTC), as log entry 1 says. This was an entry of the kind “${event.type}”.`,
      outcome,
      facts: 'sha256' in event ? [['SHA-256', sha256]] : [],
    });
  });

  it('covers the whole catalogue', () => {
    expect(Object.keys(EVENT_SENTENCES).toSorted()).toEqual(Object.keys(EVENTS).toSorted());
  });

  it('says what was refused and why', () => {
    const line = inWords({ type: 'access.refused', action: 'viewing.open', reason: 'no-grant' }, notation);
    expect(line).toEqual({
      what: 'Was refused to open a viewing.',
      outcome: 'refused',
      facts: [['Reason', 'there was no grant']],
    });
    const again = inWords({ type: 'access.refused', action: 'upload.hand-in', reason: 'duplicate-recording' }, notation);
    expect(again).toMatchObject({
      what: 'Was refused to hand in a file.',
      facts: [['Reason', 'the file is held already, as this recording']],
    });
  });

  it('shows an action and a kind of event that it does not know by their names', () => {
    expect(inWords({ type: 'access.refused', action: 'moon.land', reason: 'far' }, notation).what).toBe(
      'Was refused to do “moon.land”.',
    );
    const later = { type: 'moon.reached' } as unknown as CustodyEvent;
    expect(inWords(later, notation).what).toContain('“moon.reached”');
    expect(inWords({ type: 'toString' } as unknown as CustodyEvent, notation).what).toContain('“toString”');
  });

  it('names the parts of a recording that were sent', () => {
    const start = { fromMs: 0, toMs: 12_000 };
    expect(viewed({ delivered: [] })).toBe('no part of the recording was sent');
    expect(viewed({ delivered: [start] })).toBe('the part 0:00.0 to 0:12.0 was sent');
    const delivered = [start, { fromMs: 3_600_000, toMs: 3_661_040 }];
    expect(viewed({ delivered })).toBe('the parts 0:00.0 to 0:12.0 and 1:00:00.0 to 1:01:01.0 were sent');
  });

  it('names the parts of which stills were sent', () => {
    const [played, shown] = [
      { fromMs: 0, toMs: 12_000 },
      { fromMs: 0, toMs: 100_000 },
    ];
    expect(viewed({ delivered: [played], stills: [shown] })).toBe(
      'the part 0:00.0 to 0:12.0 was sent, and small stills of 0:00.0 to 1:40.0',
    );
    expect(viewed({ delivered: [], stills: [shown] })).toBe('only small stills were sent, of 0:00.0 to 1:40.0');
  });
});
