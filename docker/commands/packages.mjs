import { join } from 'node:path';
import { installNodePackages } from '../packages-and-build.mjs';

/** Installs the npm packages of the lock file where they are not installed yet. */
export async function packages({ top, progress }) {
  await progress.step('packages', () => installNodePackages({ top, logs: join(top, '.data', 'logs') }));
  return 0;
}
