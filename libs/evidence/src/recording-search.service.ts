import { setImmediate as othersFirst } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { UnitOfWork, type Tx } from '#platform';
import { Recording, type GpsPoint, type RecordingState } from './recording.entity.js';
import { boundsAround, comesNear, type RecordingSearch, type SearchCriteria } from './recording-search.rules.js';

/** What a list is narrowed by beside what a search says. */
export interface RecordingFilter extends SearchCriteria {
  readonly state?: RecordingState | undefined;
  readonly fixity?: 'failed' | undefined;
  /** Only this officer's own: the account. */
  readonly ownedBy?: string | undefined;
}

export interface Page {
  /** The id after which the page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Which of what is found a caller means. */
export interface Among {
  readonly states: readonly RecordingState[];
  /** Without redactions that nobody released. */
  readonly released?: true;
}

interface Candidate {
  readonly id: string;
  readonly track: readonly GpsPoint[] | null;
}

const AT_ONCE = 500;
/** Candidates of which one page looks at the tracks; a page may hold fewer than were asked for, and say where the next begins. */
const MOST_TRACKS = 10_000;

/** Finds recordings by what is known of them. */
@Injectable()
export class RecordingSearches {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /**
   * Newest first: by arrival, or by true time where a period is asked for. With a place a page may be shorter than asked for while `next` says where
   * to go on.
   */
  async list(filter: RecordingFilter, { after, limit }: Page): Promise<{ recordings: Recording[]; next: string | null }> {
    const found: string[] = [];
    let [last, looked, next] = [after, 0, null as string | null];
    for await (const { id, matches } of this.candidates(filter, this.unitOfWork.reader, { after, atOnce: limit + 1 })) {
      if (matches && found.length === limit) next = last ?? null;
      if (next !== null) break;
      if (matches) found.push(id);
      last = id;
      looked += 1;
      if (looked >= MOST_TRACKS) next = id;
    }
    const rows = await this.unitOfWork.reader.findBy(Recording, { id: In(found) });
    const byId = new Map(rows.map((row) => [row.id, row]));
    return { recordings: found.flatMap((id) => byId.get(id) ?? []), next };
  }

  /** Ids of what meets the search, each once, in no order; at most `most`, whoever may have more asks for one more. */
  async matching(search: RecordingSearch, among: Among, most: number, on: Tx = this.unitOfWork.reader): Promise<string[]> {
    const found = new Set<string>();
    for (const criteria of search)
      for await (const { id, matches } of this.candidates(criteria, on, { among, atOnce: Math.min(most, AT_ONCE) })) {
        if (matches) found.add(id);
        if (found.size >= most) return [...found];
      }
    return [...found];
  }

  /** What meets everything but the place, with whether it meets that too. */
  private async *candidates(
    filter: RecordingFilter,
    on: Tx,
    { after, among, atOnce }: { after?: string | undefined; among?: Among; atOnce: number },
  ): AsyncGenerator<{ id: string; matches: boolean }> {
    const { near } = filter;
    const byTime = filter.recordedFrom !== undefined || filter.recordedTo !== undefined;
    const batch = near === undefined ? atOnce : AT_ONCE;
    for (let from = after; ;) {
      const { sql, values } = selection({ ...filter, among, after: from }, byTime, batch);
      const rows = await on.query<Candidate[]>(sql, values);
      for (const { id, track } of rows) yield { id, matches: near === undefined || (track !== null && comesNear(track, near)) };
      if (rows.length < batch) return;
      from = rows.at(-1)?.id;
      // Long tracks take a while to measure, and parts of uploads must not wait for a page of them.
      if (near !== undefined) await othersFirst();
    }
  }
}

/** The conditions of `filter` on rows `r`, newest first. Every value is a parameter. */
function selection(
  filter: RecordingFilter & { readonly among?: Among | undefined; readonly after: string | undefined },
  byTime: boolean,
  limit: number,
): { sql: string; values: unknown[] } {
  const { where, values } = conditionsOf(filter);
  const value = (given: unknown): string => `$${values.push(given)}`;
  if (filter.after !== undefined)
    where.push(
      byTime
        ? `(r.true_at, r.id) < (SELECT a.true_at, a.id FROM recordings a WHERE a.id = ${value(filter.after)})`
        : `r.id < ${value(filter.after)}`,
    );
  const track = filter.near === undefined ? 'NULL' : 'r.gps_track';
  const order = byTime ? 'r.true_at DESC, r.id DESC' : 'r.id DESC';
  return {
    sql: `SELECT r.id, ${track} AS track FROM recordings r WHERE ${where.join(' AND ')} ORDER BY ${order} LIMIT ${value(limit)}`,
    values,
  };
}

/** For others who count what a search is about, of rows `r`. */
export function conditionsOf(filter: RecordingFilter & { readonly among?: Among | undefined }): {
  where: string[];
  values: unknown[];
} {
  const values: unknown[] = [];
  const value = (given: unknown): string => `$${values.push(given)}`;
  const where = ['true'];
  const { near, among } = filter;
  if (among !== undefined) where.push(`r.state = ANY(${value(among.states)})`);
  if (among?.released === true) where.push(`(r.origin <> 'derived' OR r.released_at IS NOT NULL)`);
  if (filter.state !== undefined) where.push(`r.state = ${value(filter.state)}`);
  if (filter.camera !== undefined) where.push(`r.camera = ${value(filter.camera)}`);
  if (filter.officer !== undefined) where.push(`r.officer_badge = ${value(filter.officer)}`);
  if (filter.ownedBy !== undefined) where.push(`r.officer_id = ${value(filter.ownedBy)}`);
  if (filter.recordedFrom !== undefined) where.push(`r.true_at >= ${value(filter.recordedFrom)}`);
  if (filter.recordedTo !== undefined) where.push(`r.true_at < ${value(filter.recordedTo)}`);
  if (filter.category !== undefined) where.push(`r.category = ${value(filter.category)}`);
  if (filter.flagged !== undefined) where.push(filter.flagged ? 'r.flagged' : 'NOT r.flagged');
  if (filter.origin !== undefined) where.push(`r.origin = ${value(filter.origin)}`);
  // By their alerts, which are few: nothing else finds a handful among a million.
  if (filter.fixity !== undefined) where.push("r.id IN (SELECT recording_id FROM alerts WHERE kind = 'fixity-failed')");
  if (filter.case !== undefined)
    where.push(`r.id IN (SELECT recording_id FROM case_recordings WHERE case_id = ${value(filter.case)})`);
  if (near !== undefined) {
    const boxes = boundsAround(near).map(({ west, south, east, north }) => {
      const corners = [west, south, east, north].map((degrees) => `${value(degrees)}::float8`);
      return `r.gps_bounds && box(point(${corners[0]}, ${corners[1]}), point(${corners[2]}, ${corners[3]}))`;
    });
    where.push(`(${boxes.join(' OR ')})`);
  }
  return { where, values };
}
