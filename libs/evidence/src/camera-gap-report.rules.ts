import { countOf, inWords, MOST_STRETCHES, runsOf, touches, type Missing, type Run, type Stretch } from './camera-gaps.rules.js';

/** Spans and recordings that one answer lists at most; the counts are complete. */
export const MOST_LISTED = 500;
/** Spans that one sentence names at most. */
const MOST_NAMED = 10;

/** One recording of the camera that needs looking at. Times RFC 3339, UTC; `recordedAt` by the dock's clock. */
export interface NumberedRecording {
  readonly counter: number;
  readonly recording: string;
  readonly name: string;
  readonly state: string;
  readonly reason: string | null;
  readonly recordedAt: string;
  readonly announcedAt: string;
}

export interface CameraRecord {
  readonly serial: string;
  /** Null while it stands in no register. */
  readonly cameraId: string | null;
  /** In the order of time. */
  readonly stretches: readonly Stretch[];
  /** Announced, and not held: receiving or expired. */
  readonly notArrived: readonly NumberedRecording[];
  /** Held, but failed a check. */
  readonly quarantined: readonly NumberedRecording[];
}

/** [from, until); null is open. */
export interface Period {
  readonly from: Date | null;
  readonly until: Date | null;
}

export interface MissingView {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Recorded after this, and before that. */
  readonly after: string;
  readonly before: string;
}

/** Numbers under which there is more than one file. */
export interface UsedTwiceView {
  readonly from: number;
  readonly to: number;
  /** None of the files is older than this, or younger than that. */
  readonly startedAt: string;
  readonly endedAt: string;
  readonly recordings: readonly NumberedRecording[];
}

export interface CameraGaps {
  readonly serial: string;
  readonly cameraId: string | null;
  /** Numberings: a further one began at a factory reset, or where the camera jumped far ahead. */
  readonly runs: readonly {
    readonly lowest: number;
    readonly highest: number;
    readonly seen: number;
    readonly startedAt: string;
    readonly endedAt: string;
  }[];
  readonly missingCount: number;
  readonly missing: readonly MissingView[];
  readonly notArrivedCount: number;
  readonly notArrived: readonly NumberedRecording[];
  readonly quarantinedCount: number;
  readonly quarantined: readonly NumberedRecording[];
  readonly usedTwiceCount: number;
  readonly usedTwice: readonly UsedTwiceView[];
  /** Its numbers do not count up, and tell nothing of what is missing. */
  readonly disorderly: boolean;
  /** The lists are cut off; the counts are not. */
  readonly truncated: boolean;
  readonly summary: string;
}

/** What a person is told of one camera; the recordings that share a number are for the caller to add. */
export function reportGaps(camera: CameraRecord, period: Period): CameraGaps {
  const isDisorderly = camera.stretches.length > MOST_STRETCHES;
  const runs = runsOf(isDisorderly ? [] : camera.stretches).filter((run) =>
    touches({ after: run.startedAt, before: run.endedAt }, period.from, period.until),
  );
  const missing = runs.flatMap((run) => run.missing).filter((span) => touches(span, period.from, period.until));
  const usedTwice = runs.flatMap((run) => run.repeated).filter((span) => touches(span, period.from, period.until));
  const notArrived = camera.notArrived.filter((each) => isWithin(each, period));
  const quarantined = camera.quarantined.filter((each) => isWithin(each, period));
  const lists = [missing, usedTwice, notArrived, quarantined, runs];
  return {
    serial: camera.serial,
    cameraId: camera.cameraId,
    runs: runs.slice(0, MOST_LISTED).map(({ lowest, highest, seen, startedAt, endedAt }) => ({
      lowest,
      highest,
      seen,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt.toISOString(),
    })),
    missingCount: countOf(missing),
    missing: missing.slice(0, MOST_LISTED).map(viewMissing),
    notArrivedCount: notArrived.length,
    notArrived: notArrived.slice(0, MOST_LISTED),
    quarantinedCount: quarantined.length,
    quarantined: quarantined.slice(0, MOST_LISTED),
    usedTwiceCount: countOf(usedTwice),
    usedTwice: usedTwice.slice(0, MOST_LISTED).map(({ from, to, after, before }) => ({
      from,
      to,
      startedAt: after.toISOString(),
      endedAt: before.toISOString(),
      recordings: [],
    })),
    disorderly: isDisorderly,
    truncated: lists.some((list) => list.length > MOST_LISTED),
    summary: summarise(camera.serial, { isDisorderly, runs, missing, usedTwice, notArrived, quarantined }),
  };
}

/** Whether anything never arrived or cannot be told apart; what is held and failed a check is on the list of alerts. */
export function hasGaps(gaps: CameraGaps): boolean {
  return gaps.disorderly || gaps.missingCount + gaps.notArrivedCount + gaps.usedTwiceCount > 0;
}

function isWithin({ recordedAt }: NumberedRecording, { from, until }: Period): boolean {
  const at = new Date(recordedAt);
  return (from === null || at >= from) && (until === null || at < until);
}

function viewMissing({ from, to, after, before }: Missing): MissingView {
  return { from, to, count: to - from + 1, after: after.toISOString(), before: before.toISOString() };
}

function summarise(
  serial: string,
  found: {
    readonly isDisorderly: boolean;
    readonly runs: readonly Run[];
    readonly missing: readonly Missing[];
    readonly usedTwice: readonly { readonly from: number; readonly to: number }[];
    readonly notArrived: readonly NumberedRecording[];
    readonly quarantined: readonly NumberedRecording[];
  },
): string {
  const sentences: string[] = [];
  if (found.isDisorderly) sentences.push('its numbers are in such disorder that they do not tell what is missing');
  if (found.missing.length > 0) {
    const spans = found.missing.map(
      (span) => `${inWords(span)}, between ${span.after.toISOString()} and ${span.before.toISOString()}`,
    );
    sentences.push(`${recordings(countOf(found.missing))} never arrived: ${named(spans)}`);
  }
  if (found.notArrived.length > 0)
    sentences.push(
      `${recordings(found.notArrived.length)} announced and not arrived: ${named(
        found.notArrived.map(({ counter, state }) =>
          state === 'receiving' ? `${counter} (on its way)` : `${counter} (given up)`,
        ),
      )}`,
    );
  if (found.usedTwice.length > 0) sentences.push(`more than one file has the number ${named(found.usedTwice.map(inWords))}`);
  if (found.quarantined.length > 0)
    sentences.push(
      `${recordings(found.quarantined.length)} quarantined: ${named(found.quarantined.map(({ counter }) => String(counter)))}`,
    );
  for (const [i, run] of found.runs.slice(1, 1 + MOST_NAMED).entries())
    sentences.push(
      `the numbering began anew at ${run.lowest}, after ${found.runs[i]?.highest ?? 0}, at ${run.startedAt.toISOString()}`,
    );
  return `camera ${serial}: ${sentences.length === 0 ? 'nothing is missing' : sentences.join('; ')}.`;
}

function recordings(count: number): string {
  return count === 1 ? '1 recording' : `${count} recordings`;
}

function named(words: readonly string[]): string {
  const rest = words.length - MOST_NAMED;
  return words.slice(0, MOST_NAMED).join('; ') + (rest > 0 ? `; and ${rest} more` : '');
}
