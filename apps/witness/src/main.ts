#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { initCommand } from './init-command.js';
import { serveCommand } from './serve-command.js';
import { statusCommand } from './status-command.js';
import { UsageFault, messageOf } from './witness-faults.js';

const VERSION = '0.1.0';

const HELP = `custodiet-witness ${VERSION}: cosigns checkpoints of logs that never shrink or change, for an oversight board.

  custodiet-witness init --name NAME --config FILE [--listen HOST:PORT] [--log VKEY]...
  custodiet-witness serve --config FILE [--new-state]
  custodiet-witness status --config FILE

init         makes the config, a key and an empty state beside it, and prints the witness's public key
serve        answers POST /add-checkpoint (C2SP tlog-witness) until it is stopped; one line of JSON a request on standard error
status       each log: size, root, time of the last cosignature; and both checkpoints of a log that showed two histories
--name       name of the witness, such as board.example/witness
--listen     where to listen (127.0.0.1:7380)
--log        public key of a log to witness; more can be added to the config later
--new-state  begin with an empty state although the one in the config is missing: read the README first
--help, --version

Exit status: 0 done or stopped, 1 failed, or status found a log with two histories,
2 wrong usage, config, key or state: nothing was started.
`;

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  if (values.help) return print(HELP, 0);
  if (values.version) return print(`${VERSION}\n`, 0);
  const [command, more] = positionals;
  if (command === undefined) throw new UsageFault('Which command?');
  if (more !== undefined) throw new UsageFault(`${JSON.stringify(more)} is one too many`);
  const { config, name, listen, log, 'new-state': newState = false } = values;
  const forInit = [name, listen, log].some((value) => value !== undefined);
  if (command !== 'init' && forInit) throw new UsageFault('--name, --listen and --log go with init');
  if (command !== 'serve' && newState) throw new UsageFault('--new-state goes with serve');
  if (config === undefined) throw new UsageFault('Which --config?');
  switch (command) {
    case 'init':
      if (name === undefined) throw new UsageFault('Which --name?');
      return print(`${await initCommand({ config, name, listen: listen ?? '127.0.0.1:7380', logs: log ?? [] })}\n`, 0);
    case 'serve':
      await serveCommand({ config, newState });
      return 0;
    case 'status': {
      const { text, ok } = await statusCommand(config);
      return print(text, ok ? 0 : 1);
    }
    default:
      throw new UsageFault(`There is no command ${JSON.stringify(command)}`);
  }
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        name: { type: 'string' },
        listen: { type: 'string' },
        log: { type: 'string', multiple: true },
        'new-state': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
    });
  } catch (error) {
    throw new UsageFault(messageOf(error));
  }
}

function print(text: string, status: number): number {
  process.stdout.write(text);
  return status;
}

try {
  // Not process.exit: it would cut off output that a pipe has not taken yet.
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const usage = error instanceof UsageFault;
  process.stderr.write(`custodiet-witness: ${messageOf(error)}\n${usage ? 'See custodiet-witness --help.\n' : ''}`);
  process.exitCode = usage ? 2 : 1;
}
