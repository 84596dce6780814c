import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { identify, isAlive, readJson, stop, writeJson } from './processes.mjs';

/**
 * What is known of a started service, in `run.json` in its data folder (readable by its owner only: it holds the environment).
 * @typedef {object} Run
 * @property {import('./processes.mjs').Identity} supervisor the up.mjs in the foreground
 * @property {string} [url] set once the service is ready
 * @property {Record<string, import('./processes.mjs').Identity>} apps api, worker and the demonstration's witness
 * @property {Record<string, string>} [environment] what the product was started with
 * @property {{ role: string, username: string, password: string }[]} [accounts]
 */

const fileOf = (dataFolder) => join(dataFolder, 'run.json');

/** @returns {Run | undefined} */
export function readRun(dataFolder) {
  return readJson(fileOf(dataFolder));
}

/** @returns {Run | undefined} the run whose up.mjs is alive */
export function liveRun(dataFolder) {
  const run = readRun(dataFolder);
  return run && isAlive(run.supervisor) ? run : undefined;
}

/** Makes this process the one that runs the service. @returns {Run | undefined} the other run, if there is one */
export function claimRun(dataFolder) {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const mine = JSON.stringify({ supervisor: identify(process.pid), apps: {} });
  for (;;) {
    try {
      writeFileSync(fileOf(dataFolder), mine, { flag: 'wx', mode: 0o600 });
      return undefined;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const other = liveRun(dataFolder);
    if (other) return other;
    rmSync(fileOf(dataFolder), { force: true });
  }
}

export function noteRun(dataFolder, changes) {
  writeJson(fileOf(dataFolder), { ...readRun(dataFolder), ...changes });
}

/** A process of the service, so that it is found again should this one be killed. */
export function noteApp(dataFolder, name, identity) {
  noteRun(dataFolder, { apps: { ...readRun(dataFolder)?.apps, [name]: identity } });
}

export function endRun(dataFolder) {
  rmSync(fileOf(dataFolder), { force: true });
}

/** What a killed up.mjs left of the product running. @returns {Promise<string[]>} the names of those that were stopped */
export async function stopOrphans(dataFolder) {
  const apps = Object.entries(readRun(dataFolder)?.apps ?? {});
  const stopped = await Promise.all(
    apps.map(async ([name, identity]) => ((await stop(identity, { group: true })) ? [name] : [])),
  );
  return stopped.flat();
}

/** True when this data folder was ever used: otherwise there is nothing to stop. */
export function wasUsed(dataFolder) {
  return existsSync(join(dataFolder, 'settings.json'));
}
