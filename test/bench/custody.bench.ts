import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { Custody, fsck, LogMirror, Sequencer, type Attribution, type CustodyEvent, type Query } from '#custody';
import { Clock, loadConfig, UnitOfWork, type Config } from '#platform';
import { ObjectStore } from '#storage';
import { generateNoteKey, parseVerifier } from '#tlog';
import { eventually } from '../support/eventually.js';
import { freshDatabase, required } from '../support/fresh-database.js';
import type { Bench } from './figure.js';

const WRITERS = 32;
const SUBJECTS = 1000;
/** Both are measured in turns, so that whatever else the machine does meanwhile meets both. */
const TURNS = 4;

const BY: Attribution = {
  kind: 'person',
  id: randomUUID(),
  name: 'Bench Writer',
  badge: '4711',
  roles: ['investigator'],
  method: 'password',
  address: '192.0.2.1',
  userAgent: 'bench',
};

/**
 * Custody entries from many writers at once, one a transaction, as the API makes them, with a sequencer running. The reference is the
 * same writers putting rows of the same size into a plain table, by turns, in the same database.
 */
export async function custodyBench({ seconds, report, say }: Bench): Promise<void> {
  const database = await freshDatabase();
  const { skey, vkey } = generateNoteKey(`custodiet.bench/${randomBytes(4).toString('hex')}`);
  const config = loadConfig('worker', {
    ...database.urls,
    PUBLIC_URL: 'http://127.0.0.1:8080',
    REDIS_URL: required('REDIS_URL'),
    S3_ENDPOINT: required('S3_ENDPOINT'),
    S3_ACCESS_KEY_ID: required('S3_ACCESS_KEY_ID'),
    S3_SECRET_ACCESS_KEY: required('S3_SECRET_ACCESS_KEY'),
    LOG_SIGNING_KEY: skey,
    S3_LOG_BUCKET: `custodiet-bench-${randomBytes(4).toString('hex')}-log`,
    OBJECT_LOCK_MODE: 'GOVERNANCE',
    OBJECT_LOCK_DAYS: '1',
  });
  const source = new DataSource({ type: 'postgres', url: config.DATABASE_URL, poolSize: WRITERS });
  const observer = new Client({ connectionString: database.adminUrl });
  // Apart from the writers, as the product's worker is.
  const sequencer = new Worker(fileURLToPath(import.meta.url), { workerData: config });
  try {
    await source.initialize();
    await observer.connect();
    const unitOfWork = new UnitOfWork(source);
    say(`${WRITERS} writers: plain inserts and custody entries by turns, ${seconds} s each`);
    const plain = await plainTable(unitOfWork, observer);
    const entries = new SequencedEntries(unitOfWork, observer);
    await entries.watch();
    for (let turn = 0; turn < TURNS; turn++) {
      await plain.writeFor(seconds / TURNS);
      await entries.writeFor(seconds / TURNS);
    }
    await entries.unwatch();
    const { perSecond, p99Ms } = entries.figures();
    const reference = plain.perSecond();
    report({ name: 'custody.append', value: perSecond, unit: 'entries/s', reference });
    report({ name: 'custody.sequenced-p99', value: p99Ms, unit: 'ms' });
    await stopped(sequencer);
    say('fsck of these entries');
    report({ name: 'custody.fsck', value: await fsckPerSecond(observer, vkey), unit: 'entries/s' });
  } finally {
    await stopped(sequencer);
    if (source.isInitialized) await source.destroy();
    await observer.end();
    await database.drop();
  }
}

/** What the other thread does. */
async function sequence(config: Config, owner: MessagePort): Promise<void> {
  Logger.overrideLogger(['error', 'warn']);
  const store = new ObjectStore({
    endpoint: config.S3_ENDPOINT,
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
  });
  const sequencer = new Sequencer(config, config.LOG_SIGNING_KEY ?? '', new Clock(), new LogMirror(config, store));
  sequencer.onApplicationBootstrap();
  await once(owner, 'message');
  await sequencer.onApplicationShutdown();
  store.close();
  owner.close();
}

async function stopped(sequencer: Worker): Promise<void> {
  if (sequencer.threadId === -1) return;
  const exited = once(sequencer, 'exit');
  sequencer.postMessage('stop');
  await exited;
}

if (parentPort !== null) await sequence(workerData as Config, parentPort);

/** Rows of what an entry with its payload holds: header, payload, salt, commitment and ids come to about this much. */
async function plainTable(
  unitOfWork: UnitOfWork,
  owner: Client,
): Promise<{ writeFor: (seconds: number) => Promise<void>; perSecond: () => number }> {
  await owner.query(
    'CREATE TABLE plain_rows (id uuid PRIMARY KEY, body bytea NOT NULL); GRANT INSERT ON plain_rows TO custodiet_app',
  );
  const body = randomBytes(Buffer.byteLength(JSON.stringify({ who: BY, event: eventOf(0) })) + 150);
  const total = { count: 0, elapsedMs: 0 };
  return {
    writeFor: async (seconds) => {
      const { count, elapsedMs } = await writeFor(seconds, async () => {
        await unitOfWork.run((tx) => tx.query('INSERT INTO plain_rows (id, body) VALUES ($1, $2)', [randomUUID(), body]));
      });
      total.count += count;
      total.elapsedMs += elapsedMs;
    },
    perSecond: () => (total.count / total.elapsedMs) * 1000,
  };
}

class SequencedEntries {
  private readonly custody = new Custody(new Clock());
  private readonly subjects = Array.from({ length: SUBJECTS }, () => randomUUID());
  private readonly committedAt = new Map<string, number>();
  private readonly delays: number[] = [];
  private written = 0;
  private elapsedMs = 0;
  private next = 0n;
  private reading = Promise.resolve();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly observer: Client,
  ) {}

  /** Learns of each entry when it can first be read in the log. */
  async watch(): Promise<void> {
    this.observer.on('notification', () => {
      this.reading = this.reading.then(() => this.look());
    });
    await this.observer.query('LISTEN custody_sequenced');
  }

  async unwatch(): Promise<void> {
    await this.observer.query('UNLISTEN custody_sequenced');
    await this.reading;
  }

  /** The time until the last one has its place counts too: a backlog is not throughput. */
  async writeFor(seconds: number): Promise<void> {
    const begun = performance.now();
    const { count } = await writeFor(seconds, async (n) => {
      const subject = this.subjects[n % SUBJECTS] ?? randomUUID();
      const id = await this.unitOfWork.run((tx) => this.custody.append(tx, subject, eventOf(n), BY));
      this.committedAt.set(id, performance.now());
    });
    this.written += count;
    const all = (): boolean => this.delays.length >= this.written;
    await eventually('every entry has its place in the log', all, { withinMs: 120_000, everyMs: 5 });
    this.elapsedMs += performance.now() - begun;
  }

  figures(): { perSecond: number; p99Ms: number } {
    const sorted = [...this.delays].sort((a, b) => a - b);
    return { perSecond: (this.written / this.elapsedMs) * 1000, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 };
  }

  private async look(): Promise<void> {
    const { rows } = await this.observer.query<{ index: string; id: string }>(
      'SELECT index, id FROM custody_entries WHERE index >= $1 ORDER BY index',
      [this.next.toString()],
    );
    const at = performance.now();
    for (const { id } of rows) {
      // Seen before the writer had its answer: it was in the log sooner than anybody could know.
      this.delays.push(Math.max(0, at - (this.committedAt.get(id) ?? at)));
      this.committedAt.delete(id);
    }
    this.next = BigInt(rows.at(-1)?.index ?? this.next - 1n) + 1n;
  }
}

/** All writers, each one write after the other, until the time is over. */
async function writeFor(seconds: number, write: (n: number) => Promise<void>): Promise<{ count: number; elapsedMs: number }> {
  const begun = performance.now();
  let count = 0;
  const writer = async (): Promise<void> => {
    while (performance.now() - begun < seconds * 1000) await write(count++);
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  return { count, elapsedMs: performance.now() - begun };
}

async function fsckPerSecond(client: Client, vkey: string): Promise<number> {
  const query: Query = async (sql, parameters) => (await client.query(sql, [...parameters])).rows as never;
  const begun = performance.now();
  const { ok, entries, findings } = await fsck(query, [parseVerifier(vkey)]);
  if (!ok) throw new Error(`fsck found faults in a log nobody touched: ${JSON.stringify(findings.slice(0, 3))}`);
  return (Number(entries) / (performance.now() - begun)) * 1000;
}

function eventOf(n: number): CustodyEvent {
  return {
    type: 'viewing.opened',
    viewing: '01a1f8aa-fcc6-73f4-88b6-f541737d450d',
    grant: '01a1f8aa-dbb2-77e2-8311-f91b5e07e709',
    purpose: 'internal-investigation',
    caseNumber: `IA-${n}`,
  };
}
