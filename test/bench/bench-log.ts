import { randomFillSync, randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { LogMirror, type Attribution, type CustodyEvent } from '#custody';
import { loadConfig, type Config } from '#platform';
import { ObjectStore } from '#storage';
import { commitPayload, parseVerifier, type NoteVerifier } from '#tlog';
import { eventually } from '../support/eventually.js';
import { testEnvironment, type TestEnvironment } from '../support/stack.js';
import { SequencerThread } from './sequencer-thread.js';

const SUBJECTS = 1000;
const AT_ONCE = 5000;
const SALT_BYTES = 32;

export const BY: Attribution = {
  kind: 'person',
  id: randomUUID(),
  name: 'Bench Writer',
  badge: '4711',
  roles: ['investigator'],
  method: 'password',
  address: '192.0.2.1',
  userAgent: 'bench',
};

export function eventOf(n: number): CustodyEvent {
  return {
    type: 'viewing.opened',
    viewing: '01a1f8aa-fcc6-73f4-88b6-f541737d450d',
    grant: '01a1f8aa-dbb2-77e2-8311-f91b5e07e709',
    purpose: 'internal-investigation',
    caseNumber: `IA-${n}`,
  };
}

/** As Custody.append writes them, but thousands in one statement. */
const INSERT = `
  WITH asked AS (
    SELECT id, payload, subject, at, substring($5::bytea FROM (n::int - 1) * 32 + 1 FOR 32) AS salt,
      substring($6::bytea FROM (n::int - 1) * 32 + 1 FOR 32) AS pc, n
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::timestamptz[]) WITH ORDINALITY AS a (id, payload, subject, at, n)
  ), paid AS (INSERT INTO custody_payloads (entry, salt, payload) SELECT id, salt, payload FROM asked)
  INSERT INTO custody_pending (id, subject, type, at, actor, pc) SELECT id, subject, $7, at, $8, pc FROM asked ORDER BY n`;

/** A log of its own that holds so many entries, signed and mirrored: each was asked for by rows like Custody's, and placed by the product's sequencer. */
export class BenchLog {
  readonly config: Config;
  readonly verifier: NoteVerifier;
  readonly subjects: readonly string[] = Array.from({ length: SUBJECTS }, () => randomUUID());
  private sequencer: SequencerThread | undefined;

  private constructor(
    readonly environment: TestEnvironment,
    /** A superuser in its database. */
    readonly observer: Client,
  ) {
    this.config = loadConfig('worker', environment.env);
    this.verifier = parseVerifier(environment.logKey);
  }

  static async of(entries: number, say: (line: string) => void): Promise<BenchLog> {
    const environment = await testEnvironment({ CHECKPOINT_SECONDS: '10' });
    const observer = new Client({ connectionString: environment.database.adminUrl });
    await observer.connect();
    const log = new BenchLog(environment, observer);
    try {
      const begun = performance.now();
      log.sequence();
      await log.fill(entries);
      say(`a log of ${entries} entries, made in ${Math.round((performance.now() - begun) / 1000)} s`);
      await log.untilMirrored(BigInt(entries));
      // What a database does in quiet hours, so that it does not do it while something is measured.
      await observer.query('VACUUM (ANALYZE)');
      await observer.query('CHECKPOINT');
      return log;
    } catch (error) {
      await log.drop();
      throw error;
    }
  }

  /** Starts its sequencer, if none is running. */
  sequence(): void {
    this.sequencer ??= new SequencerThread(this.config);
  }

  async stopSequencing(): Promise<void> {
    await this.sequencer?.stop();
    this.sequencer = undefined;
  }

  async size(): Promise<number> {
    const { rows } = await this.observer.query<{ size: string }>('SELECT size FROM log_state');
    return Number(rows[0]?.size ?? 0);
  }

  async drop(): Promise<void> {
    await this.stopSequencing();
    await this.observer.end();
    await this.environment.dispose();
  }

  private async fill(entries: number): Promise<void> {
    const writer = new Client({ connectionString: this.config.DATABASE_URL });
    await writer.connect();
    try {
      const begun = Date.now() - entries;
      let written: Promise<unknown> = Promise.resolve();
      for (let first = 0; first < entries; first += AT_ONCE) {
        const values = this.asked(first, Math.min(AT_ONCE, entries - first), begun);
        await written;
        written = writer.query({ name: 'fill', text: INSERT, values });
      }
      await written;
    } finally {
      await writer.end();
    }
    await eventually('every entry has its place', async () => (await this.size()) === entries, { withinMs: 600_000 });
  }

  private asked(first: number, count: number, begun: number): unknown[] {
    const salts = randomFillSync(Buffer.alloc(count * SALT_BYTES));
    const made = Array.from({ length: count }, (_, i) => {
      const { type: _type, ...event } = eventOf(first + i);
      return commitPayload(salts.subarray(i * SALT_BYTES, (i + 1) * SALT_BYTES), { who: { ...BY }, event });
    });
    return [
      made.map(() => uuidv7()),
      made.map(({ text }) => text),
      made.map((_, i) => this.subjects[(first + i) % SUBJECTS]),
      made.map((_, i) => new Date(begun + first + i).toISOString()),
      salts,
      Buffer.concat(made.map(({ commitment }) => commitment)),
      eventOf(0).type,
      BY.id,
    ];
  }

  /** Until then its worker is busy with the mirror. */
  private async untilMirrored(size: bigint): Promise<void> {
    const {
      S3_ENDPOINT: endpoint,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
    } = this.config;
    const store = new ObjectStore({ endpoint, region, accessKeyId, secretAccessKey });
    try {
      const mirror = new LogMirror(this.config, store);
      const look = async (): Promise<boolean> => {
        const [newest] = await mirror.newest(this.verifier.name, size);
        return newest !== undefined && newest.size >= size;
      };
      await eventually('the log is mirrored', look, { withinMs: 600_000, everyMs: 1000 });
    } finally {
      store.close();
    }
  }
}

/** Each log is made when it is first asked for. */
export class BenchLogs {
  private readonly made = new Map<number, BenchLog>();

  constructor(private readonly say: (line: string) => void) {}

  async holding(entries: number): Promise<BenchLog> {
    const log = this.made.get(entries) ?? (await BenchLog.of(entries, this.say));
    this.made.set(entries, log);
    return log;
  }

  async drop(): Promise<void> {
    for (const log of this.made.values()) await log.drop();
  }
}
