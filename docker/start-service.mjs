import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { demonstrationWitness } from './demonstration-witness.mjs';
import { environmentOf, productEnvironment, reachable } from './environment.mjs';
import { Refusal } from './failures.mjs';
import { build, installNodePackages } from './packages-and-build.mjs';
import { isFree } from './ports.mjs';
import { interrupted, run, until } from './processes.mjs';
import { claimRun, endRun, liveRun, noteApp, noteRun, stopOrphans } from './running-service.mjs';
import { findFfmpeg, installMissing, planServices, startServices, stopServices } from './services/provide-services.mjs';
import { Settings } from './settings.mjs';
import { SupervisedApp } from './supervised-app.mjs';
import { makeSigningKey, nodeOf, together } from './throw-away-run.mjs';

/** As in the Dockerfile: with a small nursery, and a heap that is tidied up whenever it has grown by a fifth, a burst leaves little garbage lying about. */
const API_OPTIONS = ['--max-semi-space-size=4', '--heap-growing-percent=20'];

/**
 * Brings the whole service up.
 * @returns {Promise<{ other: import('./running-service.mjs').Run } | { url: string, accounts: object[], environment: Record<string, string>, demonstrationWitness: boolean, stop: () => Promise<void> }>}
 *   `other` when it runs already
 */
export async function startService({ top, dataFolder, logs, user, progress }) {
  // Before anything is written: a refusal must leave the machine as it was.
  const policy = user.WITNESS_POLICY_FILE;
  if (policy && !existsSync(resolve(top, policy)))
    throw new Refusal(`WITNESS_POLICY_FILE names ${policy}, which does not exist.`, 2);
  const plan = await planServices({ user, holders: new Settings(dataFolder).holders });
  const other = liveRun(dataFolder) ?? (await takeOver(dataFolder, progress));
  if (other) return { other };
  const settings = new Settings(dataFolder);
  const place = { top, dataFolder, logs, settings, user, progress };
  const started = [];
  const stop = async () => {
    // The witness last: what API and worker have in hand may wait for its cosignature.
    for (const group of started.toReversed())
      await Promise.all(group.map(({ name, app }) => progress.step(name, () => app.stop().then(() => 'stopped'))));
    await stopServices(place);
    endRun(dataFolder);
  };
  try {
    await installMissing(plan, place);
    const services = await together([
      () => startServices(plan, place),
      async () => {
        await progress.step('packages', () => installNodePackages(place));
        await progress.step('build', () => build(place));
      },
    ]);
    mkdirSync(join(dataFolder, 'work'), { recursive: true, mode: 0o700 });
    const environment = productEnvironment({
      user,
      services,
      dataFolder,
      ports: { api: await portOf('PORT', 'api', 8080), worker: await portOf('WORKER_PORT', 'worker') },
      logOrigin: user.LOG_ORIGIN ?? settings.logOrigin(),
      ffmpeg: findFfmpeg(user),
    });
    interrupted.throwIfAborted();
    if (!user.LOG_SIGNING_KEY) await makeSigningKey(top, environment, logs, progress, user.LOG_SIGNING_KEY_FILE !== undefined);
    // Whoever named a policy has witnesses elsewhere.
    const witness = user.WITNESS_POLICY_FILE
      ? undefined
      : await demonstrationWitness(place, { ...environment, LOG_SIGNING_KEY: user.LOG_SIGNING_KEY });
    const accounts = await migrateAndSeed(place, environment);
    noteRun(dataFolder, { environment, accounts });
    for (const programs of programsOf(place, environment, witness)) await startApps(place, programs, started);
    const url = environment.PUBLIC_URL;
    noteRun(dataFolder, { url });
    return { url, accounts, environment, demonstrationWitness: witness !== undefined, stop };
  } catch (error) {
    await stop();
    throw error;
  }

  /** A port that the person named is taken as it is; another one would not be where they look. */
  async function portOf(variable, name, preferred) {
    if (!user[variable]) return settings.freePort(name, preferred);
    if (await isFree(Number(user[variable]), user.HOST ?? '127.0.0.1')) return user[variable];
    throw new Refusal(`${variable} is ${user[variable]}, but another program listens there.`);
  }
}

/** Ends what a killed up.mjs left of API and worker: they may be of another build. Its services are found running and used again. */
async function takeOver(dataFolder, progress) {
  const orphans = await stopOrphans(dataFolder);
  if (orphans.length > 0) progress.say(`Stopped what a killed run had left: ${orphans.join(', ')}`);
  return claimRun(dataFolder);
}

/** @returns {Promise<{ role: string, username: string, password: string }[]>} the demo agency's accounts */
async function migrateAndSeed({ top, dataFolder, logs, user, progress }, environment) {
  const env = { ...user, ...environment, DEMO_ACCOUNTS_FILE: join(dataFolder, 'demo-accounts.json') };
  const program = (...path) => [join(top, 'dist', 'apps', ...path)];
  await progress.step('migrations', async () => {
    await run(nodeOf(top), program('worker', 'src', 'migrate.js'), { log: join(logs, 'migrate.log'), env, cwd: top });
  });
  const { accounts } = await progress.step('demo agency', async () => {
    // Its standard output holds the passwords: it does not go to the log.
    const args = program('api', 'src', 'seed.js');
    const out = await run(nodeOf(top), args, { log: join(logs, 'seed.log'), env, cwd: top, capture: true });
    const seeded = parseSeed(out);
    return { said: seeded.agency, accounts: seeded.accounts };
  });
  return accounts;
}

/** The seed program prints one JSON object; whatever a library prints before it is passed over. */
export function parseSeed(out) {
  try {
    const seeded = JSON.parse(out.slice(out.search(/^\{/m)));
    if (Array.isArray(seeded.accounts)) return seeded;
  } catch {
    // Said below.
  }
  throw new Refusal('The seed program did not print the accounts it made. See seed.log in the logs folder.');
}

/** What runs of the product: those of one group are started side by side, when the group before it is ready. */
function programsOf({ top, user }, environment, witness) {
  const host = reachable(environment.HOST);
  const nest = (name, port) => ({
    name,
    args: [...(name === 'api' ? API_OPTIONS : []), join(top, 'dist', 'apps', name, 'src', 'main.js')],
    env: environmentOf(name, { ...user, ...environment }),
    isReady: () => answers(`http://${host}:${port}/health/ready`, 200),
  });
  const apps = [nest('api', environment.PORT), nest('worker', environment.WORKER_PORT)];
  if (!witness) return [apps];
  // It has no page of its own; what it takes by POST only is there.
  const isReady = () => answers(`${witness.url}/add-checkpoint`, 405);
  // It is to know nothing of the service but the public key in its config.
  return [[{ name: 'witness', args: witness.args, env: {}, isReady }], apps];
}

/** Starts one group and notes it in `started` for being stopped. @throws {Refusal} when one of them does not become ready */
async function startApps({ top, dataFolder, logs, progress }, programs, started) {
  const group = [];
  started.push(group);
  const ready = programs.map(({ name, args, env, isReady }) => {
    const log = join(logs, `${name}.log`);
    const app = new SupervisedApp(
      name,
      { command: nodeOf(top), args, env, cwd: top, log },
      (line) => progress.say(`! ${line} (${log})`),
      (identity) => noteApp(dataFolder, name, identity),
    );
    group.push({ name, app });
    return progress.step(name, async () => {
      app.start();
      // Two ends in a row are no accident of the start but a fault that waiting will not mend.
      const done = await until(async () => interrupted.aborted || app.deaths > 1 || (await isReady()), 90, 200);
      interrupted.throwIfAborted();
      if (!done || app.deaths > 1) throw new Refusal(`${name} did not become ready. The end of ${log}:\n${endOf(log)}`);
      return 'ready';
    });
  });
  const outcomes = await Promise.allSettled(ready);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function answers(url, status) {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).status === status;
  } catch {
    return false;
  }
}

function endOf(log) {
  try {
    return readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .slice(-12)
      .map((line) => `    ${line}`)
      .join('\n');
  } catch {
    return '    (empty)';
  }
}
