import type { ByteSpan, CustodyEvent, CustodyEventType, DeliveredRange, EventOf } from '#custody';
import type { Action } from '#identity';
import type { ErasedEntry } from './chain-entries.rules.js';
import { count, size, span, type Notation } from './report-notation.js';

/** How it ended: refused and failed attempts stand out in every report. */
export type Outcome = 'done' | 'refused' | 'failed';

/** One event in words. */
export interface EventLine {
  /** A sentence about what the person named beside it did. */
  readonly what: string;
  readonly outcome: Outcome;
  /** Particulars in the order of their weight: purpose and case first. */
  readonly facts: readonly (readonly [label: string, value: string])[];
}

type Sentence = Omit<EventLine, 'outcome'>;
type Describe<T extends CustodyEventType> = (event: EventOf<T>, notation: Notation) => Sentence;

/** By the kind alone, which stays on record when the particulars are erased. What is not here was done. */
const NOT_DONE: ReadonlyMap<string, Outcome> = new Map<CustodyEventType, Outcome>([
  ['sign-in.failed', 'refused'],
  ['manifest.refused', 'refused'],
  ['access.refused', 'refused'],
  ['upload.duplicate-refused', 'refused'],
  ['upload.part-refused', 'refused'],
  ['access.denied', 'refused'],
  ['recording.quarantined', 'failed'],
  ['upload.expired', 'failed'],
  ['upload.superseded', 'failed'],
  ['upload.begun-anew', 'failed'],
  ['fixity.failed', 'failed'],
  ['rendition.failed', 'failed'],
  ['redaction.failed', 'failed'],
  ['redaction.proposal-failed', 'failed'],
  ['redaction.discarded', 'failed'],
  ['disclosure.refused', 'refused'],
  ['disclosure.failed', 'failed'],
]);

/** What an action was, after "Was refused to". Past entries may hold actions that no longer exist. */
const ATTEMPTS: Readonly<Partial<Record<Action, string>>> = {
  'recording.read': 'see the particulars of the recording',
  'access-request.submit': 'ask for access',
  'access-request.decide': 'decide on a request for access',
  'grant.revoke': 'revoke a grant',
  'access-request.read': 'see a request for access',
  'access-request.withdraw': 'withdraw a request for access',
  'access-request.close': 'close a request for access',
  'delegation.end': 'take a delegation back',
  'break-glass.open': 'take access in an emergency',
  'break-glass.review': 'review an access taken in an emergency',
  'lock.set': 'lock the recording against somebody',
  'lock.list': 'see who the recording is locked against',
  'lock.record-statement': 'note that a statement was made',
  'lock.lift': 'lift a lock on the recording',
  'viewing.report': 'report what a player showed',
  'original.open': 'open the original file',
  'original.fetch': 'fetch a part of the original file',
  'case.change': 'change a case',
  'disclosure.propose': 'propose a disclosure',
  'disclosure.read': 'see a disclosure',
  'disclosure.decide': 'decide on a disclosure',
  'disclosure.issue': 'make a link for a recipient',
  'disclosure.revoke': 'take a disclosure back',
  'disclosure.open': 'open a disclosure with its link',
  'disclosure.fetch': 'fetch a disclosed package',
  'disclosure.confirm': 'confirm a disclosed package',
  'viewing.open': 'open a viewing',
  'viewing.watch': 'go on with a viewing',
  'viewing.close': 'close a viewing',
  'redaction.order': 'order a redaction',
  'redaction.read': 'see a redaction',
  'redaction.review': 'review a redaction',
  'redaction.release': 'release a redaction',
  'custody.read': 'read the custody record',
  'custody-report.export': 'export a custody report',
  'evidence-bundle.export': 'export an evidence bundle',
  'job.list': 'see how work on the recording goes on',
  'job.cancel': 'call off work on the recording',
  'job.retry': 'have work on the recording tried again',
  'upload.hand-in': 'hand in a file',
  'upload.read': 'see how far the upload is',
  'upload.send': 'send a part of the file',
  'receipt.read': 'fetch the receipt',
};

const REASONS: Readonly<Record<string, string>> = {
  'not-signed-in': 'not signed in',
  role: 'the role does not include it',
  'not-yours': 'it belongs to somebody else',
  'duplicate-recording': 'the file is held already, as this recording',
  'own-request': 'nobody decides on a request of their own',
  'own-redaction': 'nobody reviews a redaction whose plan they wrote',
  'not-released': 'the redaction had not been released',
  'subject-of-request': 'nobody decides about footage of their own conduct',
  'decided-before': 'nobody decides on the same twice',
  'seat-taken': 'others had decided in every seat of that role',
  'no-grant': 'there was no grant',
  'grant-expired': 'the grant had ended',
  'grant-revoked': 'the grant had been revoked',
  'grant-not-begun': 'the grant had not begun',
  'grant-used-up': 'the grant was good for fewer viewings',
  'grant-is-for-less': 'the grant was not for that',
  locked: 'the recording was locked against this person',
  'own-disclosure': 'nobody approves a disclosure that they proposed',
  'disclosure-over': 'the disclosure had ended',
  'wrong-code': 'the second factor was wrong',
  'link-locked': 'the second factor was wrong too often, and the link is locked',
  'viewing-closed': 'the viewing was closed',
  'reported-not-delivered': 'it was never sent',
  'other-session': 'the viewing was opened in another session',
};

function line(what: string, ...facts: Sentence['facts']): Sentence {
  return { what, facts };
}

function outcomeOf(type: string): Outcome {
  return NOT_DONE.get(type) ?? 'done';
}

/** Of entries written before plans had versions nothing is said. */
function ofVersion(version: number | undefined): [string, string][] {
  return version === undefined ? [] : [['Version of the plan', String(version)]];
}

/** What a job is to whoever reads the report. Past entries may name jobs that no longer exist. */
const WORK: Readonly<Record<string, string>> = {
  seal: 'the sealing',
  transcode: 'the making of the copy for playing',
  redact: 'the rendering of a redaction',
  propose: 'the search for what to cover',
  fixity: 'a check of the stored file',
  'drop-upload': 'the clearing away of an upload',
};

function workOf(job: string): string {
  return WORK[job] ?? `the job “${job}”`;
}

/** One line for every event of the catalogue: an event without its line does not compile. STYLE.md 5 */
export const EVENT_SENTENCES: { readonly [T in CustodyEventType]: Describe<T> } = {
  'person.enrolled': (e) =>
    line(
      `Made an account for ${e.name}.`,
      ['User name', e.username],
      ['Badge', e.badge ?? 'none'],
      ['Roles', e.roles.join(', ')],
      ...(e.sameAs === undefined ? [] : [['Another account of', e.sameAs] as const]),
    ),
  'sign-in.succeeded': (e) => line('Signed in.', ['Method', e.method]),
  'sign-in.failed': (e) => line('Tried to sign in with a wrong secret.', ['Method', e.method]),
  'signed-out': (e) => line('Signed out.', ['Session', e.session]),
  'service-token.issued': (e, n) =>
    line(`Issued the service token “${e.name}”.`, ['Roles', e.roles.join(', ')], ['Valid until', n.time(e.expiresAt)]),
  'dock.enrolled': (e) => line(`Enrolled the docking station “${e.name}”.`, ['Public key', e.publicKey]),
  'dock.revoked': (e) => line('Revoked the key of the docking station.', ['Reason', e.reason]),
  'camera.registered': (e) => line(`Registered the camera ${e.serial}.`, ['Model', e.model ?? 'not said']),
  'camera.assigned': (e, n) =>
    line(
      `Assigned the camera ${e.serial} to ${e.personName} from ${n.time(e.from)}.`,
      ['Badge', e.badge ?? 'none'],
      ...(e.until === null ? [] : [['Until', n.time(e.until)] as const]),
    ),
  'camera.released': (e, n) => line(`Took the camera ${e.serial} back as of ${n.time(e.until)}.`, ['Person', e.person]),
  'camera.retired': (e) => line(`Took the camera ${e.serial} out of service.`, ['Reason', e.reason]),
  'manifest.refused': (e) =>
    line('Handed in a manifest that could not be accepted.', ['Problem', e.problem], ['SHA-256', e.sha256]),
  'access.refused': (e) =>
    line(`Was refused to ${ATTEMPTS[e.action as Action] ?? `do “${e.action}”`}.`, ['Reason', REASONS[e.reason] ?? e.reason]),
  'recording.announced': (e, n) =>
    line(
      `Announced the file “${e.name}” under the signature of the docking station.`,
      ['Size', size(e.size)],
      ['Camera', e.camera],
      ['Officer', e.officer ?? 'not said'],
      ['Recorded (camera clock)', n.time(e.recordedAt)],
      ['SHA-256', e.sha256],
      ['Manifest', e.manifest],
      ...(e.counter === undefined ? [] : [["Camera's number of it", String(e.counter)] as const]),
      ...(e.preEventSeconds === undefined ? [] : [['Pre-event part', count(e.preEventSeconds, 'second')] as const]),
      ...(e.category === undefined ? [] : [['Category', e.category] as const]),
      ...(e.flagged === true ? [['Flagged', 'yes'] as const] : []),
      ...(e.gpsPoints === undefined ? [] : [['Positions', count(e.gpsPoints, 'point')] as const]),
    ),
  'recording.handed-in': (e, n) =>
    line(
      `Handed in the file “${e.name}”; no docking station vouches for it.`,
      ['Source', e.source],
      ['From', e.from],
      ['Size', size(e.size)],
      ['Device', e.device ?? 'not said'],
      ['Recorded (as stated)', n.time(e.recordedAt)],
      ['Note', e.note ?? 'none'],
      ['SHA-256', e.sha256],
    ),
  'upload.expired': (e, n) =>
    line(
      `Gave up an upload that nobody went on with: ${count(e.partsReceived, 'part')} had arrived, ${e.partsMissing} had not.`,
      ['Nothing came since', n.time(e.idleSince)],
      ['SHA-256', e.sha256],
    ),
  'upload.begun-anew': (e) =>
    line(`Began the upload anew: the object store had lost ${count(e.partsLost, 'part')} of it, to be sent again.`),
  'upload.superseded': (e) =>
    line(
      'Announced the same file under the signature of a docking station; this upload, which had not been sent whole, was given up for it.',
      ['SHA-256', e.sha256],
      ['Manifest', e.manifest],
    ),
  'upload.duplicate-refused': (e) =>
    line(
      `Announced the same file again, as “${e.name}”; it was not stored twice.`,
      ['SHA-256', e.sha256],
      ['Manifest', e.manifest],
    ),
  'upload.part-refused': (e) =>
    line(`Sent part ${e.part} of the file other than announced; it was not taken.`, ['Problem', e.problem]),
  'recording.sealed': (e, n) =>
    line(
      e.parent === null
        ? 'Sealed the recording: what is stored, read back whole, is what was announced.'
        : 'Sealed the recording: what is stored, read back whole, is what was made from its parent.',
      ['Size', size(e.size)],
      ['SHA-256', e.sha256],
      ['Method', e.method],
      ['Locked until', n.time(e.retainUntil)],
      ['Stored as', `${e.bucket}/${e.key}, version ${e.versionId}`],
      ...(e.parent === null ? [] : [['Parent', e.parent] as const]),
    ),
  'recording.quarantined': (e) =>
    line('Put the recording in quarantine: it is kept, but cannot be played.', ['Problem', e.problem], ['SHA-256', e.sha256]),
  'fixity.verified': (e) =>
    line(
      'Hashed the stored recording again: it is what was sealed.',
      ['Size', size(e.size)],
      ['SHA-256', e.sha256],
      ['Method', e.method],
      ['Version', e.versionId],
    ),
  'fixity.failed': (e) =>
    line(
      'Hashed the stored recording again: it is NOT what was sealed. Its disposition is frozen.',
      ['Problem', e.problem],
      ['SHA-256 when sealed', e.sha256],
      ['SHA-256 found', e.found ?? 'none'],
      ['Method', e.method],
      ['Version', e.versionId],
    ),
  'alert.acknowledged': (e) => line(`Took note of the alert “${e.kind}”.`, ['Note', e.note], ['Alert', e.alert]),
  'rendition.published': (e) =>
    line(
      'Made a copy for playing; the recording itself was not changed.',
      ['Recipe', e.recipe],
      ['Tool', e.tool],
      ['Files', String(e.files)],
    ),
  'rendition.failed': (e) => line('Could not make a copy for playing.', ['Problem', e.problem], ['Recipe', e.recipe]),
  'job.cancelled': (e) => line(`Called off ${workOf(e.job)}.`, ['Reason', e.reason], ['Job', `${e.job} ${e.ref}`]),
  'job.retried': (e) => line(`Had ${workOf(e.job)} tried again.`, ['Job', `${e.job} ${e.ref}`]),
  'access-policy.adopted': (e) =>
    line(
      `Put another access policy in force, with ${count(e.rules, 'rule')}.`,
      ['Purposes', e.purposes.join(', ')],
      ['SHA-256', e.sha256],
    ),
  'access.requested': (e, n) =>
    line(
      `Asked for access until ${n.time(e.until)}.`,
      ['Purpose', e.purpose],
      ['Case', e.caseNumber],
      ['Justification', e.justification],
      ...(e.asked === undefined ? [] : [['To', e.asked.join(', ')] as const]),
      ...(e.rule === undefined ? [] : [['Needs', e.rule] as const]),
      ['Request', e.request],
    ),
  'access.approved': (e) =>
    line(
      `Approved a request for access, as ${e.seat}.`,
      ...(e.onBehalfOf === null ? [] : [['In place of', e.onBehalfOf] as const]),
      ...(e.reason === null ? [] : [['Reason', e.reason] as const]),
      ['Request', e.request],
    ),
  'access.granted': (e, n) =>
    line(
      `Granted ${e.personName} access until ${n.time(e.until)}.`,
      ...(e.from === undefined ? [] : [['From', n.time(e.from)] as const]),
      ...(e.actions === undefined ? [] : [['To', e.actions.join(', ')] as const]),
      ...(e.viewings === undefined || e.viewings === null ? [] : [['Good for', count(e.viewings, 'viewing')] as const]),
      ...(e.basis === undefined ? [] : [['On the basis of', e.basis] as const]),
      ['Grant', e.grant],
      ...(e.request === '' ? [] : [['Request', e.request] as const]),
    ),
  'access.denied': (e) =>
    line(
      e.final === false ? 'Spoke against a request for access.' : 'Denied a request for access.',
      ['Reason', e.reason],
      ['Request', e.request],
    ),
  'access.withdrawn': (e) =>
    line('Withdrew a request for access.', ...(e.reason === null ? [] : [['Reason', e.reason] as const]), ['Request', e.request]),
  'access.closed': (e) =>
    line(e.as === 'expired' ? 'The time of a request for access ended.' : 'Closed a request for access.', ['Request', e.request]),
  'delegation.given': (e, n) =>
    line(
      `Let ${e.toName} decide in their place until ${n.time(e.until)}.`,
      ['As', e.role],
      ['Reason', e.reason],
      ['Delegation', e.delegation],
    ),
  'delegation.ended': (e) => line('Took a delegation back.', ['Reason', e.reason], ['Delegation', e.delegation]),
  'break-glass.opened': (e, n) =>
    line(
      `Took access in an emergency, until ${n.time(e.until)}, before anybody decided.`,
      ['Purpose', e.purpose],
      ['Case', e.caseNumber],
      ['Justification', e.justification],
      ['Told at once', e.reviewers.join(', ')],
      ['Grant', e.grant],
      ['Request', e.request],
    ),
  'break-glass.reviewed': (e) =>
    line(
      `Reviewed an access taken in an emergency and found it ${e.justified ? 'justified' : 'NOT justified'}.`,
      ['Note', e.note],
      ['Request', e.request],
    ),
  'recording.locked': (e) =>
    line(`Locked the recording against ${e.personName}, until a statement is on record.`, ['Reason', e.reason], ['Lock', e.lock]),
  'recording.statement-recorded': (e) =>
    line(
      'Noted that the person against whom the recording is locked has made a statement.',
      ['Statement', e.statement],
      ['Lock', e.lock],
    ),
  'recording.unlocked': (e) =>
    line(
      e.withoutStatement === true
        ? 'Lifted the lock on the recording, although no statement had been made.'
        : 'Lifted the lock on the recording.',
      ['Reason', e.reason],
      ['Lock', e.lock],
    ),
  'access.revoked': (e) => line('Took a grant back.', ['Reason', e.reason], ['Grant', e.grant]),
  'viewing.opened': (e) =>
    line(
      e.of === 'original' ? 'Opened the original file.' : 'Opened a viewing.',
      ['Purpose', e.purpose],
      ['Case', e.caseNumber],
      ['Viewing', e.viewing],
      ['Grant', e.grant],
    ),
  'viewing.progressed': (e) =>
    line(
      `Went on with the viewing; so far ${viewed(e)}.`,
      ['Sent', `${count(e.files, 'file')}, ${size(e.bytes)}`],
      ...(e.original === undefined ? [] : [['Bytes of the original', bytesOf(e.original)] as const]),
      ...(e.reported.length === 0 ? [] : [['Played, as the player reported', partsOf(e.reported)] as const]),
      ['Viewing', e.viewing],
    ),
  'viewing.closed': (e) =>
    line(
      `${e.closedBy === 'viewer' ? 'Ended the viewing' : 'The viewing ended by itself'}; ${viewed(e)}.`,
      ['Sent', `${count(e.files, 'file')}, ${size(e.bytes)}${e.aborted === 0 ? '' : `, ${e.aborted} broken off`}`],
      ...(e.original === undefined ? [] : [['Bytes of the original', bytesOf(e.original)] as const]),
      ...(e.reported === undefined ? [] : [['Played, as the player reported', partsOf(e.reported.played)] as const]),
      ['Viewing', e.viewing],
    ),
  'case.opened': (e) => line(`Opened the case ${e.number}, “${e.title}”.`, ['Sensitivity', e.sensitivity]),
  'case.changed': (e) =>
    line(
      `Changed the case ${e.number}, “${e.title}”.`,
      ['Sensitivity', e.sensitivity],
      ['Was', `“${e.was.title}”, ${e.was.sensitivity}`],
      ['Reason', e.reason],
    ),
  'case.closed': (e) => line(`Closed the case ${e.number}, “${e.title}”.`, ['Reason', e.reason]),
  'case.reopened': (e) => line(`Opened the case ${e.number}, “${e.title}”, again.`, ['Reason', e.reason]),
  'case.recording-added': (e) =>
    line(
      `Put the recording into the case ${e.number}, “${e.title}”.`,
      ...(e.reason === null ? [] : [['Reason', e.reason] as const]),
      ['Recording', e.recording],
      ['Case', e.case],
    ),
  'case.recording-removed': (e) =>
    line(
      `Took the recording out of the case ${e.number}, “${e.title}”.`,
      ['Reason', e.reason],
      ['Recording', e.recording],
      ['Case', e.case],
    ),
  'case.person-added': (e) => line(`Named ${e.name} in the case ${e.number}, “${e.title}”.`, ['As', e.part]),
  'case.person-removed': (e) =>
    line(`Took ${e.name} out of the case ${e.number}, “${e.title}”.`, ['As', e.part], ['Reason', e.reason]),
  'search.nothing-found': (e) =>
    line(
      `Stated that a search found no recording, in all that was on record through entry ${e.throughIndex}.`,
      ['Search', e.search],
      ['SHA-256 of the statement', e.sha256],
    ),
  'sampling.committed': (e) =>
    line(
      `Fixed ${count(e.population, 'recording')}, of which ${e.draw} are to be drawn by lot.`,
      ['Purpose', e.purpose],
      ['From', e.filter],
      ['SHA-256 of the list', e.sha256],
    ),
  'sampling.drawn': (e) =>
    line(
      `Drew ${count(e.drawn.length, 'recording')} by lot, by the checkpoint of ${e.checkpointSize} entries.`,
      ['Seed', e.seed],
      ['SHA-256 of what was drawn', e.sha256],
    ),
  'disclosure.proposed': (e, n) =>
    line(
      `Proposed to disclose it to ${e.recipient}, ${e.organisation}.`,
      ['To', e.kind],
      ['Legal basis', e.legalBasis],
      ['Conditions', e.conditions === '' ? 'none' : e.conditions],
      ['Until', n.time(e.until)],
      ['Copy', e.form === 'unaltered' ? 'unaltered' : 'marked for the recipient'],
      ...(e.fromMs === null || e.toMs === null ? [] : [['Part', `${span(e.fromMs)} to ${span(e.toMs)}`] as const]),
      ...(e.overrideReason === undefined ? [] : [['Instead of a redacted copy, because', e.overrideReason] as const]),
      ['Disclosure', e.disclosure],
    ),
  'disclosure.approved': (e) =>
    line('Approved a disclosure.', ...(e.note === null ? [] : [['Note', e.note] as const]), ['Disclosure', e.disclosure]),
  'disclosure.refused': (e) => line('Refused a disclosure.', ['Reason', e.reason], ['Disclosure', e.disclosure]),
  'disclosure.marked': (e) =>
    line(
      'Made a copy with the name of the recipient in the picture.',
      ...(e.fromMs === null || e.toMs === null ? [] : [['Part', `${span(e.fromMs)} to ${span(e.toMs)}`] as const]),
      ['SHA-256 of the copy', e.sha256],
      ['Recipe', `${e.recipe}, ${e.tool}`],
      ['Disclosure', e.disclosure],
    ),
  'disclosure.listed': (e) =>
    line('Settled what goes into the package for the recipient.', ['Files', String(e.files)], ['SHA-256 of the list', e.sha256]),
  'disclosure.packaged': (e) =>
    line(
      'Made the package for the recipient.',
      ['Files', String(e.files)],
      ['Size', size(e.size)],
      ['SHA-256', e.sha256],
      ['Disclosure', e.disclosure],
    ),
  'disclosure.failed': (e) =>
    line('Could not make the package for the recipient.', ['Problem', e.problem], ['Disclosure', e.disclosure]),
  'disclosure.link-issued': (e, n) =>
    line(
      e.part === 'link'
        ? `Made a link for ${e.recipient}, good until ${n.time(e.until)}.`
        : `Made the code that ${e.recipient} needs beside the link.`,
      ['Good for', count(e.fetches, 'fetch', 'fetches')],
      ['Disclosure', e.disclosure],
    ),
  'disclosure.opened': (e) => line(`${e.recipient} showed the link and the second factor.`, ['Disclosure', e.disclosure]),
  'disclosure.fetch-begun': (e) =>
    line(`${e.recipient} began to fetch the package.`, ['SHA-256', e.sha256], ['Fetch', e.fetch], ['Disclosure', e.disclosure]),
  'disclosure.fetch-ended': (e) =>
    line(
      e.complete ? 'The package was sent whole.' : 'A part of the package was sent.',
      ['Bytes', bytesOf(e.ranges)],
      ['Fetch', e.fetch],
      ['Disclosure', e.disclosure],
    ),
  'disclosure.confirmed': (e) =>
    line(
      `${e.recipient} confirmed that the package arrived and was verified.`,
      ['SHA-256', e.sha256],
      ['Disclosure', e.disclosure],
    ),
  'disclosure.revoked': (e) => line('Took a disclosure back.', ['Reason', e.reason], ['Disclosure', e.disclosure]),
  'disclosure.expired': (e) => line('The time of a disclosure ended.', ['Disclosure', e.disclosure]),
  'redaction.drafted': (e) =>
    line(
      `Saved version ${e.version} of the plan of a redaction, with ${count(e.regions, 'covered region')} and ${count(e.mutes, 'muted span')}.`,
      ['Reason', e.reason],
      ...(e.note === undefined ? [] : [['Note', e.note] as const]),
      ['SHA-256 of the plan', e.sha256],
      ['Redaction', e.redaction],
    ),
  'redaction.ordered': (e) =>
    line(
      `Ordered a redacted copy with ${count(e.regions, 'covered region')} and ${count(e.mutes, 'muted span')}.`,
      ['Reason', e.reason],
      ['SHA-256 of the plan', e.sha256],
      ...ofVersion(e.version),
      ['Redaction', e.redaction],
    ),
  'redaction.sealed': (e) =>
    line(
      `Sealed a redacted copy as recording ${e.result}; this recording was not changed.`,
      ['SHA-256 of the copy', e.sha256],
      ['SHA-256 of the plan', e.planSha256],
      ...ofVersion(e.version),
      ['Leak check', e.leakCheck],
      ['Recipe', e.recipe],
      ['Tool', e.tool],
      ...(e.parameters === undefined ? [] : [['SHA-256 of the parameters', e.parameters] as const]),
    ),
  'redaction.failed': (e) =>
    line('Could not make a redacted copy.', ['Problem', e.problem], ...ofVersion(e.version), ['Redaction', e.redaction]),
  'redaction.reviewed': (e) =>
    line(
      e.approved
        ? 'Reviewed a redacted copy and approved it.'
        : 'Reviewed a redacted copy and rejected it; it is not to be released.',
      ...(e.note === null ? [] : [[e.approved ? 'Note' : 'Reason', e.note] as const]),
      ['Redacted copy', e.result],
      ...ofVersion(e.version),
      ['Redaction', e.redaction],
    ),
  'redaction.released': (e) =>
    line(
      'Released a redacted copy: from now on it may be asked for, watched and disclosed.',
      ['Redacted copy', e.result],
      ...ofVersion(e.version),
      ['Redaction', e.redaction],
    ),
  'redaction.discarded': (e) =>
    line('Gave a redaction up; it is never released.', ['Reason', e.reason], ['Redaction', e.redaction]),
  'redaction.proposal-ordered': (e) =>
    line(
      `Had ${e.kind === 'track' ? 'a box followed' : 'faces or plates looked for'} from ${e.fromMs} to ${e.untilMs} ms, as a help for a redaction.`,
      ['Proposal', e.proposal],
    ),
  'redaction.proposed': (e) =>
    line(
      `Proposed ${count(e.tracks, 'track')} to cover; a person decides on each.`,
      ['Model', e.model],
      ['Version', e.version],
      ['Threshold', e.threshold],
      ['Proposal', e.proposal],
    ),
  'redaction.proposal-failed': (e) => line('Could not propose what to cover.', ['Problem', e.problem], ['Proposal', e.proposal]),
  'redaction.proposal-confirmed': (e) =>
    line(
      `Took over ${count(e.tracks.length, 'proposed track')} for a plan.`,
      ['Tracks', e.tracks.join(', ')],
      ['Reason', e.reason],
      ['Model', e.model],
      ['Version', e.version],
      ['Threshold', e.threshold],
      ['Proposal', e.proposal],
    ),
  'custody-report.exported': (e) =>
    line(`Exported a custody report of ${count(e.pages, 'page')}, through entry ${e.throughSeq}.`, [
      'SHA-256 of the PDF',
      e.sha256,
    ]),
  'log.heads': (e) =>
    line(`Put on record where every chain ended among the first ${e.size} entries of the log.`, ['SHA-256 of the map', e.sha256]),
  'log.key-added': (e) => line('Began to sign checkpoints with another key.', ['Public key', e.vkey]),
  'log.key-retired': (e) => line('Stopped signing checkpoints with a key.', ['Public key', e.vkey]),
  'payload.erased': (e) =>
    line(
      `Destroyed the particulars of ${count(e.entries.length, 'entry', 'entries')}; that they were there, and when, stays provable.`,
      ['Reason', e.reason],
    ),
  'evidence-bundle.exported': (e) => line('Exported an evidence bundle.', ['SHA-256 of its bundle.json', e.sha256]),
};

function partsOf(ranges: readonly DeliveredRange[]): string {
  if (ranges.length === 0) return 'none';
  return new Intl.ListFormat('en-GB').format(ranges.map(({ fromMs, toMs }) => `${span(fromMs)} to ${span(toMs)}`));
}

function bytesOf(spans: readonly ByteSpan[]): string {
  return spans.length === 0 ? 'none' : spans.map(({ first, last }) => `${first} to ${last}`).join(', ');
}

/** "the parts 0:04.0 to 0:12.0 and 0:20.0 to 0:24.0 were sent, and small stills of 0:00.0 to 1:40.0" */
export function viewed({ delivered, stills = [] }: Pick<EventOf<'viewing.closed'>, 'delivered' | 'stills'>): string {
  const [part, was] = delivered.length === 1 ? ['part', 'was'] : ['parts', 'were'];
  const played = delivered.length === 0 ? 'no part of the recording was sent' : `the ${part} ${partsOf(delivered)} ${was} sent`;
  if (stills.length === 0) return played;
  return delivered.length === 0
    ? `only small stills were sent, of ${partsOf(stills)}`
    : `${played}, and small stills of ${partsOf(stills)}`;
}

/** Total: an entry that a later version of the service wrote is shown by its name, never left out. */
export function describe(event: CustodyEvent, notation: Notation): EventLine {
  if (!Object.hasOwn(EVENT_SENTENCES, event.type))
    return { ...line(`Wrote an entry of the kind “${String(event.type)}”, which this version does not know.`), outcome: 'done' };
  // One lookup serves all members of the union; the mapped type above has paired each with its own function.
  const sentence = EVENT_SENTENCES[event.type] as Describe<CustodyEventType>;
  return { ...sentence(event, notation), outcome: outcomeOf(event.type) };
}

/** An entry whose particulars were erased: its kind, its time and the hash of its file are public and stay. */
export function describeErased({ header, erased }: ErasedEntry, notation: Notation): EventLine {
  const { type, sha256 } = header;
  return {
    ...line(
      `Payload erased on ${notation.time(erased.at)}, as log entry ${erased.index} says. This was an entry of the kind “${type}”.`,
      ...(sha256 === undefined ? [] : [['SHA-256', sha256] as const]),
    ),
    outcome: outcomeOf(type),
  };
}
