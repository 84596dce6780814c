import { createHash } from 'node:crypto';
import type { Attribution, CustodyEventType, EventOf } from '#custody';
import type { Recording } from '#evidence';
import { parseVerifier, type Checkpoint } from '#tlog';
import type { ChainEntry, ToldEntry } from './chain-entries.rules.js';
import { describe, describeErased, viewed, type EventLine } from './event-sentences.js';
import { LogInconsistent } from './log-inconsistent.js';
import { count, Notation, size, span, type Moment } from './report-notation.js';

export type Fact = readonly [label: string, value: string];

/** One entry of the chain as a line of the report. */
export interface ReportEntry extends EventLine {
  readonly index: string;
  readonly seq: number;
  readonly at: Moment;
  readonly who: Who;
}

/** Somebody as they were then. */
export interface Who {
  readonly name: string;
  /** e.g. "Badge 4711, investigator", "Docking station"; an id when the name was erased. */
  readonly standing: string;
  /** Address they came from; undefined for the service itself. */
  readonly address: string | undefined;
}

export interface ReportViewing {
  readonly who: Who;
  readonly opened: string;
  /** "still open" while it is. */
  readonly closed: string;
  readonly why: string;
  /** e.g. "the part 0:00.0 to 0:12.0 was sent" */
  readonly ranges: string;
}

export interface ReportRedaction {
  /** Id of the redacted recording. */
  readonly recording: string;
  readonly facts: readonly Fact[];
}

export interface ReportExport {
  readonly what: string;
  readonly at: string;
  readonly who: Who;
  readonly sha256: string;
}

/** All that a custody report says, in words; the PDF only lays it out. */
export interface CustodyReport {
  readonly agency: string;
  readonly recording: string;
  readonly madeAt: Date;
  readonly made: string;
  readonly timeZone: string;
  readonly item: readonly Fact[];
  readonly summary: string;
  readonly entries: readonly ReportEntry[];
  readonly viewings: readonly ReportViewing[];
  /** The recording that this one was made from. */
  readonly parent: string | null;
  readonly redactions: readonly ReportRedaction[];
  readonly exports: readonly ReportExport[];
  readonly completeness: readonly string[];
  readonly verification: { readonly steps: readonly string[]; readonly facts: readonly Fact[]; readonly checkpoint: string };
}

export type ReportedRecording = Pick<
  Recording,
  | 'id'
  | 'name'
  | 'size'
  | 'sha256'
  | 'origin'
  | 'camera'
  | 'officerBadge'
  | 'recordedAt'
  | 'clockOffsetMs'
  | 'state'
  | 'reason'
  | 'parentId'
  | 'probe'
  | 'receivedAt'
>;

export interface ReportSources {
  readonly agency: string;
  readonly timeZone: string;
  readonly madeAt: Date;
  readonly recording: ReportedRecording;
  readonly dock: { readonly id: string; readonly name: string } | null;
  readonly derived: readonly Pick<Recording, 'id' | 'name' | 'size' | 'sha256' | 'state' | 'sealedAt'>[];
  /** The recording's whole chain, checked. */
  readonly chain: readonly ChainEntry[];
  readonly logKey: string;
  readonly checkpoint: Checkpoint & { readonly note: string };
}

const ERASED = 'Payload erased';

/** What the report says, from what the log holds. @throws LogInconsistent when the register and the log disagree on what the item is */
export function custodyReport(sources: ReportSources): CustodyReport {
  const { agency, timeZone, madeAt, recording, chain } = sources;
  checkIdentity(recording, chain);
  const notation = new Notation(timeZone);
  const entries = chain.map((entry) => ({
    index: entry.index.toString(),
    seq: entry.header.seq,
    at: notation.moment(entry.header.at),
    who: whoIn(entry),
    ...(entry.event === null ? describeErased(entry, notation) : describe(entry.event, notation)),
  }));
  return {
    agency,
    recording: recording.id,
    madeAt,
    made: notation.time(madeAt),
    timeZone,
    item: itemOf(sources, notation),
    summary: summaryOf(sources, entries, notation),
    entries,
    viewings: viewingsOf(chain, notation),
    parent: recording.parentId,
    redactions: redactionsOf(sources, notation),
    exports: exportsOf(chain, notation),
    completeness: completenessOf(sources),
    verification: verificationOf(sources),
  };
}

/** Entries of these types, in order; the particulars of some may be erased. */
function ofType(chain: readonly ChainEntry[], ...types: readonly CustodyEventType[]): ChainEntry[] {
  return chain.filter(({ header }) => types.some((type) => type === header.type));
}

/** Events of one type with their entries, in order, as far as they were not erased. */
function all<T extends CustodyEventType>(chain: readonly ChainEntry[], type: T): { entry: ToldEntry; event: EventOf<T> }[] {
  return chain.flatMap((entry) =>
    entry.event?.type === type ? [{ entry: entry as ToldEntry, event: entry.event as EventOf<T> }] : [],
  );
}

function checkIdentity({ size: bytes, sha256 }: ReportedRecording, chain: readonly ChainEntry[]): void {
  const digest = sha256.toString('hex');
  for (const { index, header, event } of ofType(chain, 'recording.announced', 'recording.handed-in', 'recording.sealed')) {
    if (header.sha256 !== digest || (event !== null && 'size' in event && event.size !== bytes))
      throw new LogInconsistent('item', `The register of recordings names another file than entry ${index} of the log.`);
  }
}

/** Who acted is still told apart by the id in the public header when the name was erased. */
function whoIn({ who, header }: ChainEntry): Who {
  return who === null
    ? { name: ERASED, standing: header.actor === null ? '' : `id ${header.actor}`, address: undefined }
    : whoOf(who);
}

export function whoOf({ kind, name, badge, roles, address }: Attribution): Who {
  const kinds = {
    person: '',
    dock: 'Docking station',
    recipient: 'Recipient of a disclosure',
    service: 'Service token',
    system: 'The service itself',
    anonymous: 'Nobody signed in',
  };
  const standing = [kinds[kind], badge ? `badge ${badge}` : '', roles?.join(', ') ?? ''].filter((part) => part !== '').join(', ');
  return { name, standing, address };
}

function itemOf({ recording, dock, chain }: ReportSources, notation: Notation): Fact[] {
  const { probe, clockOffsetMs, recordedAt } = recording;
  const [announced] = ofType(chain, 'recording.announced', 'recording.handed-in');
  const handedIn = recording.origin === 'handed-in';
  const [sealed] = ofType(chain, 'recording.sealed');
  const placed = (entry: ChainEntry | undefined): string =>
    entry === undefined ? 'not on record' : `${notation.time(entry.header.at)}, log entry ${entry.index}`;
  const facts: Fact[] = [
    ['Recording', recording.id],
    ['File name', recording.name],
    ['Size', size(recording.size)],
    ['SHA-256', recording.sha256.toString('hex')],
    ['State', recording.reason === null ? recording.state : `${recording.state}: ${recording.reason}`],
  ];
  if (probe !== null) {
    const { video, audio } = probe;
    facts.push(
      ['Length', span(probe.durationMs)],
      ['Picture', `${video.codec}, ${video.width} × ${video.height}, ${frameRate(video.frameRate)}`],
      [
        'Sound',
        audio === null
          ? 'none'
          : `${audio.codec}, ${count(audio.channels, 'channel')}, ${audio.sampleRate.toLocaleString('en-US')} Hz`,
      ],
      ['Examined with', probe.tool],
    );
  }
  facts.push(
    ['Camera', recording.camera ?? 'not known'],
    ['Officer', recording.officerBadge === null ? 'not known' : `badge ${recording.officerBadge}`],
    [handedIn ? 'Recorded, as stated' : 'Recorded, by the camera’s clock', notation.time(recordedAt)],
  );
  if (clockOffsetMs !== 0) facts.push(['Recorded, corrected', notation.time(new Date(recordedAt.getTime() - clockOffsetMs))]);
  // Nobody compares the clock of what somebody hands in: that none was stated to be off does not make it right.
  if (!handedIn || clockOffsetMs !== 0) facts.push(['Camera’s clock', offset(clockOffsetMs)]);
  if (recording.parentId !== null) facts.push(['Made from recording', recording.parentId]);
  else facts.push([handedIn ? 'Handed in' : 'Announced', placed(announced)]);
  if (handedIn && announced !== undefined) facts.push(['Handed in by', whoIn(announced).name]);
  if (dock !== null) facts.push(['Docking station', `${dock.name} (${dock.id})`]);
  facts.push([
    recording.parentId === null ? 'Received whole' : 'Made',
    recording.receivedAt === null ? 'not yet' : notation.time(recording.receivedAt),
  ]);
  facts.push(['Sealed', sealed === undefined ? 'not sealed' : placed(sealed)]);
  if (recording.parentId !== null) facts.push(...standingOf(recording.id, chain, notation));
  return facts;
}

/** "29.97 frames a second" from "30000/1001". */
function frameRate(fraction: string): string {
  const [frames = 0, seconds = 1] = fraction.split('/').map(Number);
  return seconds > 0 && frames > 0 ? `${Number((frames / seconds).toFixed(2))} frames a second` : 'frame rate unknown';
}

function offset(ms: number): string {
  if (ms === 0) return 'showed true time';
  return `was ${(Math.abs(ms) / 1000).toLocaleString('en-US', { maximumFractionDigits: 3 })} s ${ms > 0 ? 'ahead of' : 'behind'} true time`;
}

function summaryOf(
  { recording, dock, chain, derived }: ReportSources,
  entries: readonly ReportEntry[],
  notation: Notation,
): string {
  const viewings = ofType(chain, 'viewing.opened');
  const viewers = new Set(viewings.map(({ header }) => header.actor)).size;
  const refusals = entries.filter(({ outcome }) => outcome === 'refused').length;
  const exported = ofType(chain, 'custody-report.exported', 'evidence-bundle.exported').length;
  const [sealed] = ofType(chain, 'recording.sealed');
  const erased = chain.filter(({ event }) => event === null).length;
  const origin = originOf(recording, dock);
  const sealing =
    sealed === undefined
      ? `It is not sealed (${recording.state}).`
      : `It was sealed on ${notation.time(sealed.header.at)}: the stored file was read back whole and had the SHA-256 given above. From then on it has been locked against change.`;
  const sentences = [
    origin,
    sealing,
    viewings.length === 0
      ? 'Nobody has viewed it.'
      : `It was viewed ${viewings.length === 1 ? 'once' : `${viewings.length} times`}, by ${count(viewers, 'person', 'people')}.`,
    `${capital(count(refusals, 'attempt'))} ${refusals === 1 ? 'was' : 'were'} refused${refusals === 0 ? '' : '; the list below marks each of them'}.`,
    `${capital(count(derived.length, 'redacted copy', 'redacted copies'))} ${derived.length === 1 ? 'was' : 'were'} made from it.`,
    `It was exported in ${count(exported, 'custody report or evidence bundle', 'custody reports or evidence bundles')} before this one.`,
    `The record about it holds ${count(entries.length, 'entry', 'entries')}; all are listed here and none is withheld.`,
    ...(erased === 0
      ? []
      : [
          `The particulars of ${count(erased, 'entry', 'entries')} were erased, as later entries say: what remains of ${erased === 1 ? 'it' : 'them'} is kind, time, place in the log, hashes and opaque ids.`,
        ]),
  ];
  return sentences.join(' ');
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Every viewing by its opening. The end of one whose opening was erased cannot be told to belong to it, and stands by itself. */
function viewingsOf(chain: readonly ChainEntry[], notation: Notation): ReportViewing[] {
  const closings = new Map(all(chain, 'viewing.closed').map((closing) => [closing.event.viewing, closing]));
  const openings = new Set(all(chain, 'viewing.opened').map(({ event }) => event.viewing));
  return chain.flatMap((entry): ReportViewing[] => {
    const { header, event } = entry;
    const [who, at] = [whoIn(entry), notation.time(header.at)];
    if (event?.type === 'viewing.opened') {
      const closing = closings.get(event.viewing);
      return [
        {
          who,
          opened: at,
          closed: closing === undefined ? 'still open' : notation.time(closing.entry.header.at),
          why: `${event.purpose}, case ${event.caseNumber}`,
          ranges: closing === undefined ? 'not yet known' : viewed(closing.event),
        },
      ];
    }
    if (event?.type === 'viewing.closed' && !openings.has(event.viewing))
      return [{ who, opened: ERASED, closed: at, why: ERASED, ranges: viewed(event) }];
    if (event === null && header.type === 'viewing.opened')
      return [{ who, opened: at, closed: ERASED, why: ERASED, ranges: ERASED }];
    return [];
  });
}

/** Who looked at a redacted copy, and whether it was released, by whom. On the chains of the copy and of its original alike. */
function standingOf(copy: string, chain: readonly ChainEntry[], notation: Notation): Fact[] {
  const by = ({ entry }: { entry: ToldEntry }): string => `${entry.who.name}, ${notation.time(entry.header.at)}`;
  const review = all(chain, 'redaction.reviewed').find(({ event }) => event.result === copy);
  const release = all(chain, 'redaction.released').find(({ event }) => event.result === copy);
  // What an erased entry was about nobody knows: it may have been this copy.
  const erased = ofType(chain, 'redaction.reviewed', 'redaction.released').some(({ event }) => event === null);
  const none = (otherwise: string): string => (erased ? ERASED : otherwise);
  const verdict = review?.event.approved === true ? 'approved' : 'rejected';
  return [
    ['Reviewed', review === undefined ? none('not reviewed') : `${verdict} by ${by(review)}`],
    ['Released', release === undefined ? none('not released; it is for those who make and review it') : `by ${by(release)}`],
  ];
}

function redactionsOf({ derived, chain }: ReportSources, notation: Notation): ReportRedaction[] {
  const ordered = new Map(all(chain, 'redaction.ordered').map((order) => [order.event.redaction, order]));
  const sealed = new Map(all(chain, 'redaction.sealed').map((sealing) => [sealing.event.result, sealing]));
  return derived.map((copy) => {
    const made = sealed.get(copy.id)?.event;
    const order = made === undefined ? undefined : ordered.get(made.redaction);
    const facts: Fact[] = [
      ['File name', copy.name],
      ['SHA-256', copy.sha256.toString('hex')],
      ['Size', size(copy.size)],
      ['Sealed', copy.sealedAt === null ? copy.state : notation.time(copy.sealedAt)],
    ];
    if (order !== undefined)
      facts.push(
        ['Ordered by', `${order.entry.who.name}, ${notation.time(order.entry.header.at)}`],
        ['Reason', order.event.reason],
        ['Covered and muted', `${count(order.event.regions, 'region')}, ${count(order.event.mutes, 'span')}`],
      );
    if (made === undefined && chain.some(({ header, event }) => event === null && header.type === 'redaction.sealed'))
      facts.push(['How it was made', ERASED]);
    if (made !== undefined)
      facts.push(
        ['SHA-256 of the plan', made.planSha256],
        ['Leak check', made.leakCheck],
        ['Recipe and tool', `${made.recipe}, ${made.tool}`],
      );
    facts.push(...standingOf(copy.id, chain, notation));
    return { recording: copy.id, facts };
  });
}

function exportsOf(chain: readonly ChainEntry[], notation: Notation): ReportExport[] {
  return ofType(chain, 'custody-report.exported', 'evidence-bundle.exported').map((entry) => {
    const { type, at, sha256 = '' } = entry.header;
    const what = type === 'custody-report.exported' ? 'Custody report' : 'Evidence bundle';
    return { what, at: notation.time(at), who: whoIn(entry), sha256 };
  });
}

function completenessOf({ chain, checkpoint }: ReportSources): string[] {
  const [first, last] = [chain[0], chain.at(-1)];
  const indexes = first === last ? `log index ${first?.index}` : `log index ${first?.index} to ${last?.index}`;
  return [
    `This report lists entries 0 to ${last?.header.seq ?? 0} of this recording’s chain (${indexes}): ${count(chain.length, 'entry', 'entries')}. No entry is withheld.`,
    'Each entry carries the hash of the one before it, so that none between the first and the last can be missing, exchanged or out of order. This was checked while the report was made, and so was each entry’s place in the log.',
    `All of them are covered by the signed checkpoint of ${checkpoint.size.toLocaleString('en-US')} log entries printed below, root hash ${Buffer.from(checkpoint.root).toString('base64')}. What happened after entry ${last?.header.seq ?? 0}, the export of this very report among it, is in later reports.`,
  ];
}

/** SHA-256 of the raw public key in groups of four hexadecimal digits, as custodiet-verify shows it. */
export function fingerprint(vkey: string): string {
  const digest = createHash('sha256').update(parseVerifier(vkey).publicKey).digest('hex');
  return digest.match(/.{4}/g)?.join(' ') ?? digest;
}

function verificationOf({ recording, logKey, checkpoint }: ReportSources): CustodyReport['verification'] {
  return {
    steps: [
      'Every event about a recording is an entry in a log that can only grow: entries are hashed together, and the log signs checkpoints of the whole. Nobody, the agency included, can change or remove an entry without the signed checkpoints ceasing to fit.',
      'This document alone proves nothing. Ask the agency for the evidence bundle of this recording and check it, without a connection to anybody, with the program custodiet-verify:',
      `custodiet-verify custodiet-${recording.id}.zip --log-key "${logKey}"`,
      'Compare the key below with the one that the agency or its oversight board has published: whoever could give you a false key could give you a false log. Then compare the SHA-256 of the video file you were given with the one on the first page.',
    ],
    facts: [
      ['Log', checkpoint.origin],
      ['Log key', logKey],
      ['Key fingerprint (SHA-256)', fingerprint(logKey)],
    ],
    checkpoint: checkpoint.note,
  };
}

function originOf({ parentId, origin, camera, officerBadge }: ReportedRecording, dock: { readonly name: string } | null): string {
  if (parentId !== null) return `This recording is a redacted copy made from recording ${parentId}.`;
  if (origin === 'handed-in')
    return 'This recording was handed in by a person; no docking station vouches for where it comes from.';
  const officer = officerBadge === null ? 'an officer who is not known' : `the officer with badge ${officerBadge}`;
  const by = `This recording was made with ${camera === null ? 'a camera that is not known' : `camera ${camera}`} by ${officer}`;
  return `${by}${dock === null ? '' : ` and handed in through the docking station “${dock.name}”`}.`;
}
