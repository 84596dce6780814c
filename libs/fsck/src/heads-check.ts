import type { Client } from 'pg';
import { headsDigest, headsMap, type SubjectHead } from '#tlog';
import type { Findings } from './findings.js';
import { memberOf, parsed } from './payload-members.js';

interface LoggedMap {
  readonly entry: bigint;
  readonly size: bigint;
}

/** The maps of heads that the log vouches for, made again from the chains as they were at the size of each map. */
export class HeadsCheck {
  logged = 0;
  checked = 0;
  /** Ascending by size; the next one is the last. */
  private readonly due: LoggedMap[];
  /** Of maps whose entry is still to come, by its index. */
  private readonly digests = new Map<bigint, string>();

  private constructor(
    maps: readonly LoggedMap[],
    private readonly findings: Findings,
  ) {
    this.due = [...maps].sort((a, b) => (a.size < b.size ? 1 : -1));
  }

  /** @param newest how many maps; all of them without it */
  static async of(client: Client, newest: number | undefined, findings: Findings): Promise<HeadsCheck> {
    const maps: LoggedMap[] = [];
    for (let before: string | undefined, left = newest ?? Infinity; left > 0;) {
      const page = Math.min(left, 500);
      const { rows }: { rows: { index: string; payload: string | null }[] } = await client.query(
        `SELECT e.index, p.payload FROM custody_entries e LEFT JOIN custody_payloads p ON p.entry = e.id
         WHERE e.type = 'log.heads' AND ($1::bigint IS NULL OR e.index < $1) ORDER BY e.index DESC LIMIT ${page}`,
        [before ?? null],
      );
      for (const { index, payload } of rows) {
        const entry = BigInt(index);
        // One whose payload is missing says no more of what size it is; whether that may be is the erasures' to judge.
        if (payload === null) continue;
        const size = sizeIn(payload);
        if (size === undefined || size > entry) findings.addEntry(entry, 'it maps the heads of no size that it can know');
        else maps.push({ entry, size });
      }
      if (rows.length < page) break;
      left -= page;
      before = rows.at(-1)?.index;
    }
    return new HeadsCheck(maps, findings);
  }

  /** Called when the first `size` entries were seen, before the next one is. */
  at(size: bigint, heads: () => readonly SubjectHead[]): void {
    if (this.due.at(-1)?.size !== size) return;
    const digest = headsDigest(headsMap(size, heads()));
    while (this.due.at(-1)?.size === size) this.digests.set(this.due.pop()?.entry ?? -1n, digest);
  }

  /** @param sha256 of its header */
  check(entry: bigint, sha256: string | undefined): void {
    this.logged += 1;
    const digest = this.digests.get(entry);
    if (digest === undefined) return;
    this.digests.delete(entry);
    this.checked += 1;
    if (digest !== sha256) this.findings.addEntry(entry, 'its map of heads is not that of the entries before it');
  }
}

function sizeIn(payload: string): bigint | undefined {
  const size = memberOf(memberOf(parsed(payload), 'event'), 'size');
  return typeof size === 'string' && /^(0|[1-9][0-9]{0,18})$/.test(size) ? BigInt(size) : undefined;
}
