import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { fsck, type Query } from '#custody';
import { loadConfig } from '#platform';
import { parseVerifier } from '#tlog';

const USAGE = `Usage: fsck [--log-key VKEY]... [--json]

Re-derives the whole custody log from the rows of DATABASE_URL and compares it with every signed checkpoint.
Give the log's public key (--log-key, as pinned by docks and auditors); without it the keys stored in the database
are used, which proves nothing against somebody who may write there.
Exit 0: consistent. 1: findings. 2: usage or no connection.
`;

interface Options {
  readonly keys: readonly string[];
  readonly json: boolean;
}

function readOptions(): Options {
  try {
    const { values } = parseArgs({
      options: {
        'log-key': { type: 'string', multiple: true },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    return { keys: values['log-key'] ?? [], json: values.json };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

async function check(options: Options): Promise<void> {
  const client = new Client({ connectionString: loadConfig('api').DATABASE_URL });
  await client.connect();
  try {
    // One snapshot: the log goes on growing while it is read.
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const query: Query = async (sql, parameters) => (await client.query(sql, [...parameters])).rows as never;
    const stored = (await client.query<{ vkey: string }>('SELECT vkey FROM log_keys')).rows.map((row) => row.vkey);
    const report = await fsck(query, (options.keys.length > 0 ? options.keys : stored).map(parseVerifier));
    if (options.json) process.stdout.write(`${JSON.stringify({ ...report, entries: Number(report.entries) })}\n`);
    else {
      for (const { where, what } of report.findings) process.stdout.write(`✗ ${where}: ${what}\n`);
      process.stdout.write(
        `${report.ok ? '✓' : '✗'} ${report.origin}: ${report.entries} entries, ${report.checkpoints} checkpoints, ${report.findings.length} findings\n`,
      );
    }
    process.exitCode = report.ok ? 0 : 1;
  } finally {
    await client.end();
  }
}

await check(readOptions()).catch((error: unknown) => {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
});
