import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { custodyBench } from './custody.bench.js';
import { figureLine, type Bench } from './figure.js';
import { tlogBench } from './tlog.bench.js';
import { verifyBench } from './verify.bench.js';

/** Every suite there is: a new one is added here. */
const SUITES = new Map<string, (bench: Bench) => Promise<void>>([
  ['custody', custodyBench],
  ['tlog', tlogBench],
  ['verify', verifyBench],
]);

const HELP = `npm run bench [-- [SUITE…] [--seconds N] [--list]]: measures with services of its own.

SUITE      ${[...SUITES.keys()].join(', ')} (default: all of them)
--seconds  how long each measurement may take (default: 10)
--list     print the names of the suites

Standard output: one JSON object a figure, {"name","value","unit"} and, where there is a reference run, "reference" and "ratio".
Exit status: 0 measured, 1 a suite failed, 2 wrong usage.
`;

class WrongUsage extends Error {}

async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = readArguments(args);
  if (values.help || values.list) {
    process.stdout.write(values.help ? HELP : `${[...SUITES.keys()].join('\n')}\n`);
    return 0;
  }
  const seconds = Number(values.seconds);
  if (!(seconds > 0)) throw new WrongUsage(`--seconds ${values.seconds} is not a number above 0.`);
  const unknown = positionals.filter((name) => !SUITES.has(name));
  if (unknown.length > 0) throw new WrongUsage(`There is no suite ${unknown.join(', ')}, only ${[...SUITES.keys()].join(', ')}.`);
  // Standard output is for figures; Nest's logger puts there whatever is no error.
  Logger.overrideLogger(['error', 'fatal']);
  const bench: Bench = {
    seconds,
    report: (figure) => process.stdout.write(`${figureLine(figure)}\n`),
    say: (line) => process.stderr.write(`${line}\n`),
  };
  for (const [name, suite] of SUITES) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    bench.say(`suite ${name}`);
    await suite(bench);
  }
  return 0;
}

function readArguments(args: readonly string[]) {
  const options = {
    seconds: { type: 'string', default: '10' },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  } as const;
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error));
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof WrongUsage) process.stderr.write(`${error.message}\n\n${HELP}`);
  else process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = error instanceof WrongUsage ? 2 : 1;
}
