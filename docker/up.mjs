#!/usr/bin/env node
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readUserEnvironment } from './environment.mjs';
import { Interrupted, Refusal } from './failures.mjs';
import { catchSignals } from './processes.mjs';
import { Progress } from './progress.mjs';

const HELP = `Usage: node docker/up.mjs COMMAND [arguments]

  start            install, build, provide the services, migrate, seed, run API, worker and a demonstration witness until Ctrl-C
  stop             stop what start started, from another terminal; the data stays
  status           say what runs (exit code 0: running, 3: not running)
  test [ARGS]      run all tests with throw-away services; ARGS go to jest, a leading --no-build leaves the build as it is
  demo [ARGS]      play the demonstration against the running service, starting it if need be
  bench [SUITE…]   run benchmarks with throw-away services
  packages         install the npm packages of package-lock.json where they are not installed yet
  env              start services for working on the code (in .data/dev) and print their environment as shell lines

  --data DIR       (start, stop, status, demo, env) use this folder in place of .data; right after the command
  --delete         (stop) delete the data folder's data as well

Services come from DATABASE_URL, REDIS_URL and S3_ENDPOINT where set (also in a .env file), else from a Docker engine with compose,
else they run natively from Debian's packages with their data under .data/.`;

const COMMANDS = {
  start: async () => (await import('./commands/start.mjs')).start,
  stop: async () => (await import('./commands/stop.mjs')).stop,
  status: async () => (await import('./commands/status.mjs')).status,
  test: async () => (await import('./commands/test.mjs')).test,
  demo: async () => (await import('./commands/demo.mjs')).demo,
  bench: async () => (await import('./commands/bench.mjs')).bench,
  packages: async () => (await import('./commands/packages.mjs')).packages,
  env: async () => (await import('./commands/env.mjs')).env,
};
/** Their standard output belongs to something a program may read. */
const OUTPUT_IS_RESULT = new Set(['demo', 'bench', 'env']);

async function main([command, ...args]) {
  if (command === undefined || command === '--help' || command === '-h' || command === 'help') {
    process.stdout.write(`${HELP}\n`);
    return command === undefined ? 2 : 0;
  }
  if (!Object.hasOwn(COMMANDS, command)) {
    process.stderr.write(`There is no command ${command}.\n\n${HELP}\n`);
    return 2;
  }
  const top = dirname(dirname(fileURLToPath(import.meta.url)));
  let dataFolder = join(top, '.data', ...(command === 'env' ? ['dev'] : []));
  if (args[0] === '--data' && args[1] !== undefined) {
    dataFolder = resolve(args[1]);
    args.splice(0, 2);
  }
  const progress = new Progress(OUTPUT_IS_RESULT.has(command) ? process.stderr : process.stdout);
  catchSignals();
  try {
    const run = await COMMANDS[command]();
    return await run({ top, dataFolder, logs: join(dataFolder, 'logs'), user: readUserEnvironment(top), progress }, args);
  } catch (error) {
    if (error instanceof Refusal) process.stderr.write(`\n${error.message}\n`);
    else if (!(error instanceof Interrupted)) process.stderr.write(`\n${error.stack}\n`);
    return error.exitCode ?? 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
