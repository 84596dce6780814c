import { untilInterrupted } from '../processes.mjs';
import { table } from '../progress.mjs';
import { startService } from '../start-service.mjs';

/** Starts the service and stays in the foreground until Ctrl-C or `stop`. @returns {Promise<number>} exit code */
export async function start(context) {
  const { progress } = context;
  const service = await startService(context);
  if (service.other) {
    const { url, accounts, supervisor } = service.other;
    progress.say(url ? `Custodiet already runs at ${url}` : `Custodiet is already being started (process ${supervisor.pid}).`);
    if (accounts) progress.say(`\n${signIns(accounts)}`);
    return 0;
  }
  progress.say(`\nCustodiet runs at ${service.url} (ready after ${progress.elapsed()})\n`);
  progress.say(`${signIns(service.accounts)}\n`);
  if (service.demonstrationWitness) {
    progress.say(
      'Checkpoints of the log are cosigned by a witness on this same machine, for demonstration only: a real one is run',
    );
    progress.say('elsewhere, by an oversight board (apps/witness/README.md), and named in WITNESS_POLICY_FILE.\n');
  }
  progress.say('Ctrl-C, or npm stop in another terminal, stops it; the data stays.');
  await untilInterrupted();
  progress.say();
  await service.stop();
  return 0;
}

function signIns(accounts) {
  return table([
    ['role', 'user name', 'password'],
    ...accounts.map(({ role, username, password }) => [role, username, password]),
  ]);
}
