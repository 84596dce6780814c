import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { productEnvironment } from './environment.mjs';
import { Refusal } from './failures.mjs';
import { build, installNodePackages } from './packages-and-build.mjs';
import { identify, interrupted, isAlive, readJson, run, stop, writeJson } from './processes.mjs';
import { dropDatabase } from './services/drop-database.mjs';
import { findFfmpeg, installMissing, planServices, startServices, stopServices } from './services/provide-services.mjs';
import { Settings } from './settings.mjs';

/**
 * Provides services with empty data on ports of their own, runs `work` with the product's environment, then stops the services and
 * deletes the data, however it ended. A copy of the logs stays under `.data/logs/` when `work` says that something failed.
 *
 * @param {object} context
 * @param {'test' | 'bench'} kind
 * @param {(environment: Record<string, string>, dataFolder: string) => Promise<{ failed: boolean }>} work
 */
export async function withThrowAwayServices({ top, user, progress }, kind, { skipBuild = false }, work) {
  const plan = await planServices({ user, holders: {}, tests: kind === 'test' });
  const runName = `${kind}-${process.pid}`;
  const dataFolder = join(top, '.data', runName);
  const logs = join(top, '.data', 'logs', runName);
  await sweep(top, progress);
  // Left over from another process of that number.
  rmSync(dataFolder, { recursive: true, force: true });
  writeJson(join(dataFolder, 'run.json'), { supervisor: identify(process.pid) });
  const settings = new Settings(dataFolder);
  const place = { top, dataFolder, logs, settings, user, progress };
  const database = plan.sources.postgres === 'named' ? `custodiet_${runName.replace('-', '_')}` : 'custodiet';
  let failed = true;
  let environment;
  try {
    await installMissing(plan, place);
    environment = await together([
      () => startThrowAway(plan, { ...place, database, runName }),
      () => packagesAndBuild(place, skipBuild),
    ]);
    await makeSigningKey(top, environment, logs, progress);
    ({ failed } = await work(environment, dataFolder));
  } finally {
    if (environment?.DATABASE_ADMIN_URL && plan.sources.postgres === 'named') {
      await dropDatabase(top, environment.DATABASE_ADMIN_URL, database).catch((error) => {
        progress.say(`The database ${database} could not be dropped: ${error.message}`);
      });
    }
    await stopServices({ ...place, forget: true });
    if (failed && !interrupted.aborted) progress.say(`Logs of the services: ${logs}`);
    else rmSync(logs, { recursive: true, force: true });
  }
}

/** The environment of services with a data folder of their own. */
export async function startThrowAway(plan, place) {
  const { top, dataFolder, settings, user, runName } = place;
  // On a server that the person named, the roles outlive the run and a running service may be using them: same passwords as there.
  const roleSettings = plan.sources.postgres === 'named' ? new Settings(join(top, '.data')) : settings;
  const services = await startServices(plan, { ...place, roleSettings });
  mkdirSync(join(dataFolder, 'work'), { recursive: true });
  return productEnvironment({
    user,
    services,
    dataFolder,
    ports: { api: await settings.freePort('api'), worker: await settings.freePort('worker') },
    logOrigin: settings.logOrigin(),
    ffmpeg: findFfmpeg(user),
    throwAway: true,
    runName,
  });
}

async function packagesAndBuild(place, skipBuild) {
  await place.progress.step('packages', () => installNodePackages(place));
  if (!skipBuild) await place.progress.step('build', () => build(place));
}

/** Waits for all also when one fails, so that nothing is still starting while everything is stopped. @returns the first one's result */
export async function together(works) {
  const outcomes = await Promise.allSettled(works.map((work) => work()));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return outcomes[0].value;
}

/** Makes the log's signing key on first use. A key file that the person named is never made up: it may be a typing mistake. */
export async function makeSigningKey(top, environment, logs, progress, named = false) {
  const file = environment.LOG_SIGNING_KEY_FILE;
  if (existsSync(file)) return;
  if (named) throw new Refusal(`LOG_SIGNING_KEY_FILE names ${file}, which does not exist.`, 2);
  const program = join(top, 'dist', 'apps', 'worker', 'src', 'make-key.js');
  if (!existsSync(program)) {
    progress.say(`  no signing key was made: ${program} is not built`);
    return;
  }
  await progress.step('signing key', async () => {
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
    const env = { ...process.env, ...environment };
    await run(nodeOf(top), [program, environment.LOG_ORIGIN, file], { log: join(logs, 'make-key.log'), env, cwd: top });
    return environment.LOG_ORIGIN;
  });
}

/** Node 24 from the packages: what runs the product whatever the system's own Node is. */
export function nodeOf(top) {
  return join(top, 'node_modules', '.bin', 'node');
}

/** The record of the test or benchmark runner under way: killed alone, up.mjs leaves it running. */
export function runnerOf(dataFolder) {
  return join(dataFolder, 'runner.json');
}

/** Stops and deletes what throw-away runs left behind that were killed. */
async function sweep(top, progress) {
  const parent = join(top, '.data');
  const folders = existsSync(parent) ? readdirSync(parent).filter((name) => /^(test|bench)-\d+$/.test(name)) : [];
  for (const dataFolder of folders.map((name) => join(parent, name))) {
    if (isAlive(readJson(join(dataFolder, 'run.json'))?.supervisor)) continue;
    progress.say(`Left behind by a run that was killed: ${basename(dataFolder)}`);
    const logs = join(parent, 'logs', basename(dataFolder));
    await stop(readJson(runnerOf(dataFolder)), { group: true });
    await stopServices({ top, dataFolder, logs, settings: new Settings(dataFolder), progress, forget: true });
  }
}
