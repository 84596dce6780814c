import { randomBytes, randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Custody } from '#custody';
import { Clock, UnitOfWork } from '#platform';
import { eventually } from '../support/eventually.js';
import { BY, eventOf, type BenchLog } from './bench-log.js';
import type { Bench } from './figure.js';

const WRITERS = 32;
/** Both are measured in turns, so that whatever else the machine does meanwhile meets both. */
const TURNS = 4;
/** One entry in so many is timed: looking at each of them took a tenth of the machine. */
const TIMED = 8;

/**
 * Custody entries from many writers at once, one a transaction, as the API makes them, with a sequencer running. The reference is the
 * same writers putting rows of the same size into a plain table, by turns, in the same database.
 */
export async function appendBench({ seconds, entries, logs, report, say }: Bench): Promise<void> {
  const log = await logs.holding(entries);
  const source = new DataSource({ type: 'postgres', url: log.config.DATABASE_URL, poolSize: WRITERS });
  try {
    await source.initialize();
    log.sequence();
    const unitOfWork = new UnitOfWork(source);
    say(`${WRITERS} writers: plain inserts and custody entries by turns, ${seconds} s each`);
    const plain = await PlainTable.create(unitOfWork, log);
    const sequenced = new SequencedEntries(unitOfWork, log);
    await sequenced.watch();
    await sequenced.untilPlaced();
    for (let turn = 0; turn < TURNS; turn++) {
      await plain.writeFor(seconds / TURNS);
      await sequenced.writeFor(seconds / TURNS);
    }
    await sequenced.unwatch();
    const { perSecond, p99Ms, backlog } = sequenced.figures();
    report({ name: 'custody.append', value: perSecond, unit: 'entries/s', reference: plain.perSecond });
    report({ name: 'custody.sequenced-p99', value: p99Ms, unit: 'ms' });
    report({ name: 'custody.backlog', value: backlog.atEnd, unit: 'entries', reference: backlog.atHalfTime });
  } finally {
    await log.stopSequencing();
    if (source.isInitialized) await source.destroy();
  }
}

/** Rows of what an entry with its payload holds: header, payload, salt, commitment and ids come to about this much. */
class PlainTable {
  private count = 0;
  private elapsedMs = 0;
  private readonly body = randomBytes(Buffer.byteLength(JSON.stringify({ who: BY, event: eventOf(0) })) + 150);

  private constructor(private readonly unitOfWork: UnitOfWork) {}

  static async create(unitOfWork: UnitOfWork, { observer }: BenchLog): Promise<PlainTable> {
    await observer.query(
      'CREATE TABLE plain_rows (id uuid PRIMARY KEY, body bytea NOT NULL); GRANT INSERT ON plain_rows TO custodiet_app',
    );
    return new PlainTable(unitOfWork);
  }

  get perSecond(): number {
    return (this.count / this.elapsedMs) * 1000;
  }

  async writeFor(seconds: number): Promise<void> {
    const { count, elapsedMs } = await writeFor(seconds, async () => {
      await this.unitOfWork.run((tx) => tx.query('INSERT INTO plain_rows (id, body) VALUES ($1, $2)', [randomUUID(), this.body]));
    });
    this.count += count;
    this.elapsedMs += elapsedMs;
  }
}

class SequencedEntries {
  private readonly custody = new Custody(new Clock());
  /** When its writer had the answer, for each timed entry that was not seen in the log yet; undefined until then. */
  private readonly waiting = new Map<string, number | undefined>();
  private readonly delays: number[] = [];
  private readonly backlogs = { atHalfTime: [] as number[], atEnd: [] as number[] };
  private written = 0;
  private elapsedMs = 0;
  private begin = 0;
  private size = 0;
  private reading = Promise.resolve();

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly log: BenchLog,
  ) {}

  /** Learns of each entry when it can first be read in the log. */
  async watch(): Promise<void> {
    this.begin = this.size = await this.log.size();
    this.log.observer.on('notification', () => {
      this.reading = this.reading.then(() => this.look());
    });
    await this.log.observer.query('LISTEN custody_sequenced');
  }

  async unwatch(): Promise<void> {
    await this.log.observer.query('UNLISTEN custody_sequenced');
    await this.reading;
  }

  /** One entry, so that what is measured does not begin with a sequencer that is only starting. */
  async untilPlaced(): Promise<void> {
    await this.unitOfWork.run((tx) => this.custody.append(tx, randomUUID(), eventOf(0), BY));
    await eventually('the sequencer works', () => this.size > this.begin);
    this.begin = this.size;
  }

  /** The time until the last one has its place counts too: a backlog is not throughput. */
  async writeFor(seconds: number): Promise<void> {
    const begun = performance.now();
    const halfTime = setTimeout(() => this.backlogs.atHalfTime.push(this.backlog()), seconds * 500);
    await writeFor(seconds, async (n) => {
      const subject = this.log.subjects[n % this.log.subjects.length] ?? randomUUID();
      const id = await this.unitOfWork.run(async (tx) => {
        const entry = await this.custody.append(tx, subject, eventOf(n), BY);
        if (n % TIMED === 0) this.waiting.set(entry, undefined);
        return entry;
      });
      if (this.waiting.has(id)) this.waiting.set(id, performance.now());
      this.written += 1;
    });
    clearTimeout(halfTime);
    this.backlogs.atEnd.push(this.backlog());
    const all = (): boolean => this.backlog() === 0 && this.waiting.size === 0;
    await eventually('every entry has its place in the log', all, { withinMs: 120_000, everyMs: 5 });
    this.elapsedMs += performance.now() - begun;
  }

  figures(): { perSecond: number; p99Ms: number; backlog: { atHalfTime: number; atEnd: number } } {
    const sorted = [...this.delays].sort((a, b) => a - b);
    return {
      perSecond: (this.written / this.elapsedMs) * 1000,
      p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? NaN,
      backlog: { atHalfTime: mean(this.backlogs.atHalfTime), atEnd: mean(this.backlogs.atEnd) },
    };
  }

  /** Written, and without a place when the log was last looked at. */
  private backlog(): number {
    return Math.max(0, this.begin + this.written - this.size);
  }

  private async look(): Promise<void> {
    const { rows } = await this.log.observer.query<{ id: string }>({
      name: 'look',
      text: 'SELECT id FROM custody_entries WHERE id = ANY($1)',
      values: [[...this.waiting.keys()]],
    });
    const at = performance.now();
    this.size = await this.log.size();
    for (const { id } of rows) {
      // Seen before the writer had its answer: it was in the log sooner than anybody could know.
      this.delays.push(at - (this.waiting.get(id) ?? at));
      this.waiting.delete(id);
    }
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

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, n) => sum + n, 0) / numbers.length;
}
