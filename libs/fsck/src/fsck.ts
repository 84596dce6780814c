import type { Client } from 'pg';
import type { NoteVerifier, WitnessPolicy } from '#tlog';
import { CheckpointCheck } from './checkpoint-check.js';
import { EntryCheck } from './entry-check.js';
import { entryPages, type EntryRow } from './entry-rows.js';
import { ErasureCheck, type Bare, type ErasureRow } from './erasure-check.js';
import { Findings, type Finding } from './findings.js';
import { GrowingTree } from './growing-tree.js';
import { HeadsCheck } from './heads-check.js';
import { MirrorCheck, type MirrorBucket } from './mirror-check.js';
import { OriginalsCheck, type OriginalsDepth } from './originals-check.js';
import type { StoredObjects } from './stored-objects.js';
import { TileCheck } from './tile-check.js';

const NEWEST_MAPS = 24;

export interface FsckOptions {
  /** Who signs for the log. All else is derived again. */
  readonly logKeys: readonly NoteVerifier[];
  /** Whose cosignatures a checkpoint needs: then one at least must have them. */
  readonly policy?: WitnessPolicy;
  /** How many of the newest maps of heads are made again; 24 unless told. */
  readonly heads?: number | 'all';
  readonly mirror?: MirrorBucket;
  readonly originals?: { readonly store: StoredObjects; readonly depth: OriginalsDepth };
  /** How many entries the log has at that moment, outside the snapshot. Without it: those of the snapshot. */
  readonly sizeNow?: () => Promise<bigint>;
  /** Told now and then how many entries were seen, of how many. */
  readonly progress?: (entries: bigint, size: bigint) => void;
}

export interface FsckReport {
  readonly ok: boolean;
  readonly origin: string;
  readonly entries: bigint;
  readonly checkpoints: number;
  readonly cosignatures: number;
  /** Size of the newest checkpoint that the entries have and the log signed; of those behind it nobody vouches for any. */
  readonly signed: bigint | undefined;
  /** Size of the newest checkpoint that satisfies the policy; undefined without a policy too. */
  readonly cosigned: bigint | undefined;
  /** Payloads that were erased, and say so. */
  readonly erased: number;
  /** Maps of heads: how many were made again, of how many in the log. */
  readonly heads: { readonly checked: number; readonly logged: number };
  /** Undefined: not looked at. `again`: versions written once more with the same bytes. */
  readonly mirror:
    { readonly checkpoints: number; readonly tiles: number; readonly again: number; readonly newest: bigint } | undefined;
  readonly originals: { readonly checked: number; readonly depth: OriginalsDepth } | undefined;
  /** How many there are; `findings` are the first hundred. */
  readonly found: number;
  readonly findings: readonly Finding[];
  /** About the first entry that differs; if no entry is known to, the first finding. */
  readonly first: Finding | undefined;
}

/**
 * Derives the whole log again from its rows and believes none of them: only the signatures of `logKeys` are taken as given. Then holds the mirror
 * and the originals against it, if it is given them. `client` should be in a transaction of its own that sees one snapshot (`openSnapshot`).
 * @throws StoreUnreadable, and what pg throws when the database gives no answer
 */
export async function fsck(client: Client, options: FsckOptions): Promise<FsckReport> {
  const { rows } = await client.query<{ origin: string; size: string; peaks: Buffer }>(
    'SELECT origin, size, peaks FROM log_state',
  );
  const findings = new Findings();
  const [state] = rows;
  if (state === undefined) findings.add('log_state', 'there is no log');
  const check = await LogCheck.of(client, state?.origin ?? '', options, findings);
  if (state !== undefined) await check.run(BigInt(state.size), state.peaks);
  return check.report();
}

/** One reading of the log from its first entry to its last, with everything that can be seen on the way. */
class LogCheck {
  private readonly tree = new GrowingTree();
  private readonly entries: EntryCheck;
  private readonly tiles: TileCheck;
  private readonly erasures: ErasureCheck;
  private readonly mirror: MirrorCheck | undefined;
  private readonly originals: OriginalsCheck | undefined;

  private constructor(
    private readonly client: Client,
    private readonly origin: string,
    private readonly options: FsckOptions,
    private readonly findings: Findings,
    private readonly checkpoints: CheckpointCheck,
    private readonly heads: HeadsCheck,
  ) {
    this.entries = new EntryCheck(origin, findings);
    this.tiles = new TileCheck(client, findings);
    this.erasures = new ErasureCheck(client, findings);
    const { logKeys, policy, mirror, originals } = options;
    this.mirror = mirror && new MirrorCheck(mirror, origin, { logKeys, policy }, findings);
    this.originals = originals && new OriginalsCheck(originals.store, originals.depth, findings);
  }

  static async of(client: Client, origin: string, options: FsckOptions, findings: Findings): Promise<LogCheck> {
    const { logKeys, policy, heads = NEWEST_MAPS } = options;
    const checkpoints = await CheckpointCheck.of(client, origin, { logKeys, policy }, findings);
    const maps = await HeadsCheck.of(client, heads === 'all' ? undefined : heads, findings);
    return new LogCheck(client, origin, options, findings, checkpoints, maps);
  }

  async run(size: bigint, peaks: Buffer): Promise<void> {
    await this.mirror?.begin();
    await this.findStrays();
    await this.whatBelongsToThisSize();
    for await (const row of entryPages(this.client)) {
      const whole = await this.readPage(row);
      await this.tiles.check(this.tree.takeFull());
      await this.originals?.check();
      this.options.progress?.(this.tree.size, size);
      if (!whole) break;
    }
    await this.conclude(size, peaks);
  }

  report(): FsckReport {
    const { findings, checkpoints, heads, mirror, originals } = this;
    return {
      ok: findings.count === 0,
      origin: this.origin,
      entries: this.tree.size,
      checkpoints: checkpoints.checkpoints,
      cosignatures: checkpoints.cosignatures,
      signed: checkpoints.signed,
      cosigned: checkpoints.cosigned,
      erased: this.erasures.erased,
      heads: { checked: heads.checked, logged: heads.logged },
      mirror: mirror && { checkpoints: mirror.checkpoints, tiles: mirror.tiles, again: mirror.again, newest: mirror.newest },
      originals: originals && { checked: originals.checked, depth: this.options.originals?.depth ?? 'head' },
      found: findings.count,
      findings: findings.kept,
      first: findings.first,
    };
  }

  /** Read on from 0, the log would not show them, but whoever asks for the chain of a subject would be given them. */
  private async findStrays(): Promise<void> {
    const { rows } = await this.client.query<{ index: string }>(
      'SELECT index FROM custody_entries WHERE index < 0 ORDER BY index LIMIT 1000',
    );
    for (const { index } of rows) this.findings.addEntry(BigInt(index), 'lies before the first entry');
  }

  /** @returns false when an entry is missing: nothing behind it can be placed */
  private async readPage(row: EntryRow): Promise<boolean> {
    const bare: Bare[] = [];
    const erasures: ErasureRow[] = [];
    let whole = true;
    while (row.next()) {
      if (row.index !== this.tree.size) {
        this.findings.addEntry(this.tree.size, 'is missing');
        whole = false;
        break;
      }
      this.heads.at(row.index, () => this.entries.heads());
      this.tree.add(this.entries.check(row));
      if (!row.has('payload')) bare.push({ index: row.index, id: row.text('id'), subject: row.text('subject') });
      const type = row.ascii('type');
      if (type === 'log.heads') this.heads.check(row.index, row.sha256());
      else if (type === 'recording.sealed') this.originals?.take(row);
      else if (type === 'payload.erased' && row.has('payload'))
        erasures.push({ index: row.index, subject: row.text('subject'), payload: row.text('payload') });
      if (this.checkpoints.due(this.tree.size) || this.mirror?.due(this.tree.size) === true) await this.whatBelongsToThisSize();
    }
    await this.erasures.check(bare);
    await this.erasures.checkDestroyed(erasures);
    return whole;
  }

  private async whatBelongsToThisSize(): Promise<void> {
    await this.checkpoints.check(this.tree);
    await this.mirror?.check(this.tree);
  }

  private async conclude(size: bigint, peaks: Buffer): Promise<void> {
    const { tree, findings } = this;
    await this.tiles.conclude(tree);
    if (tree.size !== size) findings.add('log_state', `it says ${size} entries, but ${tree.size} are there`);
    else if (Buffer.compare(peaks, Buffer.concat(tree.peaks)) !== 0)
      findings.add('log_state', 'its tree state differs from the entries');
    await this.checkpoints.conclude(tree.size);
    await this.mirror?.conclude(tree, this.tiles, this.options.sizeNow ?? (() => Promise.resolve(size)));
    if (this.checkpoints.checkpoints > 0 && (await this.mirror?.isEmpty()) === true)
      findings.add('mirror', 'there is no checkpoint of this log in it');
  }
}
