import { Injectable } from '@nestjs/common';
import { CameraGapsService, conditionsOf, type CameraGaps, type SearchCriteria } from '#evidence';
import type { Tx } from '#platform';
import type { CoveredCamera, SearchCoverage, UnsealedRecording } from '#tlog';

const MOST_LISTED = 100;

interface CountedRow {
  recording: string;
  camera: string | null;
  state: string;
  recordedAt: Date;
  total: string;
}

/** What there was to be searched: how much is on record, and what may be missing. */
@Injectable()
export class SearchCoverages {
  constructor(private readonly gaps: CameraGapsService) {}

  /** @param on a transaction that sees one snapshot throughout */
  async of(criteria: SearchCriteria, on: Tx): Promise<SearchCoverage> {
    const { recordedFrom, recordedTo, camera } = criteria;
    const period = { recordedFrom, recordedTo };
    const sealed = conditionsOf({ ...period, among: { states: ['sealed'] } });
    const [counts] = await on.query<{ all: string; placeless: string }[]>(
      `SELECT count(*) AS all, count(*) FILTER (WHERE r.gps_bounds IS NULL) AS placeless FROM recordings r WHERE ${sealed.where.join(' AND ')}`,
      sealed.values,
    );
    const notSealed = await this.unsealed({ ...period, camera }, ['receiving', 'sealing', 'expired'], on);
    const quarantined = await this.unsealed({ ...period, camera }, ['quarantined'], on);
    const serials = camera === undefined ? await this.camerasOf(period, on) : [camera];
    const cameras = await this.gaps.ofSerials(serials.slice(0, MOST_LISTED), periodOf(criteria), on);
    return {
      from: recordedFrom ?? null,
      until: recordedTo ?? null,
      onRecord: Number(counts?.all ?? 0),
      withoutPosition: Number(counts?.placeless ?? 0),
      notSealedCount: notSealed.count,
      notSealed: notSealed.list,
      quarantinedCount: quarantined.count,
      quarantined: quarantined.list,
      cameras: cameras.map(toCovered),
      camerasTruncated: serials.length > MOST_LISTED,
    };
  }

  private async unsealed(
    criteria: SearchCriteria,
    states: readonly ('receiving' | 'sealing' | 'expired' | 'quarantined')[],
    on: Tx,
  ): Promise<{ count: number; list: UnsealedRecording[] }> {
    const { where, values } = conditionsOf({ ...criteria, among: { states } });
    const rows = await on.query<CountedRow[]>(
      `SELECT r.id AS recording, r.camera, r.state, r.true_at AS "recordedAt", count(*) OVER () AS total
       FROM recordings r WHERE ${where.join(' AND ')} ORDER BY r.true_at, r.id LIMIT ${MOST_LISTED}`,
      values,
    );
    const list = rows.map(({ total: _, recordedAt, ...rest }) => ({ ...rest, recordedAt: recordedAt.toISOString() }));
    return { count: Number(rows[0]?.total ?? 0), list };
  }

  /** Whatever camera might have recorded what was searched for: it recorded then, or a number of it is missing from then. One more than is listed. */
  private async camerasOf(period: SearchCriteria, on: Tx): Promise<string[]> {
    const { where, values } = conditionsOf(period);
    const seen = await on.query<{ camera: string }[]>(
      `SELECT DISTINCT r.camera FROM recordings r WHERE r.camera IS NOT NULL AND ${where.join(' AND ')}
       ORDER BY r.camera LIMIT ${MOST_LISTED + 1}`,
      values,
    );
    const serials = new Set(seen.map(({ camera }) => camera));
    for (let after: string | null = ''; after !== null && serials.size <= MOST_LISTED;) {
      const page: { cameras: CameraGaps[]; next: string | null } = await this.gaps.list(
        periodOf(period),
        { after, limit: MOST_LISTED },
        on,
      );
      for (const { serial } of page.cameras) serials.add(serial);
      after = page.next;
    }
    return [...serials].sort().slice(0, MOST_LISTED + 1);
  }
}

function periodOf({ recordedFrom, recordedTo }: SearchCriteria): { from: Date | null; until: Date | null } {
  return {
    from: recordedFrom === undefined ? null : new Date(recordedFrom),
    until: recordedTo === undefined ? null : new Date(recordedTo),
  };
}

function toCovered({ serial, runs, missingCount, missing, disorderly }: CameraGaps): CoveredCamera {
  return {
    serial,
    seen: runs.slice(0, MOST_LISTED).map(({ lowest, highest, startedAt, endedAt }) => ({
      from: lowest,
      to: highest,
      startedAt,
      endedAt,
    })),
    missingCount,
    missing: missing.slice(0, MOST_LISTED).map(({ from, to, after, before }) => ({ from, to, after, before })),
    disorderly,
  };
}
