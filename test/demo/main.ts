import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { demoContext, NotPlayable, type DemoContext } from './demo-context.js';
import { Interruption } from './interruption.js';
import { Narrator, StepFailed } from './narrator.js';
import { putBackLeftover } from './tampering.js';
import { playThePath } from './the-path.js';

const HELP = `npm run demo [-- [--json] [FILE…]]: one recording's way from a docking station to a verified custody report, against the running service.

FILE…   your own videos in place of the two that are synthesised; the first one is watched, redacted and exported
--json  one JSON object a step on standard output: {"step","ok","ms","detail"}
--help

Leaves report.pdf, bundle.zip, receipt.json, before.png and after.png in .data/demo/.
Exit status: 0 every step held, 1 one did not (it says what was expected and what came), 2 wrong usage.
`;

const ARTEFACTS: Readonly<Record<string, string>> = {
  'report.pdf': 'the custody report a court reads',
  'bundle.zip': 'the evidence bundle; check it with custodiet-verify',
  'receipt.json': 'what the dock got for the recording',
  'before.png': 'a frame of the original',
  'after.png': 'the same frame, redacted',
};

async function main(args: readonly string[]): Promise<number> {
  const { json, help, videos } = readArguments(args);
  if (help) {
    process.stdout.write(HELP);
    return 0;
  }
  const context = demoContext(videos, process.env);
  process.once('exit', () => rmSync(context.work, { recursive: true, force: true }));
  const interruption = new Interruption(() => process.exit(130));
  const narrator = new Narrator(json);
  narrator.say(`Custodiet at ${context.url}\n`);
  await interruption.hold(() => putBackLeftover(context));
  // A picture or report of an earlier run must not pass for one of this run.
  for (const name of Object.keys(ARTEFACTS)) rmSync(join(context.artefacts, name), { force: true });
  try {
    await playThePath(context, narrator, interruption);
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error;
    narrator.say(
      `\nThis step did not hold:${error.message.replace(/^\d/, '')}. The rest was not played. The service's logs are in .data/logs/.`,
    );
    return 1;
  }
  narrator.say(`\n${listing(context)}`);
  return 0;
}

function listing({ artefacts }: DemoContext): string {
  const there = new Set(readdirSync(artefacts));
  const files = Object.entries(ARTEFACTS).filter(([name]) => there.has(name));
  return files.map(([name, what]) => `  ${relative(process.cwd(), join(artefacts, name)).padEnd(26)} ${what}`).join('\n');
}

/** @throws NotPlayable */
function readArguments(args: readonly string[]): { json: boolean; help: boolean; videos: readonly string[] } {
  try {
    const options = { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], allowPositionals: true, options });
    const absent = positionals.filter((path) => !existsSync(path));
    if (absent.length > 0) throw new Error(`There is no ${absent.join(', no ')}.`);
    return { json: values.json, help: values.help, videos: [...new Set(positionals)] };
  } catch (error) {
    throw new NotPlayable(error instanceof Error ? error.message : String(error));
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(
    error instanceof NotPlayable
      ? `${error.message}\n`
      : `${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exitCode = error instanceof NotPlayable ? 2 : 1;
}
