import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { fsck, type FsckOptions, type FsckReport } from '#fsck';
import { Clock, loadConfig, Notifications, UnitOfWork, type Config, type Tx } from '#platform';
import { ObjectStore } from '#storage';
import { parsePolicy, parseVerifier, type NoteVerifier } from '#tlog';
import { eventually } from '../../../../test/support/eventually.js';
import { testEnvironment, type TestEnvironment } from '../../../../test/support/stack.js';
import type { Attribution } from '../catalogue.js';
import { CustodyLog } from '../custody-log.service.js';
import { Custody } from '../custody.service.js';
import type { Query } from '../log-tiles.js';
import { LogMirror } from '../log-mirror.js';
import { Sequencer } from '../sequencer.js';
import type { PolicyFile } from '../witness-policy-file.js';

const BY: Attribution = { kind: 'system', id: null, name: 'test' };

interface SequencerOptions {
  readonly port?: number;
  readonly store?: string;
  readonly keys?: string;
  readonly formerKeys?: readonly string[];
}

/** A custody log in a fresh database, spoken to as the product's own roles speak, and a superuser to do what they cannot. */
export class CustodyDatabase {
  readonly config: Config;
  readonly verifier: NoteVerifier;
  readonly custody = new Custody(new Clock());
  readonly unitOfWork: UnitOfWork;
  private policy: PolicyFile | undefined;
  readonly store: ObjectStore;
  private readonly notifications: Notifications;
  private readonly running = new Set<Sequencer>();

  private constructor(
    private readonly environment: TestEnvironment,
    private readonly dataSource: DataSource,
    readonly superuser: Client,
  ) {
    this.config = loadConfig('worker', { ...environment.env });
    this.verifier = parseVerifier(environment.logKey);
    this.unitOfWork = new UnitOfWork(dataSource);
    this.notifications = new Notifications(this.config);
    this.store = this.storeAt(this.config.S3_ENDPOINT);
  }

  static async create(): Promise<CustodyDatabase> {
    Logger.overrideLogger(false);
    const environment = await testEnvironment();
    const dataSource = new DataSource({ type: 'postgres', url: environment.database.urls.DATABASE_URL, poolSize: 12 });
    const superuser = new Client({ connectionString: environment.database.adminUrl });
    await Promise.all([dataSource.initialize(), superuser.connect()]);
    return new CustodyDatabase(environment, dataSource, superuser);
  }

  /** Reads the log as the API does, under the witness policy if there is one. */
  get log(): CustodyLog {
    return new CustodyLog(this.unitOfWork, this.notifications, this.policy);
  }

  /** What is started and read from now on asks for the cosignatures of this policy. */
  trust(text: string): void {
    this.policy = { text, policy: parsePolicy(text) };
  }

  /** One sign-in for each role of the product. */
  get urls(): Readonly<Record<'app' | 'owner' | 'sequencer', string>> {
    const { urls } = this.environment.database;
    return { app: urls.DATABASE_URL, owner: urls.DATABASE_OWNER_URL, sequencer: urls.DATABASE_SEQUENCER_URL };
  }

  async close(): Promise<void> {
    await Promise.all([...this.running].map((each) => this.stop(each)));
    await this.notifications.onApplicationShutdown();
    await Promise.all([this.dataSource.destroy(), this.superuser.end()]);
    this.store.close();
    await this.environment.dispose();
  }

  /** Starts a sequencer, as a worker does. `port` replaces the address of its database, `store` that of the object store, `keys` its keys. */
  start({ port, store, keys, formerKeys }: SequencerOptions = {}): Sequencer {
    const url = new URL(this.config.DATABASE_SEQUENCER_URL ?? '');
    if (port !== undefined) url.host = `127.0.0.1:${port}`;
    const sequencer = new Sequencer(
      { ...this.config, DATABASE_SEQUENCER_URL: url.href, LOG_FORMER_KEYS: [...(formerKeys ?? [])] },
      keys ?? this.signingKey,
      new Clock(),
      new LogMirror(this.config, store === undefined ? this.store : this.storeAt(store)),
      this.policy,
    );
    this.running.add(sequencer);
    sequencer.onApplicationBootstrap();
    return sequencer;
  }

  get signingKey(): string {
    return this.environment.env['LOG_SIGNING_KEY'] ?? '';
  }

  async stop(sequencer: Sequencer): Promise<void> {
    this.running.delete(sequencer);
    await sequencer.onApplicationShutdown();
  }

  /** Appends one entry inside `tx`. @returns its id */
  async appendIn(tx: Tx, subject: string, session: string = randomUUID()): Promise<string> {
    return this.custody.append(tx, subject, { type: 'signed-out', session }, BY);
  }

  /** Appends `count` entries, each in its own transaction, one after the other. @returns their ids */
  async append(subject: string, count = 1): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) ids.push(await this.unitOfWork.run((tx) => this.appendIn(tx, subject)));
    return ids;
  }

  /** As `append`, and waits until a running sequencer has placed the last of them. */
  async appendSequenced(subject: string, count = 1): Promise<string[]> {
    const ids = await this.append(subject, count);
    await this.log.sequenced(ids.at(-1) ?? '');
    return ids;
  }

  /** Signs what is there. */
  async checkpoint(): Promise<void> {
    await this.log.checkpointCovering((await this.size()) - 1n);
  }

  async size(): Promise<bigint> {
    return BigInt((await this.rows<{ n: string }>('SELECT count(*) AS n FROM custody_entries'))[0]?.n ?? 0);
  }

  async untilNothingIsPending(): Promise<void> {
    const look = async (): Promise<boolean> => (await this.rows('SELECT 1 FROM custody_pending LIMIT 1')).length === 0;
    await eventually('every pending entry has its place', look);
  }

  async untilFrozen(sequencer: Sequencer): Promise<string> {
    return eventually('the log is frozen', () => sequencer.frozen, { withinMs: 15_000 });
  }

  async fsck(options: Partial<FsckOptions> = {}): Promise<FsckReport> {
    return fsck(this.superuser, { logKeys: [this.verifier], ...options });
  }

  /** As superuser. */
  readonly query: Query = async (sql, parameters) => (await this.superuser.query(sql, [...parameters])).rows as never;

  async rows<Row>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    return this.query<Row>(sql, parameters);
  }

  /** Runs statements in one transaction of the superuser with every trigger and check of the log out of the way. */
  async tamper(work: (run: Query) => Promise<unknown>): Promise<void> {
    await this.superuser.query('BEGIN');
    try {
      await this.disarm();
      await work(this.query);
      await this.superuser.query('COMMIT');
    } catch (error) {
      await this.superuser.query('ROLLBACK');
      throw error;
    }
  }

  /** As `tamper`, but undone after fsck has looked at it. */
  async fsckAfter(work: (run: Query) => Promise<unknown>, options: Partial<FsckOptions> = {}): Promise<FsckReport> {
    await this.superuser.query('BEGIN');
    try {
      await this.disarm();
      await work(this.query);
      return await this.fsck(options);
    } finally {
      await this.superuser.query('ROLLBACK');
    }
  }

  private storeAt(endpoint: string): ObjectStore {
    const { S3_REGION: region, S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = this.config;
    return new ObjectStore({ endpoint, region, accessKeyId, secretAccessKey });
  }

  private async disarm(): Promise<void> {
    for (const table of [
      'custody_entries',
      'custody_payloads',
      'log_checkpoints',
      'log_cosignatures',
      'log_timestamps',
      'log_tiles',
      'log_state',
      'custody_pending',
    ])
      await this.superuser.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    await this.superuser.query('ALTER TABLE custody_entries DROP CONSTRAINT IF EXISTS custody_entries_check');
  }
}
