import type { Json } from '#tlog';

/** Bytes really sent, merged into spans of the recording's own time axis, in milliseconds. */
export type DeliveredRange = Readonly<{ fromMs: number; toMs: number }>;
/** Bytes of a file, both ends included, counted from 0. RFC 9110 §14.1.1 */
export type ByteSpan = Readonly<{ first: number; last: number }>;

/**
 * Every event that custody knows. `sha256` (lowercase hex), where present, goes into the public header; everything else into the erasable payload.
 * Subjects: a recording unless the comment says otherwise. CJIS control families are those of the FBI CJIS Security Policy 5.9.5 ff.
 */
export type CustodyEvent =
  /** Written when an administrator makes an account (subject: person). AC-2 */
  | {
      readonly type: 'person.enrolled';
      readonly username: string;
      readonly name: string;
      readonly badge: string | null;
      readonly roles: readonly string[];
      /** The first account of the same human being, where this is another. */
      readonly sameAs?: string;
    }
  /** Written when somebody signs in (subject: person). AU-2 */
  | { readonly type: 'sign-in.succeeded'; readonly method: string }
  /** Written when a known account is tried with a wrong secret (subject: person). AC-7 */
  | { readonly type: 'sign-in.failed'; readonly method: string }
  /** Written when somebody signs out (subject: person). AC-12 */
  | { readonly type: 'signed-out'; readonly session: string }
  /** Written when a machine is given a token (subject: the token). IA-5 */
  | {
      readonly type: 'service-token.issued';
      readonly name: string;
      readonly roles: readonly string[];
      readonly expiresAt: string;
    }
  /** Written when a dock's public key is registered (subject: dock). IA-3 */
  | { readonly type: 'dock.enrolled'; readonly name: string; readonly publicKey: string }
  /** Written when a dock's key is revoked (subject: dock). IA-5 */
  | { readonly type: 'dock.revoked'; readonly reason: string }
  /** Written when a camera becomes one of the agency's (subject: camera). CM-8 */
  | { readonly type: 'camera.registered'; readonly serial: string; readonly model: string | null }
  /** Written when a camera is given to an officer, or was as of `from` (subject: camera). CM-8 */
  | {
      readonly type: 'camera.assigned';
      readonly serial: string;
      readonly person: string;
      readonly personName: string;
      readonly badge: string | null;
      readonly from: string;
      readonly until: string | null;
    }
  /** Written when an officer gives a camera back (subject: camera). CM-8 */
  | { readonly type: 'camera.released'; readonly serial: string; readonly person: string; readonly until: string }
  /** Written when a camera is taken out of service (subject: camera). CM-8 */
  | { readonly type: 'camera.retired'; readonly serial: string; readonly reason: string }
  /** Written when a dock hands in a manifest that cannot be accepted (subject: dock). SI-10 */
  | { readonly type: 'manifest.refused'; readonly problem: string; readonly sha256: string }
  /** Written when somebody is refused something about evidence (subject: recording, else the person). AC-3, AU-2 */
  | { readonly type: 'access.refused'; readonly action: string; readonly reason: string }
  /** Written when a dock announces a file. AU-10 */
  | {
      readonly type: 'recording.announced';
      readonly manifest: string;
      readonly dock: string;
      readonly name: string;
      readonly size: number;
      readonly camera: string;
      /** Badge; null when the dock did not know it. */
      readonly officer: string | null;
      readonly recordedAt: string;
      readonly clockOffsetMs: number;
      readonly counter?: number;
      readonly preEventSeconds?: number;
      readonly category?: string;
      readonly flagged?: boolean;
      readonly gpsPoints?: number;
      readonly sha256: string;
    }
  /** Written when a person announces a file that came without a dock. AU-10 */
  | {
      readonly type: 'recording.handed-in';
      readonly name: string;
      readonly size: number;
      readonly source: string;
      readonly from: string;
      readonly device: string | null;
      readonly note: string | null;
      readonly recordedAt: string;
      readonly sha256: string;
    }
  /** Written when an upload that nobody went on with is given up; the parts that had arrived are dropped. SI-12 */
  | {
      readonly type: 'upload.expired';
      readonly partsReceived: number;
      readonly partsMissing: number;
      readonly idleSince: string;
      readonly sha256: string;
    }
  /** Written when the object store has lost the parts of an upload that is not complete: its sender sends them again. SI-7 */
  | { readonly type: 'upload.begun-anew'; readonly partsLost: number }
  /** Written when the upload of a person or a revoked dock, not sent whole, makes way for a dock that announced the same file. SI-10 */
  | { readonly type: 'upload.superseded'; readonly manifest: string; readonly dock: string; readonly sha256: string }
  /** Written when a file is announced that is already here. SI-10 */
  | {
      readonly type: 'upload.duplicate-refused';
      readonly manifest: string;
      readonly dock: string;
      readonly name: string;
      readonly sha256: string;
    }
  /** Written when a part arrives that is not what was announced. SI-7 */
  | { readonly type: 'upload.part-refused'; readonly part: number; readonly problem: string }
  /** Written when the stored version, read back, is what was announced. SI-7, AU-10 */
  | {
      readonly type: 'recording.sealed';
      readonly size: number;
      readonly bucket: string;
      readonly key: string;
      readonly versionId: string;
      readonly retainUntil: string;
      readonly method: string;
      readonly parent: string | null;
      readonly sha256: string;
    }
  /** Written when a file arrived whole or in part but failed a check; it is kept. SI-7 */
  | { readonly type: 'recording.quarantined'; readonly problem: string; readonly sha256: string }
  /** Written when the stored version, hashed again, is still what was sealed. SI-7 */
  | {
      readonly type: 'fixity.verified';
      readonly size: number;
      readonly versionId: string;
      readonly method: string;
      readonly sha256: string;
    }
  /** Written when the stored version is no longer what was sealed; disposition of the recording is frozen. sha256 is the sealed one. SI-7 */
  | {
      readonly type: 'fixity.failed';
      readonly problem: string;
      readonly versionId: string;
      readonly found: string | null;
      readonly method: string;
      readonly sha256: string;
    }
  /** Written when somebody takes note of an alert about the recording. IR-4 */
  | { readonly type: 'alert.acknowledged'; readonly alert: string; readonly kind: string; readonly note: string }
  /** Written when a playback rendition becomes available. AU-10 */
  | {
      readonly type: 'rendition.published';
      readonly rendition: string;
      readonly recipe: string;
      readonly files: number;
      readonly tool: string;
      readonly sha256: string;
    }
  /** Written when no playback rendition can be made. SI-11 */
  | { readonly type: 'rendition.failed'; readonly recipe: string; readonly problem: string }
  /** Written when a transcode or a redaction that waits or runs is called off; `ref` is what the job works on. AU-2 */
  | { readonly type: 'job.cancelled'; readonly job: string; readonly ref: string; readonly reason: string }
  /** Written when a job that was given up or called off is tried again; `ref` is what the job works on. AU-2 */
  | { readonly type: 'job.retried'; readonly job: string; readonly ref: string }
  /** Written when the table that says who may decide becomes another one; sha256 is that of its canonical JSON (subject: the policy). AC-1 */
  | {
      readonly type: 'access-policy.adopted';
      readonly rules: number;
      readonly purposes: readonly string[];
      readonly sha256: string;
    }
  /** Written when access is asked for. AC-3 */
  | {
      readonly type: 'access.requested';
      readonly request: string;
      readonly purpose: string;
      readonly caseNumber: string;
      readonly justification: string;
      readonly until: string;
      /** What is asked for: view, view-unredacted, export, disclose. Missing in entries from before there was a choice: then view. */
      readonly asked?: readonly string[];
      /** Who has to approve, in words, as the policy was then. */
      readonly rule?: string;
    }
  /** Written when somebody approves an item of a request, whether or not more have to. AC-3, AC-5 */
  | {
      readonly type: 'access.approved';
      readonly request: string;
      readonly seat: string;
      /** Whose right to decide was used, when it was delegated. */
      readonly onBehalfOf: string | null;
      readonly reason: string | null;
    }
  /** Written when access is granted until a time. AC-3 */
  | {
      readonly type: 'access.granted';
      readonly request: string;
      readonly grant: string;
      readonly person: string;
      readonly personName: string;
      readonly until: string;
      readonly from?: string;
      readonly actions?: readonly string[];
      /** How many viewings it is good for; null for any number. */
      readonly viewings?: number | null;
      /** A request, break-glass, or the name of a standing rule of the policy; `request` is then empty. Missing: a request. */
      readonly basis?: string;
    }
  /** Written when somebody speaks against an item of a request; `final` when it is thereby denied. Missing: it is. AC-3 */
  | { readonly type: 'access.denied'; readonly request: string; readonly reason: string; readonly final?: boolean }
  /** Written when whoever asked takes it back. AC-3 */
  | { readonly type: 'access.withdrawn'; readonly request: string; readonly reason: string | null }
  /** Written when a request ends because its time is over, or is closed by whoever made it. AC-3 */
  | { readonly type: 'access.closed'; readonly request: string; readonly as: 'expired' | 'closed' }
  /** Written when somebody lets another decide in their place (subject: who gives it). AC-5 */
  | {
      readonly type: 'delegation.given';
      readonly delegation: string;
      readonly to: string;
      readonly toName: string;
      readonly role: string;
      readonly until: string;
      readonly reason: string;
    }
  /** Written when a delegation is taken back before its end (subject: who gave it). AC-5 */
  | { readonly type: 'delegation.ended'; readonly delegation: string; readonly reason: string }
  /** Written when somebody takes access in an emergency, before anybody decides. AC-3, AU-2 */
  | {
      readonly type: 'break-glass.opened';
      readonly request: string;
      readonly grant: string;
      readonly purpose: string;
      readonly caseNumber: string;
      readonly justification: string;
      readonly until: string;
      /** Names of who was told at once. */
      readonly reviewers: readonly string[];
    }
  /** Written when an access taken in an emergency has been reviewed. AU-6 */
  | { readonly type: 'break-glass.reviewed'; readonly request: string; readonly justified: boolean; readonly note: string }
  /** Written when a recording is locked against somebody it concerns, until they have made a statement. AC-3 */
  | {
      readonly type: 'recording.locked';
      readonly lock: string;
      readonly person: string;
      readonly personName: string;
      readonly reason: string;
    }
  /** Written when it is noted that the locked person has made a statement. AC-3 */
  | { readonly type: 'recording.statement-recorded'; readonly lock: string; readonly person: string; readonly statement: string }
  /** Written when a lock is lifted. AC-3 */
  | {
      readonly type: 'recording.unlocked';
      readonly lock: string;
      readonly person: string;
      readonly reason: string;
      /** Present where internal affairs lifted it although no statement had been made. */
      readonly withoutStatement?: boolean;
    }
  /** Written when a grant is taken back. AC-3 */
  | { readonly type: 'access.revoked'; readonly grant: string; readonly reason: string }
  /** Written, and sequenced, before the first byte of a viewing is sent. AU-2 */
  | {
      readonly type: 'viewing.opened';
      readonly viewing: string;
      readonly grant: string;
      readonly purpose: string;
      readonly caseNumber: string;
      /** The playback copy, or the original file itself. Missing: the playback copy. */
      readonly of?: 'playback' | 'original';
    }
  /** Written while a viewing goes on, at most every half minute: all that was sent and reported in it so far. AU-3 */
  | {
      readonly type: 'viewing.progressed';
      readonly viewing: string;
      readonly delivered: readonly DeliveredRange[];
      readonly stills: readonly DeliveredRange[];
      /** By the viewer's player, not by the service. */
      readonly reported: readonly DeliveredRange[];
      readonly files: number;
      readonly bytes: number;
      /** Of the original file: bytes sent, ascending, both ends included. */
      readonly original?: readonly ByteSpan[];
    }
  /** Written when a viewing ends, with what was really sent. AU-3 */
  | {
      readonly type: 'viewing.closed';
      readonly viewing: string;
      /** Played: moving picture, sound, and previews of redactions. */
      readonly delivered: readonly DeliveredRange[];
      /** Shown as small pictures only, by the poster or the sheets of a seek bar, besides `delivered`. Missing in entries from before they counted. */
      readonly stills?: readonly DeliveredRange[];
      readonly files: number;
      readonly bytes: number;
      readonly aborted: number;
      readonly closedBy: 'viewer' | 'service';
      /** What the viewer's player said it showed, within what was sent: `reported`, never evidence of its own. */
      readonly reported?: {
        readonly played: readonly DeliveredRange[];
        readonly seeks: number;
        readonly pauses: number;
        /** Milliseconds for which the player was not to be seen. */
        readonly hiddenMs: number;
        /** Percent of normal; 0 when nothing was reported. */
        readonly fastestPercent: number;
      };
      /** Of the original file: bytes sent, ascending, both ends included. RFC 9110 §14.1 */
      readonly original?: readonly ByteSpan[];
    }
  /** Written when a case is begun (subject: case). AU-2 */
  | { readonly type: 'case.opened'; readonly number: string; readonly title: string; readonly sensitivity: string }
  /** Written when a case gets another title or sensitivity (subject: case). AU-2 */
  | {
      readonly type: 'case.changed';
      readonly number: string;
      readonly title: string;
      readonly sensitivity: string;
      readonly was: { readonly title: string; readonly sensitivity: string };
      readonly reason: string;
    }
  /** Written when a case is closed, or opened again (subject: case). AU-2 */
  | { readonly type: 'case.closed'; readonly number: string; readonly title: string; readonly reason: string }
  | { readonly type: 'case.reopened'; readonly number: string; readonly title: string; readonly reason: string }
  /** Written when a recording is put into a case, on the chains of both. AU-2 */
  | {
      readonly type: 'case.recording-added';
      readonly case: string;
      readonly number: string;
      readonly title: string;
      readonly recording: string;
      readonly reason: string | null;
    }
  /** Written when a recording is taken out of a case, on the chains of both. AU-2 */
  | {
      readonly type: 'case.recording-removed';
      readonly case: string;
      readonly number: string;
      readonly title: string;
      readonly recording: string;
      readonly reason: string;
    }
  /** Written when somebody is named in a case, or no longer (subject: case). `part`: subject, witness, complainant, investigator… AU-2 */
  | {
      readonly type: 'case.person-added';
      readonly number: string;
      readonly title: string;
      readonly person: string | null;
      readonly name: string;
      readonly part: string;
    }
  | {
      readonly type: 'case.person-removed';
      readonly number: string;
      readonly title: string;
      readonly person: string | null;
      readonly name: string;
      readonly part: string;
      readonly reason: string;
    }
  /** Written when a search found nothing and that is stated; sha256 is the statement's (subject: the statement). AU-10 */
  | { readonly type: 'search.nothing-found'; readonly search: string; readonly throughIndex: string; readonly sha256: string }
  /** Written when recordings to be reviewed are to be drawn by lot: from what, before the lot is known; sha256 is that of the list (subject: sampling). AU-10 */
  | {
      readonly type: 'sampling.committed';
      readonly purpose: string;
      readonly filter: string;
      readonly population: number;
      readonly draw: number;
      readonly sha256: string;
    }
  /** Written when the lot was drawn, from a checkpoint signed after the population was on record (subject: sampling). AU-10 */
  | {
      readonly type: 'sampling.drawn';
      readonly checkpointSize: string;
      readonly seed: string;
      readonly drawn: readonly string[];
      readonly sha256: string;
    }
  /** Written when a disclosure to somebody outside is proposed. AC-21, AU-2 */
  | {
      readonly type: 'disclosure.proposed';
      readonly disclosure: string;
      readonly recipient: string;
      readonly organisation: string;
      readonly kind: string;
      readonly legalBasis: string;
      readonly conditions: string;
      readonly until: string;
      readonly form: 'unaltered' | 'marked';
      readonly fromMs: number | null;
      readonly toMs: number | null;
      /** Why an original is released although there is a redacted copy of it. */
      readonly overrideReason?: string;
    }
  /** Written when a second person approves or refuses it. AC-5, AC-21 */
  | { readonly type: 'disclosure.approved'; readonly disclosure: string; readonly note: string | null }
  | { readonly type: 'disclosure.refused'; readonly disclosure: string; readonly reason: string }
  /** Written when a copy is made that has the recipient's name in the picture; sha256 is that of the copy. AU-10 */
  | {
      readonly type: 'disclosure.marked';
      readonly disclosure: string;
      readonly recipe: string;
      readonly tool: string;
      readonly fromMs: number | null;
      readonly toMs: number | null;
      readonly sha256: string;
    }
  /** Written when it is settled what goes into the package; sha256 is that of its manifest.json (subject: disclosure). AU-10 */
  | { readonly type: 'disclosure.listed'; readonly disclosure: string; readonly files: number; readonly sha256: string }
  /** Written when the package for a recipient is made (also with the disclosure as its subject); sha256 is that of the package. SI-7, AU-10 */
  | {
      readonly type: 'disclosure.packaged';
      readonly disclosure: string;
      readonly size: number;
      readonly files: number;
      readonly sha256: string;
    }
  /** Written when the package cannot be made. SI-11 */
  | { readonly type: 'disclosure.failed'; readonly disclosure: string; readonly problem: string }
  /** Written when a link, or the second factor that goes another way, is made for the recipient. IA-5 */
  | {
      readonly type: 'disclosure.link-issued';
      readonly disclosure: string;
      readonly part: 'link' | 'code';
      readonly recipient: string;
      readonly until: string;
      readonly fetches: number;
    }
  /** Written when the recipient has shown both link and second factor. IA-2 */
  | { readonly type: 'disclosure.opened'; readonly disclosure: string; readonly recipient: string }
  /** Written, and sequenced, before the first byte is sent to the recipient. AC-21, AU-2 */
  | {
      readonly type: 'disclosure.fetch-begun';
      readonly disclosure: string;
      readonly fetch: string;
      readonly recipient: string;
      readonly sha256: string;
    }
  /** Written when a fetch ends: bytes of the package sent, both ends included. AU-3 */
  | {
      readonly type: 'disclosure.fetch-ended';
      readonly disclosure: string;
      readonly fetch: string;
      readonly ranges: readonly ByteSpan[];
      readonly complete: boolean;
    }
  /** Written when the recipient says that the package arrived and was verified. AU-10 */
  | { readonly type: 'disclosure.confirmed'; readonly disclosure: string; readonly recipient: string; readonly sha256: string }
  /** Written when a disclosure is taken back, or its time is over. AC-3 */
  | { readonly type: 'disclosure.revoked'; readonly disclosure: string; readonly reason: string }
  | { readonly type: 'disclosure.expired'; readonly disclosure: string }
  /** Written when somebody saves a version of a redaction's plan; sha256 is the plan's. AU-10 */
  | {
      readonly type: 'redaction.drafted';
      readonly redaction: string;
      /** From 1. */
      readonly version: number;
      readonly regions: number;
      readonly mutes: number;
      readonly reason: string;
      readonly note?: string;
      readonly sha256: string;
    }
  /** Written when a version of a redaction's plan is ordered to be rendered; sha256 is the plan's. AU-10 */
  | {
      readonly type: 'redaction.ordered';
      readonly redaction: string;
      readonly version?: number;
      readonly regions: number;
      readonly mutes: number;
      readonly reason: string;
      readonly sha256: string;
    }
  /** Written on the original's chain when its redaction is sealed as a recording of its own; sha256 is the result's. SI-7 */
  | {
      readonly type: 'redaction.sealed';
      readonly redaction: string;
      readonly result: string;
      readonly planSha256: string;
      readonly recipe: string;
      readonly tool: string;
      readonly leakCheck: string;
      readonly version?: number;
      /** SHA-256 of the text of the parameters that the tool was given. */
      readonly parameters?: string;
      readonly sha256: string;
    }
  /** Written when a redaction cannot be made or fails its leak check. SI-11 */
  | { readonly type: 'redaction.failed'; readonly redaction: string; readonly problem: string; readonly version?: number }
  /** Written, on the chains of the original and of the redacted copy, when a second person has looked at the copy. AU-10 */
  | {
      readonly type: 'redaction.reviewed';
      readonly redaction: string;
      readonly version: number;
      readonly result: string;
      readonly approved: boolean;
      readonly note: string | null;
    }
  /** Written, on both chains, when a redacted copy is let out of the hands of those who made it. AC-21 */
  | { readonly type: 'redaction.released'; readonly redaction: string; readonly version: number; readonly result: string }
  /** Written, on both chains where there is a copy, when a redaction is given up. AU-10 */
  | { readonly type: 'redaction.discarded'; readonly redaction: string; readonly reason: string }
  /** Written when somebody has a box followed, or faces and plates looked for, as a help for a redaction. AU-2 */
  | {
      readonly type: 'redaction.proposal-ordered';
      readonly proposal: string;
      readonly kind: 'track' | 'detect';
      readonly fromMs: number;
      readonly untilMs: number;
    }
  /** Written when the help has made its proposals; nothing is covered by them yet. AU-3 */
  | {
      readonly type: 'redaction.proposed';
      readonly proposal: string;
      readonly tracks: number;
      readonly model: string;
      readonly version: string;
      readonly threshold: string;
    }
  /** Written when the help could make none. SI-11 */
  | { readonly type: 'redaction.proposal-failed'; readonly proposal: string; readonly problem: string }
  /** Written when a person takes proposals over, to put them into a plan; `tracks` are their numbers. AU-10 */
  | {
      readonly type: 'redaction.proposal-confirmed';
      readonly proposal: string;
      readonly tracks: readonly string[];
      readonly reason: string;
      readonly model: string;
      readonly version: string;
      readonly threshold: string;
    }
  /** Written when a custody report is handed out; sha256 is the PDF's. AU-7 */
  | { readonly type: 'custody-report.exported'; readonly pages: number; readonly throughSeq: number; readonly sha256: string }
  /** Written hourly and before every export: where the chains of all subjects ended; sha256 is that of the map (subject: the log). AU-10 */
  | { readonly type: 'log.heads'; readonly size: string; readonly sha256: string }
  /** Written when a key begins to sign checkpoints (subject: the log). SC-12 */
  | { readonly type: 'log.key-added'; readonly vkey: string }
  /** Written when a key has stopped signing checkpoints (subject: the log). SC-12 */
  | { readonly type: 'log.key-retired'; readonly vkey: string }
  /** Written when payloads about a subject are destroyed; `entries` are their ids. MP-6 */
  | { readonly type: 'payload.erased'; readonly entries: readonly string[]; readonly reason: string }
  /** Written when an evidence bundle is handed out; sha256 is that of its bundle.json. AU-7, AU-10 */
  | { readonly type: 'evidence-bundle.exported'; readonly sha256: string };

export type CustodyEventType = CustodyEvent['type'];
export type EventOf<T extends CustodyEventType> = Extract<CustodyEvent, { type: T }>;

/** Events that let evidence out of the house: refused while the log is frozen, because their entry might not stay. */
export const RELEASING: ReadonlySet<CustodyEventType> = new Set([
  'viewing.opened',
  'break-glass.opened',
  'disclosure.fetch-begun',
  'custody-report.exported',
  'evidence-bundle.exported',
] as const);

/** Who did it, from where: a snapshot as things were then. `id` null is somebody unknown. */
export interface Attribution {
  /** A recipient is somebody outside to whom evidence was disclosed. */
  readonly kind: 'person' | 'dock' | 'service' | 'recipient' | 'system' | 'anonymous';
  readonly id: string | null;
  readonly name: string;
  readonly badge?: string | null;
  readonly roles?: readonly string[];
  /** How they proved who they are, e.g. `password`, `dock-key`. */
  readonly method?: string;
  readonly address?: string;
  readonly userAgent?: string;
}

/** What the payload holds, canonicalised (DESIGN.md §5). */
export interface EntryPayload {
  readonly who: Attribution;
  readonly event: Readonly<Record<string, Json>>;
}

/** Splits an event into what is public and what is private. */
export function split(event: CustodyEvent): { type: CustodyEventType; sha256?: string; details: Readonly<Record<string, Json>> } {
  const { type, ...rest } = event;
  if (!('sha256' in rest)) return { type, details: rest };
  const { sha256, ...details } = rest;
  return { type, sha256, details };
}
