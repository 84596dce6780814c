import { createHash, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { LogBehind, readEntryBundle, readHashTile } from '#custody';
import { openCheckpoint, TILE_WIDTH, tilePath } from '#tlog';
import { CustodyDatabase } from '../../libs/custody/src/testing/custody-database.js';
import { StoreAdministrator } from '../../libs/fsck/src/testing/store-administrator.js';
import { eventually } from '../support/eventually.js';
import type { Verdict, VerifierCommand } from './verifier-command.js';

export interface Finding {
  readonly where: string;
  readonly what: string;
}

/** What `custodiet-verify fsck --json` says. */
export interface FsckAnswer {
  readonly code: number;
  readonly findings: readonly Finding[];
  /** Of the first entry that differs. */
  readonly first: Finding | null;
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A custody log in a database and a bucket of its own, with the superusers of both to attack it, and the verifiers that outsiders have. */
export class AttackedLog {
  private constructor(
    readonly database: CustodyDatabase,
    readonly store: StoreAdministrator,
    private readonly verifier: VerifierCommand,
  ) {}

  static async create(verifier: VerifierCommand): Promise<AttackedLog> {
    const database = await CustodyDatabase.create();
    return new AttackedLog(database, new StoreAdministrator(database.config), verifier);
  }

  async close(): Promise<void> {
    this.store.close();
    await this.database.close();
  }

  get bucket(): string {
    return this.database.config.S3_LOG_BUCKET;
  }

  /** What a worker of this log reads its configuration from. */
  get workerEnvironment(): Readonly<Record<string, string>> {
    const scalars = Object.entries(this.database.config).filter(([, value]) => ['string', 'number'].includes(typeof value));
    return Object.fromEntries(scalars.map(([name, value]) => [name, String(value)]));
  }

  /** Where the log is in its bucket, with a slash at the end. */
  get folder(): string {
    return `${encodeURIComponent(this.database.verifier.name)}/`;
  }

  /** Key in the bucket of the only object with that prefix, which is without the log's folder. */
  async keyOf(prefix: string): Promise<string> {
    const [found] = await this.store.versions(this.bucket, `${this.folder}${prefix}`);
    if (found === undefined) throw new Error(`the mirror has no ${prefix}`);
    return found.key;
  }

  checkpointPrefix(size: number | bigint): string {
    return `checkpoint/${size.toString().padStart(20, '0')}-`;
  }

  /** Adds entries about these subjects in turn, in one transaction, and returns when a checkpoint over them is signed and mirrored. */
  async grow(count: number, subjects: readonly string[] = [randomUUID(), randomUUID()]): Promise<readonly string[]> {
    const ids = await this.append(count, subjects);
    await this.database.log.sequenced(ids.at(-1) ?? '');
    await this.database.checkpoint();
    await this.untilMirrored(await this.database.size());
    return ids;
  }

  /** Adds entries in one transaction, and waits for nothing. @returns their ids */
  append(count: number, subjects: readonly string[] = [randomUUID(), randomUUID()]): Promise<readonly string[]> {
    return this.database.unitOfWork.run(async (tx) => {
      const ids: string[] = [];
      for (let i = 0; i < count; i++) ids.push(await this.database.appendIn(tx, subjects[i % subjects.length] ?? ''));
      return ids;
    });
  }

  async untilMirrored(size: bigint): Promise<void> {
    const prefix = `${this.folder}${this.checkpointPrefix(size)}`;
    const look = async (): Promise<boolean> => (await this.store.versions(this.bucket, prefix)).length > 0;
    await eventually(`the checkpoint of ${size} entries is mirrored`, look);
  }

  /** `custodiet-verify fsck` with the log's key, database and mirror. */
  async fsck(...args: string[]): Promise<FsckAnswer> {
    const { S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_LOG_BUCKET } = this.database.config;
    const { code, out, err } = await this.verifier.run(
      ['fsck', '--json', '--log-key', this.database.verifier.vkey, '--heads', 'all', ...args],
      {
        ...{ S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_LOG_BUCKET },
        DATABASE_URL: this.database.urls.owner,
      },
    );
    if (out === '') throw new Error(`fsck said nothing and ended with ${code}: ${err}`);
    return { code, ...(JSON.parse(out) as Omit<FsckAnswer, 'code'>) };
  }

  /** That no verifier finds anything. */
  async expectWhole(...args: string[]): Promise<void> {
    const { code, findings } = await this.fsck(...args);
    expect({ code, findings }).toEqual({ code: 0, findings: [] });
  }

  /**
   * `custodiet-verify log` on what the log gives an auditor now, under that checkpoint or the newest one.
   * What the database cannot give any more is left out, as the server would.
   */
  async verifyLog(args: readonly string[], note?: string, key = this.database.verifier): Promise<Verdict> {
    const shown = note ?? (await this.database.log.newestTrusted())?.note ?? '';
    const folder = join(this.verifier.folder, randomUUID());
    const { size } = openCheckpoint(shown, [key]);
    const files = new Map<string, Uint8Array | undefined>([
      ['checkpoint', Buffer.from(shown)],
      ['keys', Buffer.from(`${key.vkey}\n`)],
    ]);
    const { query } = this.database;
    for (const { level, index, width } of tilesOf(size)) {
      const path = tilePath(level, index, width);
      files.set(path, await readHashTile(query, level, index, width));
      if (level > 0) continue;
      files.set(path.replace('tile/0/', 'tile/entries/'), await readEntryBundle(query, index * BigInt(TILE_WIDTH), width));
    }
    for (const [path, bytes] of files) {
      if (bytes === undefined) continue;
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    return this.verifier.run(['log', folder, ...args]);
  }

  /** That a frozen log places and signs nothing, however it is asked. */
  async expectNothingMoves(): Promise<void> {
    const state = async (): Promise<unknown> => [
      await this.database.size(),
      await this.database.rows('SELECT size, note FROM log_checkpoints ORDER BY size'),
    ];
    const before = await state();
    const [id = ''] = await this.database.append(randomUUID());
    await expect(this.database.log.sequenced(id, 1500)).rejects.toBeInstanceOf(LogBehind);
    expect(await state()).toEqual(before);
  }
}

function* tilesOf(size: bigint): Generator<{ level: number; index: bigint; width: number }> {
  const full = BigInt(TILE_WIDTH);
  for (let level = 0, hashes = size; hashes > 0n; level += 1, hashes /= full)
    for (let index = 0n; index * full < hashes; index += 1n) {
      const left = hashes - index * full;
      yield { level, index, width: left < full ? Number(left) : TILE_WIDTH };
    }
}
