import { Injectable } from '@nestjs/common';
import { Problem, UnitOfWork } from '#platform';
import { headsDigest, headsMap, HeadsTree, type HeadsMap, type SubjectHead } from '#tlog';
import type { Attribution } from './catalogue.js';
import { CustodyLog, LogBehind, payloadOf, type LoggedEntry } from './custody-log.service.js';
import { Custody } from './custody.service.js';
import { logSubject } from './log-subject.js';
import { ReleaseRefused } from './release-refused.js';

/** A heads map with the entry by which the log vouches for it. */
export interface RecordedHeads {
  readonly entry: LoggedEntry;
  readonly map: HeadsMap;
  readonly tree: HeadsTree;
  /** Sorted by subject: the leaves of the tree. */
  readonly heads: readonly SubjectHead[];
}

/** The log has entries that no chain leads to, or chains that it has no entries for: it vouches for no map of them. */
export class HeadsInconsistent extends Problem {
  constructor(fault: string) {
    super(
      500,
      'log-inconsistent',
      'The custody log does not agree with itself',
      `Nothing was handed out: ${fault} Tell the administrator; fsck examines the whole log.`,
      { check: 'heads' },
    );
  }
}

const SUBJECTS_AT_ONCE = 2000;
const NIL = '00000000-0000-0000-0000-000000000000';

/**
 * From subject to subject through the index: DISTINCT ON would read every entry of the log, which took several times as long at ten entries
 * a subject. Subjects that began after `size` come without a head. `hashed`: the tile has the hash of its header, and that header has the
 * subject and seq of the columns. Without it, somebody could delete the end of a chain and make the count right with an entry of their own.
 */
const headsFrom = (comparison: '>' | '>='): string => `
  WITH RECURSIVE s AS (
    (SELECT subject FROM custody_entries WHERE subject ${comparison} $1 ORDER BY subject LIMIT 1)
    UNION ALL
    SELECT (SELECT subject FROM custody_entries WHERE subject > s.subject ORDER BY subject LIMIT 1) FROM s WHERE s.subject IS NOT NULL
  )
  SELECT s.subject, e.seq, e.index, e.head, e.hashed FROM (SELECT subject FROM s WHERE subject IS NOT NULL LIMIT $3) s
  LEFT JOIN LATERAL (
    SELECT seq, index, encode(leaf_hash, 'base64') AS head,
      coalesce(leaf_hash = sha256('\\x00'::bytea || header) AND leaf_hash = (
        SELECT substring(hashes FROM (entry.index % 256)::int * 32 + 1 FOR 32) FROM log_tiles WHERE level = 0 AND index = entry.index / 256
      ) AND convert_from(header, 'UTF8')::jsonb @> jsonb_build_object('subject', entry.subject, 'seq', seq), false) AS hashed
    FROM custody_entries AS entry WHERE subject = s.subject AND index < $2 ORDER BY seq DESC LIMIT 1
  ) e ON true ORDER BY s.subject`;

type HeadRow = { subject: string } & (
  { seq: string; index: string; head: string; hashed: boolean } | { seq: null; index: null; head: null; hashed: null }
);

/** Heads maps in the running log: made, put on record, and found again. Format: libs/tlog/README.md, "Heads map" */
@Injectable()
export class LogHeads {
  private running: Promise<void> = Promise.resolve();
  private waiting: Promise<RecordedHeads> | undefined;

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
  ) {}

  /**
   * Makes the map of the log as it is now and puts it on record; returns when its entry has its place. Every entry that had its place before
   * the call is in the map. Calls that come while a map is being made share the next one, whose entry names the first of them.
   * @throws LogBehind also when the log has no entry yet, ReleaseRefused when it is frozen, HeadsInconsistent
   */
  async record(by: Attribution): Promise<RecordedHeads> {
    this.waiting ??= this.recordNext(by);
    return this.waiting;
  }

  /** The newest map on record: when it was made and how many entries it covers. Undefined when there is none. */
  async newest(): Promise<{ readonly at: Date; readonly size: bigint } | undefined> {
    const [found] = await this.log.query<{ id: string }>(
      "SELECT id FROM custody_entries WHERE type = 'log.heads' ORDER BY index DESC LIMIT 1",
      [],
    );
    if (found === undefined) return undefined;
    const entry = await this.log.sequenced(found.id);
    const size = payloadOf(entry)?.event['size'];
    return { at: entry.at, size: typeof size === 'string' ? BigInt(size) : 0n };
  }

  /** Whether the log has entries, other than of maps, at or after the index `size`; false while a map waits for its place. */
  async hasGrownSince(size: bigint): Promise<boolean> {
    const [row] = await this.log.query<{ grown: boolean }>(
      `SELECT EXISTS (SELECT FROM custody_entries WHERE index >= $1 AND type <> 'log.heads')
          AND NOT EXISTS (SELECT FROM custody_pending WHERE type = 'log.heads') AS grown`,
      [size.toString()],
    );
    return row?.grown === true;
  }

  private async recordNext(by: Attribution): Promise<RecordedHeads> {
    await this.running;
    // Whoever calls from here on may know of entries that this map has not.
    this.waiting = undefined;
    const recorded = this.recordNow(by);
    this.running = recorded.then(
      () => undefined,
      () => undefined,
    );
    return recorded;
  }

  private async recordNow(by: Attribution): Promise<RecordedHeads> {
    // Frozen, the entry would not get its place: say so now, and leave nothing behind that waits.
    if ((await this.log.frozenBecause()) !== undefined) throw new ReleaseRefused();
    const [state] = await this.log.query<{ origin: string; size: string }>('SELECT origin, size FROM log_state', []);
    if (state === undefined || state.size === '0') throw new LogBehind();
    const size = BigInt(state.size);
    const { heads, tree } = await this.headsBelow(size);
    const map = headsMap(size, heads, tree);
    const event = { type: 'log.heads', size: state.size, sha256: headsDigest(map) } as const;
    const id = await this.unitOfWork.run((tx) => this.custody.append(tx, logSubject(state.origin), event, by));
    return { entry: await this.log.sequenced(id), map, tree, heads };
  }

  /** Without a transaction: an entry that has its place never changes. In pages, so that other work goes on meanwhile. */
  private async headsBelow(size: bigint): Promise<{ heads: readonly SubjectHead[]; tree: HeadsTree }> {
    const heads: SubjectHead[] = [];
    const tree = new HeadsTree();
    let entries = 0n;
    let page = await this.log.query<HeadRow>(headsFrom('>='), [NIL, size.toString(), SUBJECTS_AT_ONCE]);
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      for (const row of page) {
        if (row.head === null) continue;
        if (!row.hashed) throw new HeadsInconsistent(`entry ${row.index} is not the one that was hashed at its place.`);
        const head = { subject: row.subject, seq: Number(row.seq), index: row.index, head: row.head };
        tree.add(head);
        heads.push(head);
        entries += BigInt(row.seq) + 1n;
      }
      page = await this.log.query<HeadRow>(headsFrom('>'), [last.subject, size.toString(), SUBJECTS_AT_ONCE]);
    }
    // A chain whose end was deleted must not become the truth by being mapped.
    if (entries !== size)
      throw new HeadsInconsistent(`the log has ${size} entries, but the chains of its subjects have ${entries}.`);
    return { heads, tree };
  }
}
