import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installMissing, planServices } from '../services/provide-services.mjs';
import { Settings } from '../settings.mjs';
import { makeSigningKey, startThrowAway } from '../throw-away-run.mjs';

/**
 * Starts services for working on the code, leaves them running and prints the product's environment as shell lines:
 * `eval "$(node docker/up.mjs env)"`. `node docker/up.mjs stop --data .data/dev` stops them.
 */
export async function env({ top, dataFolder, logs, user, progress }) {
  const settings = new Settings(dataFolder);
  const plan = await planServices({ user, holders: settings.holders });
  const place = { top, dataFolder, logs, settings, user, progress, runName: 'dev' };
  await installMissing(plan, place);
  const environment = await startThrowAway(plan, { ...place, database: 'custodiet' });
  if (existsSync(join(top, 'node_modules'))) await makeSigningKey(top, environment, logs, progress);
  for (const [name, value] of Object.entries(environment)) process.stdout.write(`export ${name}=${quoted(value)}\n`);
  return 0;
}

function quoted(value) {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}
