import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, readJson } from '../processes.mjs';
import { table } from '../progress.mjs';
import { liveRun } from '../running-service.mjs';

/** Says what runs. @returns {Promise<number>} 0: running, 3: not running (as in LSB init scripts) */
export async function status({ dataFolder, progress }) {
  const run = liveRun(dataFolder);
  const state = (identity) => (isAlive(identity) ? `running, process ${identity.pid}` : 'not running');
  const rows = Object.entries(run?.apps ?? {}).map(([name, identity]) => [name, state(identity)]);
  let records = [];
  try {
    records = readdirSync(join(dataFolder, 'services')).filter((name) => name.endsWith('.json'));
  } catch {
    // No native service was ever started.
  }
  for (const record of records) rows.push([record.replace(/\.json$/, ''), state(readJson(join(dataFolder, 'services', record)))]);
  progress.say(
    run
      ? `Custodiet ${run.url ? `runs at ${run.url}` : 'is starting'} (process ${run.supervisor.pid})`
      : 'Custodiet is not running.',
  );
  if (rows.length > 0) progress.say(table(rows));
  return run?.url ? 0 : 3;
}
