import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import type { CustodyEntryAnswer } from '../support/answers.js';
import type { Cast } from './cast.js';
import { run } from './command-line-apps.js';
import { expectSame, Unexpected, type DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';
import { chainOf } from './watching.js';

interface Row {
  readonly id: string;
  readonly header: string;
  readonly leafHash: string;
}

interface Finding {
  readonly where: string;
  readonly what: string;
}

interface Fsck {
  readonly ok: boolean;
  readonly entries: number;
  /** How many there are; the list below may be cut. */
  readonly found: number;
  /** About the first entry that differs. */
  readonly first: Finding | null;
  readonly findings: readonly Finding[];
}

/** Row as it was, in hexadecimal, on disk for as long as it is not so in the database: even a killed demonstration leaves a way back. */
const UNDO_FILE = 'row-to-put-back.json';

/**
 * As a superuser: puts somebody else's name to a viewing, with a fitting leaf hash and the guarding triggers off. fsck must name that entry.
 * The row is put back whatever happens.
 */
export async function tamper(context: DemoContext, { auditor }: Cast, recording: string, logKey: string): Promise<Told> {
  const clean = await fsck(context, logKey);
  if (!clean.ok) throw new Unexpected('the log before anything was changed', 'no finding', clean.findings);
  const { index } = viewingInTheMiddle(await chainOf(auditor, recording));
  const row = await readRow(context, index);
  const found = await whileForged(context, row, () => fsck(context, logKey));
  const named = found.findings.filter(({ where }) => where === `entry ${index}`);
  if (found.ok || named.length === 0) throw new Unexpected('fsck', `to name entry ${index}`, found.findings);
  expectSame('the first entry that differs', `entry ${index}`, found.first?.where);
  const whole = await fsck(context, logKey);
  if (!whole.ok) throw new Unexpected('the log after the row was put back', 'no finding', whole.findings);
  const others = found.found - named.length;
  return {
    detail: `entry ${index}: ${named.map(({ what }) => what).join(', ')}; ${others} more findings. Put back: ${whole.entries} entries, no finding`,
  };
}

/** Puts the row back that a killed run left changed. @returns whether there was one in this database */
export async function putBackLeftover(context: DemoContext): Promise<boolean> {
  const file = join(context.artefacts, UNDO_FILE);
  if (!existsSync(file)) return false;
  const wasThere = await writeRow(context, JSON.parse(readFileSync(file, 'utf8')) as Row);
  if (wasThere) rmSync(file);
  return wasThere;
}

async function whileForged<T>(context: DemoContext, row: Row, look: () => Promise<T>): Promise<T> {
  const undo = join(context.artefacts, UNDO_FILE);
  writeFileSync(undo, JSON.stringify(row), { mode: 0o600 });
  try {
    if (!(await writeRow(context, forged(row)))) throw new Unexpected('the database', `a row for ${row.id}`, 'none');
    return await look();
  } finally {
    await writeRow(context, row);
    rmSync(undo);
  }
}

/** Never the last of its chain: an entry made meanwhile would link to the forged leaf. */
function viewingInTheMiddle(chain: readonly CustodyEntryAnswer[]): CustodyEntryAnswer {
  const entry = chain.slice(0, -1).findLast(({ type, actor }) => type === 'viewing.opened' && actor !== null);
  if (entry === undefined)
    throw new Unexpected(
      'the chain',
      'a viewing with something after it',
      chain.map(({ type }) => type),
    );
  return entry;
}

function forged({ id, header }: Row): Row {
  const text = Buffer.from(header, 'hex').toString('utf8');
  const changed = text.replace(/"actor":"([0-9a-f-]+)([0-9a-f])"/, (_, start: string, end: string) => {
    return `"actor":"${start}${end === '0' ? '1' : '0'}"`;
  });
  if (changed === text) throw new Unexpected('the header', 'an actor', text);
  const bytes = Buffer.from(changed, 'utf8');
  const leafHash = createHash('sha256').update(Buffer.of(0)).update(bytes).digest('hex');
  return { id, header: bytes.toString('hex'), leafHash };
}

async function readRow(context: DemoContext, index: string): Promise<Row> {
  return asSuperuser(context, async (client) => {
    const { rows } = await client.query<{ id: string; header: Buffer; leaf_hash: Buffer }>(
      'SELECT id, header, leaf_hash FROM custody_entries WHERE index = $1',
      [index],
    );
    const [row] = rows;
    if (row === undefined) throw new Unexpected('the database', `a row for entry ${index}`, 'none');
    return { id: row.id, header: row.header.toString('hex'), leafHash: row.leaf_hash.toString('hex') };
  });
}

/** The triggers are off only inside this one transaction: for everybody else they never are. @returns whether there is such a row */
async function writeRow(context: DemoContext, { id, header, leafHash }: Row): Promise<boolean> {
  return asSuperuser(context, async (client) => {
    await client.query('BEGIN');
    const { rows: triggers } = await client.query<{ name: string }>(
      `SELECT tgname AS name FROM pg_trigger WHERE tgrelid = 'custody_entries'::regclass AND NOT tgisinternal AND tgenabled = 'A'`,
    );
    const alter = (what: string): Promise<unknown> => client.query(`ALTER TABLE custody_entries ${what}`);
    for (const { name } of triggers) await alter(`DISABLE TRIGGER ${client.escapeIdentifier(name)}`);
    const update = 'UPDATE custody_entries SET header = $2, leaf_hash = $3 WHERE id = $1';
    const { rowCount } = await client.query(update, [id, Buffer.from(header, 'hex'), Buffer.from(leafHash, 'hex')]);
    for (const { name } of triggers) await alter(`ENABLE ALWAYS TRIGGER ${client.escapeIdentifier(name)}`);
    await client.query('COMMIT');
    return rowCount === 1;
  });
}

async function asSuperuser<T>({ database }: DemoContext, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: database.adminUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Rows, mirror and originals of the running service, whose own variables name them. */
async function fsck({ database, policyFile }: DemoContext, logKey: string): Promise<Fsck> {
  const env = { ...process.env, DATABASE_URL: database.url };
  const ran = await run('custodiet-verify.mjs', ['fsck', '--json', '--log-key', logKey, '--policy', policyFile], env);
  if (ran.code > 1) throw new Error(`custodiet-verify fsck could not run: ${ran.stderr.trim()}`);
  return JSON.parse(ran.stdout) as Fsck;
}
