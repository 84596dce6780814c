import { setImmediate as othersFirst } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { CamerasService } from '#identity';
import { UnitOfWork, type Tx } from '#platform';
import {
  hasGaps,
  MOST_LISTED,
  reportGaps,
  type CameraGaps,
  type NumberedRecording,
  type Period,
} from './camera-gap-report.rules.js';
import type { Stretch } from './camera-gaps.rules.js';
import { TRUE_TIME } from './true-time.rules.js';

/** Cameras are looked at in so many turns for one page at most; a page may hold fewer than were asked for, and say where the next begins. */
const MOST_TURNS = 5;

/** Recordings that a camera numbered. What is derived from them has no number of its own. */
const NUMBERED = 'counter IS NOT NULL AND camera IS NOT NULL AND parent_id IS NULL';

/**
 * Cameras whose numbers are not one row without holes and repetitions, and cameras with something announced that is not held: no others can
 * have gaps. The first part reads the index recordings_counter in its own order and stops at the limit.
 */
const SUSPECTS = `
  SELECT camera FROM (
    (SELECT camera FROM (
        SELECT camera, counter - lag(counter) OVER (PARTITION BY camera ORDER BY counter) AS step
        FROM recordings WHERE counter IS NOT NULL AND camera > $1
      ) steps WHERE step <> 1 GROUP BY camera ORDER BY camera LIMIT $2)
    UNION
    (SELECT DISTINCT camera FROM recordings
      WHERE state IN ('receiving', 'expired') AND ${NUMBERED} AND camera > $1 ORDER BY camera LIMIT $2)
  ) suspects ORDER BY camera LIMIT $2`;

/**
 * A camera's numbers in the order of time, drawn together where they follow one another. A file that was announced anew, after it expired or
 * was quarantined, is one file.
 */
const STRETCHES = `
  WITH files AS (
    SELECT camera, counter, sha256, min(${TRUE_TIME}) AS at FROM recordings
    WHERE camera = ANY($1) AND ${NUMBERED} GROUP BY camera, counter, sha256
  ), steps AS (
    SELECT camera, counter, sha256, at, counter IS DISTINCT FROM lag(counter) OVER in_time + 1 AS begins
    FROM files WINDOW in_time AS (PARTITION BY camera ORDER BY at, counter, sha256)
  ), numbered AS (
    SELECT camera, counter, at, count(*) FILTER (WHERE begins)
      OVER (PARTITION BY camera ORDER BY at, counter, sha256 ROWS UNBOUNDED PRECEDING) AS stretch
    FROM steps
  )
  SELECT camera, min(counter) AS first, max(counter) AS last, min(at) AS "firstAt", max(at) AS "lastAt"
  FROM numbered GROUP BY camera, stretch ORDER BY camera, stretch`;

const RECORDING = `r.camera, r.counter, r.id AS recording, r.name, r.state, r.reason, ${TRUE_TIME} AS "recordedAt", r.announced_at AS "announcedAt"`;

/** Of each file only what became of it last, unless it is held. */
const UNSETTLED = `
  SELECT ${RECORDING} FROM recordings r
  WHERE r.camera = ANY($1) AND ${NUMBERED} AND r.state IN ('receiving', 'expired', 'quarantined')
    AND NOT EXISTS (
      SELECT FROM recordings o WHERE o.camera = r.camera AND o.counter = r.counter AND o.sha256 = r.sha256
        AND (o.state IN ('sealing', 'sealed') OR o.id > r.id))
  ORDER BY r.camera, r.counter, r.id`;

const SHARING = `
  SELECT DISTINCT ON (asked.place, r.counter, r.sha256) asked.place, ${RECORDING}
  FROM unnest($1::int[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[], $6::timestamptz[])
    AS asked (place, camera, lowest, highest, since, until)
  JOIN recordings r ON r.camera = asked.camera AND r.counter BETWEEN asked.lowest AND asked.highest
    AND ${TRUE_TIME} BETWEEN asked.since AND asked.until
  WHERE r.parent_id IS NULL
  ORDER BY asked.place, r.counter, r.sha256, r.id DESC LIMIT $7`;

interface StretchRow {
  camera: string;
  first: string;
  last: string;
  firstAt: Date;
  lastAt: Date;
}

interface RecordingRow {
  camera: string;
  counter: string;
  recording: string;
  name: string;
  state: string;
  reason: string | null;
  recordedAt: Date;
  announcedAt: Date;
}

function toRecording(row: RecordingRow): NumberedRecording {
  return {
    counter: Number(row.counter),
    recording: row.recording,
    name: row.name,
    state: row.state,
    reason: row.reason,
    recordedAt: row.recordedAt.toISOString(),
    announcedAt: row.announcedAt.toISOString(),
  };
}

function toStretch(row: StretchRow): Stretch {
  return { first: Number(row.first), last: Number(row.last), firstAt: row.firstAt, lastAt: row.lastAt };
}

/** Which recordings of a camera never arrived, by the numbers that it gives them. The rules are in camera-gaps.rules.ts */
@Injectable()
export class CameraGapsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly cameras: CamerasService,
  ) {}

  /** @throws NotFound */
  async of(cameraId: string, period: Period): Promise<CameraGaps> {
    const { serial } = await this.cameras.get(cameraId);
    return this.ofSerial(serial, period);
  }

  /** Of a camera that need not be registered. */
  async ofSerial(serial: string, period: Period): Promise<CameraGaps> {
    const [gaps] = await this.ofSerials([serial], period);
    if (gaps === undefined) throw new Error('a camera was asked about and not answered for');
    return gaps;
  }

  /** Of several, in their order. @param on the open transaction, if there is one */
  async ofSerials(serials: readonly string[], period: Period, on: Tx = this.unitOfWork.reader): Promise<CameraGaps[]> {
    return this.report(serials, period, on);
  }

  /**
   * All cameras with gaps, by serial number, registered or not.
   * @param page.after the serial number after which the page begins @param on the open transaction, if there is one
   */
  async list(
    period: Period,
    page: { readonly after: string; readonly limit: number },
    on: Tx = this.unitOfWork.reader,
  ): Promise<{ cameras: CameraGaps[]; next: string | null }> {
    const cameras: CameraGaps[] = [];
    let after = page.after;
    for (let turn = 0; turn < MOST_TURNS; turn++) {
      const suspects = await on.query<{ camera: string }[]>(SUSPECTS, [after, page.limit]);
      for (const gaps of await this.report(
        suspects.map(({ camera }) => camera),
        period,
        on,
      )) {
        after = gaps.serial;
        if (hasGaps(gaps)) cameras.push(gaps);
        if (cameras.length === page.limit) return { cameras, next: after };
      }
      if (suspects.length < page.limit) return { cameras, next: null };
    }
    return { cameras, next: after };
  }

  /** In the order of `serials`. */
  private async report(serials: readonly string[], period: Period, on: Tx): Promise<CameraGaps[]> {
    if (serials.length === 0) return [];
    // One after the other: a transaction answers one question at a time.
    const stretches = await on.query<StretchRow[]>(STRETCHES, [[...serials]]);
    const unsettled = await on.query<RecordingRow[]>(UNSETTLED, [[...serials]]);
    const registered = await this.cameras.bySerials(serials, on);
    const stretchesOf = Map.groupBy(stretches, ({ camera }) => camera);
    const unsettledOf = Map.groupBy(unsettled, ({ camera }) => camera);
    const reports: CameraGaps[] = [];
    for (const serial of serials) {
      const open = unsettledOf.get(serial) ?? [];
      const camera = {
        serial,
        cameraId: registered.get(serial)?.id ?? null,
        stretches: (stretchesOf.get(serial) ?? []).map(toStretch),
        notArrived: open.filter(({ state }) => state !== 'quarantined').map(toRecording),
        quarantined: open.filter(({ state }) => state === 'quarantined').map(toRecording),
      };
      reports.push(reportGaps(camera, period));
      // A camera in disorder takes a while to judge, and parts of uploads must not wait for a page of them.
      await othersFirst();
    }
    return this.withSharers(reports, on);
  }

  /** Names the recordings that have a number in common. */
  private async withSharers(reports: readonly CameraGaps[], on: Tx): Promise<CameraGaps[]> {
    const shared = reports.flatMap(({ serial, usedTwice }) => usedTwice.map((span) => ({ serial, ...span })));
    if (shared.length === 0) return [...reports];
    const rows = await on.query<(RecordingRow & { place: number })[]>(SHARING, [
      shared.map((_, place) => place),
      shared.map(({ serial }) => serial),
      shared.map(({ from }) => from),
      shared.map(({ to }) => to),
      shared.map(({ startedAt }) => new Date(startedAt)),
      shared.map(({ endedAt }) => new Date(endedAt)),
      MOST_LISTED * 4,
    ]);
    const byPlace = Map.groupBy(rows, ({ place }) => place);
    let place = 0;
    return reports.map((report) => ({
      ...report,
      usedTwice: report.usedTwice.map((span) => ({ ...span, recordings: (byPlace.get(place++) ?? []).map(toRecording) })),
    }));
  }
}
