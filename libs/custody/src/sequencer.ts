import { setTimeout } from 'node:timers/promises';
import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Client } from 'pg';
import { Clock, CONFIG, ConfigurationFaulty, type Config } from '#platform';
import {
  acceptsLog,
  consistencyProof,
  EMPTY_RANGE,
  rootOf,
  TlogError,
  verifyConsistency,
  type Checkpoint,
  type CompactRange,
} from '#tlog';
import { placeEntries, takePending } from './log-batch.js';
import { LogFrozen } from './log-frozen.js';
import { LogKeys } from './log-keys.js';
import { LogMirror } from './log-mirror.js';
import { readNodes, rootAt, TileMissing, type Query } from './log-tiles.js';
import { MirrorWatch } from './mirror-watch.js';
import { SEQUENCER_ASLEEP } from './sequencer-sleep.js';
import { WITNESS_POLICY, type PolicyFile } from './witness-policy-file.js';
import { WitnessRounds } from './witness-rounds.js';

/** The log's signing keys as LogKeys takes them. Only the worker has them. */
export const LOG_SIGNING_KEY = Symbol('LOG_SIGNING_KEY');

const BATCH = 2000;
const SPACING_MS = 50;
/** What a larger batch saves each entry is worth more, and nobody waits for one longer than 200 ms. */
const BUSY = 100;
const BUSY_SPACING_MS = 150;
const TAKEOVER_MS = 2000;
const ALARM_MS = 60_000;
const LEADER_LOCK = 7239462;

/**
 * Gives each pending entry its index, seq and prev, in one transaction a batch, and signs checkpoints. Several workers may run one: an
 * advisory lock lets one lead, and `UPDATE … WHERE size = $old` fences a leader that has lost its lock without knowing.
 */
@Injectable()
export class Sequencer implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger('Sequencer');
  private readonly keys: LogKeys;
  private stopped = false;
  private woken = false;
  private resume: () => void = () => undefined;
  private checkpointWanted = false;
  private nextCheckpointAt = 0;
  private running: Promise<void> = Promise.resolve();
  /** How the mirror fares, for health. */
  readonly mirrored: MirrorWatch;
  /** How the witnesses fare, for health. */
  readonly witnesses: WitnessRounds;
  private interruptedSince?: number;
  /** Why the log is frozen, for health; undefined while it is not. */
  frozen: string | undefined;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOG_SIGNING_KEY) skeys: string,
    private readonly clock: Clock,
    mirror: LogMirror,
    @Inject(WITNESS_POLICY) policy: PolicyFile | undefined,
  ) {
    this.keys = new LogKeys(skeys, config.LOG_FORMER_KEYS);
    if (policy !== undefined && !this.keys.signing.some((key) => acceptsLog(policy.policy, key)))
      throw new ConfigurationFaulty(['WITNESS_POLICY_FILE: names logs, but not the key of this one']);
    const wake = (): void => this.wake();
    // Mirrored first: what a witness has cosigned is then always held against the database, also when that was brought back from a backup.
    this.mirrored = new MirrorWatch(mirror, this.keys, wake, (checkpoint) => this.witnesses.ask(checkpoint));
    this.witnesses = new WitnessRounds(config.DATABASE_SEQUENCER_URL ?? '', policy, (cosigned) =>
      this.mirrored.writeCosigned(cosigned),
    );
  }

  /** True when for more than a minute every attempt to give entries their places failed. */
  get failing(): boolean {
    return this.interruptedSince !== undefined && performance.now() - this.interruptedSince > ALARM_MS;
  }

  onApplicationBootstrap(): void {
    this.running = this.run();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopped = true;
    this.wake();
    await this.running;
    await this.mirrored.settled();
    await this.witnesses.stop();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const client = new Client({ connectionString: this.config.DATABASE_SEQUENCER_URL, keepAlive: true });
      client.on('error', () => this.wake());
      try {
        await client.connect();
        await this.lead(client);
      } catch (error) {
        if (error instanceof LogFrozen) await this.freeze(client, error);
        else this.interruptedSince ??= performance.now();
        this.logger.error({ err: error }, error instanceof LogFrozen ? 'the log is frozen' : 'sequencing was interrupted');
      } finally {
        await client.end().catch(() => undefined);
      }
      if (!this.stopped) await this.pause(TAKEOVER_MS);
    }
  }

  private async lead(client: Client): Promise<void> {
    const { rows } = await client.query<{ leader: boolean }>('SELECT pg_try_advisory_lock($1) AS leader', [LEADER_LOCK]);
    if (rows[0]?.leader !== true) {
      // Another leads, or looks just now at why the log is frozen. How things went while this one led says nothing any more.
      this.frozen = await this.recordedFreeze(client);
      this.mirrored.rest();
      this.witnesses.rest();
      delete this.interruptedSince;
      return;
    }
    // The lock goes with the session, and without this a database would keep that of a host that is gone for two hours.
    await client.query(
      'SET tcp_keepalives_idle = 2; SET tcp_keepalives_interval = 1; SET tcp_keepalives_count = 2; SET tcp_user_timeout = 4000',
    );
    await this.prepare(client);
    await client.query('LISTEN custody_pending; LISTEN custody_checkpoint_wanted');
    client.on('notification', ({ channel }) => {
      if (channel === 'custody_checkpoint_wanted') this.checkpointWanted = true;
      this.wake();
    });
    this.frozen = undefined;
    this.logger.log('sequencing');
    while (!this.stopped) {
      const sequenced = await this.sequenceBatch(client);
      await this.checkpointWhenDue(client);
      delete this.interruptedSince;
      // Batches are spaced a little, so that many writers share one commit.
      if (sequenced > 0 && sequenced < BATCH) await setTimeout(sequenced < BUSY ? SPACING_MS : BUSY_SPACING_MS);
      if (sequenced === 0) await this.sleep(client);
    }
  }

  /** @throws LogFrozen when the database's tree does not extend the newest signed checkpoint. */
  private async prepare(client: Client): Promise<void> {
    await client.query(`INSERT INTO log_state (origin, size, peaks) VALUES ($1, 0, '') ON CONFLICT (singleton) DO NOTHING`, [
      this.keys.origin,
    ]);
    for (const { vkey } of this.keys.signing)
      await client.query('INSERT INTO log_keys (vkey) VALUES ($1) ON CONFLICT DO NOTHING', [vkey]);
    const { origin, range } = await this.readState(client);
    if (origin !== this.keys.origin)
      throw new LogFrozen(`this database holds the log ${origin}, but the signing key is for ${this.keys.origin}`, false);
    const frozen = await this.recordedFreeze(client);
    if (frozen !== undefined) throw new LogFrozen(frozen);
    await this.compareWithSigned(client, range);
    // A store that does not answer now does not keep entries from their places; nothing is signed before it has answered once.
    await this.mirrored.ask(range.size);
    await this.compareWithMirrored(client, range);
  }

  private async recordedFreeze(client: Client): Promise<string | undefined> {
    const { rows } = await client.query<{ frozen: boolean; reason: string }>(
      'SELECT frozen, reason FROM log_freezes ORDER BY id DESC LIMIT 1',
    );
    return rows[0]?.frozen === true ? rows[0].reason : undefined;
  }

  /** Where every process sees it: what would release evidence is refused from now on, until the owner of the database lifts it. */
  private async freeze(client: Client, { message, recorded }: LogFrozen): Promise<void> {
    this.frozen = message;
    if (!recorded) return;
    const unlessFrozen = 'WHERE NOT coalesce((SELECT frozen FROM log_freezes ORDER BY id DESC LIMIT 1), false)';
    await client.query(`INSERT INTO log_freezes (reason) SELECT $1 ${unlessFrozen}`, [message]).catch((error: unknown) => {
      this.logger.error({ err: error }, 'the freeze could not be recorded');
    });
  }

  /** At the start and before every signature: a log that was rolled back must not get a second history. @throws LogFrozen */
  private async compareWithSigned(client: Client, range: CompactRange): Promise<void> {
    const { rows } = await client.query<{ size: string; note: string }>(
      'SELECT size, note FROM log_checkpoints ORDER BY size DESC LIMIT 1',
    );
    const [newest] = rows;
    if (newest === undefined) return;
    await this.compareWith(client, range, this.openSigned(newest));
  }

  private async compareWithMirrored(client: Client, range: CompactRange): Promise<void> {
    for (const checkpoint of this.mirrored.newest) await this.compareWith(client, range, checkpoint);
  }

  private async compareWith(client: Client, range: CompactRange, signed: Checkpoint): Promise<void> {
    const { size } = range;
    if (signed.size > size) throw new LogFrozen(`the log has ${size} entries, but ${signed.size} were signed`);
    const query: Query = async (sql, parameters) => (await client.query(sql, [...parameters])).rows as never;
    try {
      const root = await rootAt(signed.size, readNodes(query, signed.size));
      if (!Buffer.from(root).equals(Buffer.from(signed.root)))
        throw new LogFrozen(`the first ${signed.size} entries no longer have the root that was signed`);
      // The next root is made of the state, not of those tiles, and a tile may be altered above entries that are as they were.
      const proof = await consistencyProof(signed.size, size, readNodes(query, size));
      verifyConsistency({ oldSize: signed.size, newSize: size, oldRoot: signed.root, newRoot: rootOf(range), proof });
    } catch (error) {
      if (error instanceof TileMissing) throw new LogFrozen(error.message);
      if (error instanceof TlogError)
        throw new LogFrozen(`the tree of ${size} entries does not extend that of ${signed.size} which was signed`);
      throw error;
    }
  }

  private openSigned({ size, note }: { size: string; note: string }): Checkpoint {
    const checkpoint = this.opened({ size, note });
    if (checkpoint.size.toString() !== size)
      throw new LogFrozen(`the checkpoint of ${size} entries is one of ${checkpoint.size}`);
    return checkpoint;
  }

  private opened({ size, note }: { size: string; note: string }): Checkpoint {
    try {
      return this.keys.open(note);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      throw new LogFrozen(`the checkpoint of ${size} entries is not ours: ${error.message}`);
    }
  }

  /** @throws LogFrozen when the entries do not reach as far as the state says. */
  private async readState(client: Client): Promise<{ origin: string; range: CompactRange }> {
    const { rows } = await client.query<{ origin: string; size: string; peaks: Buffer; reached: string }>(
      'SELECT origin, size, peaks, (SELECT coalesce(max(index) + 1, 0) FROM custody_entries) AS reached FROM log_state',
    );
    const [row] = rows;
    if (row === undefined) return { origin: this.keys.origin, range: EMPTY_RANGE };
    if (row.reached !== row.size) throw new LogFrozen(`the log has ${row.size} entries, but they end at ${row.reached}`);
    const nodes = Array.from(
      { length: row.peaks.length / 32 },
      (_, i) => new Uint8Array(row.peaks.subarray(i * 32, (i + 1) * 32)),
    );
    return { origin: row.origin, range: { size: BigInt(row.size), nodes } };
  }

  private async sequenceBatch(client: Client): Promise<number> {
    await client.query('BEGIN');
    try {
      const pending = await takePending(client, BATCH);
      if (pending.length > 0) {
        await placeEntries(client, pending, await this.readState(client));
        await client.query('NOTIFY custody_sequenced');
      }
      await client.query('COMMIT');
      return pending.length;
    } catch (error) {
      await client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }

  private async checkpointWhenDue(client: Client): Promise<void> {
    // Not by the clock on the wall: it may be put back, and checkpoints must go on.
    if (!this.checkpointWanted && performance.now() < this.nextCheckpointAt) return;
    const { range } = await this.readState(client);
    // Asked meanwhile, not waited for: entries get their places however slow the store is.
    const answer = this.mirrored.answer(range.size);
    if (answer === 'waiting') return;
    this.checkpointWanted = false;
    this.nextCheckpointAt = performance.now() + this.config.CHECKPOINT_SECONDS * 1000;
    if (answer === 'unknown') return;
    await this.compareWithSigned(client, range);
    await this.compareWithMirrored(client, range);
    const note = this.keys.sign({ size: range.size, root: rootOf(range) });
    if (range.size > 0n)
      await client.query(
        'INSERT INTO log_checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, $4) ON CONFLICT (size) DO NOTHING',
        [range.size.toString(), Buffer.from(rootOf(range)), note, this.clock.now()],
      );
    await client.query('NOTIFY custody_checkpoint');
    if (range.size > 0n) this.mirrored.write({ size: range.size, note });
  }

  /** Until there is something to do, or for a second. See sequencer-sleep.ts for why no entry is missed. */
  private async sleep(client: Client): Promise<void> {
    const { rows } = await client.query<{ asleep: boolean }>('SELECT pg_try_advisory_lock($1) AS asleep', [SEQUENCER_ASLEEP]);
    if (rows[0]?.asleep !== true) return void (await this.pause(SPACING_MS)); // somebody is about to commit an entry
    try {
      const { rows: pending } = await client.query('SELECT FROM custody_pending ORDER BY ord LIMIT 1');
      if (pending.length === 0) await this.pause(1000);
    } finally {
      await client.query('SELECT pg_advisory_unlock($1)', [SEQUENCER_ASLEEP]);
    }
  }

  private wake(): void {
    this.woken = true;
    this.resume();
  }

  /** Until `ms` have passed or something woke us, also if that was before the pause began. */
  private async pause(ms: number): Promise<void> {
    if (!this.woken) {
      const cancel = new AbortController();
      this.resume = () => cancel.abort();
      await setTimeout(ms, undefined, { signal: cancel.signal }).catch(() => undefined);
    }
    this.woken = false;
  }
}
