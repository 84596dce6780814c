import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Logger } from '@nestjs/common';
import { appendBench } from './append.bench.js';
import { BenchLogs } from './bench-log.js';
import { bundleBench } from './bundle.bench.js';
import { figureLine, type Bench } from './figure.js';
import { fsckBench } from './fsck.bench.js';
import { ingestBench } from './ingest.bench.js';
import { mediaBench } from './media.bench.js';
import { proofBench } from './proof.bench.js';
import { tlogBench } from './tlog.bench.js';
import { verifyBench } from './verify.bench.js';
import { viewingBench } from './viewing.bench.js';

/** Every suite there is: a new one is added here. Those that make the log longer come last. */
const SUITES = new Map<string, (bench: Bench) => Promise<void>>([
  ['tlog', tlogBench],
  ['custody.verify', verifyBench],
  ['custody.fsck', fsckBench],
  ['custody.proof-http', proofBench],
  ['custody.bundle-1k', bundleBench],
  ['custody.append', appendBench],
  ['ingest', ingestBench],
  ['media', mediaBench],
  ['viewing', viewingBench],
]);

const HELP = `npm run bench [-- [SUITE…] [--seconds N] [--entries N] [--recordings N] [--docks N] [--mib N] [--clip N] [--viewers N] [--list]]: measures with services of its own.

SUITE      ${[...SUITES.keys()].join(', ')},
           or custody for all of its kind (default: all there are)
--seconds  how long each measurement may take, where time is what ends it (default: 10; custody.append and viewing: 60)
--entries  how many entries the log holds that is measured (default: 1000000, which take about a minute to write)
--recordings, --docks, --mib
           of ingest: recordings in the tables the second time (default: 1000000; 0: no second time), docks of the burst (40), MiB of
           the one large file (2048, at most 4000)
--clip     of media and viewing: seconds of the clip (60)
--viewers  of viewing: how many watch at once (200); a tenth as many open a viewing each second
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
  const seconds = values.seconds === undefined ? undefined : aboveZero('--seconds', values.seconds);
  const entries = Math.ceil(aboveZero('--entries', values.entries));
  const ingest = {
    recordings: values.recordings === '0' ? 0 : Math.ceil(aboveZero('--recordings', values.recordings)),
    docks: Math.ceil(aboveZero('--docks', values.docks)),
    fileBytes: Math.min(4000, Math.ceil(aboveZero('--mib', values.mib))) * 2 ** 20,
  };
  const clipSeconds = Math.max(3, Math.ceil(aboveZero('--clip', values.clip)));
  const viewers = Math.ceil(aboveZero('--viewers', values.viewers));
  const chosen = [...SUITES].filter(([name]) => positionals.length === 0 || positionals.some((given) => isOf(given, name)));
  const unknown = positionals.filter((given) => ![...SUITES.keys()].some((name) => isOf(given, name)));
  if (unknown.length > 0) throw new WrongUsage(`There is no suite ${unknown.join(', ')}, only ${[...SUITES.keys()].join(', ')}.`);
  // Standard output is for figures; Nest's logger puts there whatever is no error.
  Logger.overrideLogger(['error', 'fatal']);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const report: Bench['report'] = (figure) => process.stdout.write(`${figureLine(figure)}\n`);
  const logs = new BenchLogs(say);
  try {
    for (const [name, suite] of chosen) {
      say(`suite ${name}`);
      await suite({
        seconds: seconds ?? (name === 'custody.append' || name === 'viewing' ? 60 : 10),
        entries,
        clipSeconds,
        viewers,
        ...ingest,
        logs,
        report,
        say,
      });
    }
  } finally {
    await logs.drop();
  }
  return 0;
}

/** Whether what was given on the command line means that suite: its name, or what comes before a dot in it. */
function isOf(given: string, suite: string): boolean {
  return suite === given || suite.startsWith(`${given}.`);
}

function aboveZero(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < Infinity)) throw new WrongUsage(`${option} ${text} is not a number above 0.`);
  return value;
}

function readArguments(args: readonly string[]) {
  const options = {
    seconds: { type: 'string' },
    entries: { type: 'string', default: '1000000' },
    recordings: { type: 'string', default: '1000000' },
    clip: { type: 'string', default: '60' },
    viewers: { type: 'string', default: '200' },
    docks: { type: 'string', default: '40' },
    mib: { type: 'string', default: '2048' },
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
