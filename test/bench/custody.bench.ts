import { randomBytes, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { Custody, fsck, Sequencer, type Attribution, type CustodyEvent, type Query } from '#custody';
import { Clock, loadConfig, UnitOfWork } from '#platform';
import { generateNoteKey, parseVerifier } from '#tlog';
import { eventually } from '../support/eventually.js';
import { freshDatabase, required } from '../support/fresh-database.js';
import type { Bench } from './figure.js';

const WRITERS = 32;
const SUBJECTS = 1000;

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
 * same writers putting rows of the same size into a plain table, before, in the same database.
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
  });
  const source = new DataSource({ type: 'postgres', url: config.DATABASE_URL, poolSize: WRITERS });
  const observer = new Client({ connectionString: database.adminUrl });
  const sequencer = new Sequencer(config, skey, new Clock());
  try {
    await source.initialize();
    await observer.connect();
    const unitOfWork = new UnitOfWork(source);
    say(`plain inserts: ${WRITERS} writers, ${seconds} s`);
    const reference = await plainInserts(unitOfWork, observer, seconds);
    sequencer.onApplicationBootstrap();
    say(`custody entries: ${WRITERS} writers, ${seconds} s`);
    const { perSecond, p99Ms } = await sequencedEntries(unitOfWork, observer, seconds);
    report({ name: 'custody.append', value: perSecond, unit: 'entries/s', reference });
    report({ name: 'custody.sequenced-p99', value: p99Ms, unit: 'ms' });
    await sequencer.onApplicationShutdown();
    say('fsck of these entries');
    report({ name: 'custody.fsck', value: await fsckPerSecond(observer, vkey), unit: 'entries/s' });
  } finally {
    await sequencer.onApplicationShutdown();
    if (source.isInitialized) await source.destroy();
    await observer.end();
    await database.drop();
  }
}

/** Rows of what an entry with its payload holds: header, payload, salt, commitment and ids come to about this much. */
async function plainInserts(unitOfWork: UnitOfWork, owner: Client, seconds: number): Promise<number> {
  await owner.query(
    'CREATE TABLE plain_rows (id uuid PRIMARY KEY, body bytea NOT NULL); GRANT INSERT ON plain_rows TO custodiet_app',
  );
  const body = randomBytes(Buffer.byteLength(JSON.stringify({ who: BY, event: eventOf(0) })) + 150);
  const { count, elapsedMs } = await writeFor(seconds, async () => {
    await unitOfWork.run((tx) => tx.query('INSERT INTO plain_rows (id, body) VALUES ($1, $2)', [randomUUID(), body]));
  });
  return (count / elapsedMs) * 1000;
}

async function sequencedEntries(
  unitOfWork: UnitOfWork,
  observer: Client,
  seconds: number,
): Promise<{ perSecond: number; p99Ms: number }> {
  const custody = new Custody(new Clock());
  const subjects = Array.from({ length: SUBJECTS }, () => randomUUID());
  const committedAt = new Map<string, number>();
  const delays: number[] = [];
  const stopWatching = await watchSequenced(observer, (id, at) => {
    // Seen before the writer had its answer: it was in the log sooner than anybody could know.
    delays.push(Math.max(0, at - (committedAt.get(id) ?? at)));
    committedAt.delete(id);
  });
  const begun = performance.now();
  const { count } = await writeFor(seconds, async (n) => {
    const subject = subjects[n % SUBJECTS] ?? randomUUID();
    const id = await unitOfWork.run((tx) => custody.append(tx, subject, eventOf(n), BY));
    committedAt.set(id, performance.now());
  });
  await eventually('every entry has its place in the log', () => delays.length >= count, { withinMs: 120_000, everyMs: 5 });
  const elapsedMs = performance.now() - begun;
  await stopWatching();
  delays.sort((a, b) => a - b);
  return { perSecond: (count / elapsedMs) * 1000, p99Ms: delays[Math.floor(delays.length * 0.99)] ?? 0 };
}

/** Tells of each entry when it can first be read in the log. */
async function watchSequenced(client: Client, seen: (id: string, at: number) => void): Promise<() => Promise<void>> {
  let next = 0n;
  let reading = Promise.resolve();
  const look = async (): Promise<void> => {
    const { rows } = await client.query<{ index: string; id: string }>(
      'SELECT index, id FROM custody_entries WHERE index >= $1 ORDER BY index',
      [next.toString()],
    );
    const at = performance.now();
    for (const row of rows) seen(row.id, at);
    next = BigInt(rows.at(-1)?.index ?? next - 1n) + 1n;
  };
  client.on('notification', () => {
    reading = reading.then(look);
  });
  await client.query('LISTEN custody_sequenced');
  return async () => {
    await client.query('UNLISTEN custody_sequenced');
    await reading;
  };
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
