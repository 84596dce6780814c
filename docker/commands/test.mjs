import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { shellForThrowAway } from '../environment.mjs';
import { readJson, runInSight } from '../processes.mjs';
import { nodeOf, runnerOf, withThrowAwayServices } from '../throw-away-run.mjs';

/**
 * Runs the tests with throw-away services. Arguments go to jest; with any of them only what they select is run, without them also the
 * tests of up.mjs itself. The last line is `N passed, N failed`.
 * @returns {Promise<number>} exit code
 */
export async function test(context, args) {
  const skipBuild = args[0] === '--no-build';
  const jestArgs = skipBuild ? args.slice(1) : args;
  const { top, progress } = context;
  let sum = { passed: 0, failed: 0 };
  await withThrowAwayServices(context, 'test', { skipBuild }, async (environment, dataFolder) => {
    const shell = shellForThrowAway();
    const env = { ...shell, ...environment, CUSTODIET_TEST: '1' };
    const ownOnly = jestArgs.length > 0 && jestArgs.every((arg) => arg.startsWith('test/up'));
    if (!ownOnly) sum = add(sum, await runJest(top, jestArgs, env, dataFolder));
    if (ownOnly || jestArgs.length === 0) sum = add(sum, await runOwnTests(top, ownOnly ? jestArgs : [], shell, dataFolder));
    return { failed: sum.failed > 0 };
  });
  progress.say(sumLine(sum));
  return exitCodeOf(sum);
}

/** On two cores jest would leave one idle, and most tests wait: for a service, a process, a deadline. */
const MOST_AT_ONCE = Math.max(2, availableParallelism() - 1);

async function runJest(top, args, env, dataFolder) {
  const report = join(dataFolder, 'jest.json');
  const jest = join(top, 'node_modules', 'jest', 'bin', 'jest.js');
  const options = [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    `--maxWorkers=${MOST_AT_ONCE}`,
    '--json',
    `--outputFile=${report}`,
  ];
  const code = await runInSight(nodeOf(top), [...options, ...args], { env, cwd: top, record: runnerOf(dataFolder) });
  return countJest(readJson(report), code);
}

async function runOwnTests(top, named, env, dataFolder) {
  const files = named.filter((name) => name.endsWith('.mjs')).map((name) => join(top, name));
  if (files.length === 0) files.push(...ownTestFiles(top));
  if (files.length === 0) return { passed: 0, failed: 0 };
  const report = join(dataFolder, 'up.tap');
  const reporters = ['spec', 'stdout', 'tap', report].map((value, index) =>
    index % 2 === 0 ? `--test-reporter=${value}` : `--test-reporter-destination=${value}`,
  );
  const code = await runInSight(nodeOf(top), ['--test', ...reporters, ...files], { env, cwd: top, record: runnerOf(dataFolder) });
  let tap = '';
  try {
    tap = readFileSync(report, 'utf8');
  } catch {
    // It did not come to a report: counted as one failure below.
  }
  return countTap(tap, code);
}

function ownTestFiles(top) {
  const folder = join(top, 'test', 'up');
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.test.mjs'))
      .sort()
      .map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** A suite that could not be run counts as one failed; so does a runner that failed without naming a test. */
export function countJest(report, exitCode) {
  if (!report) return { passed: 0, failed: 1 };
  const failed = report.numFailedTests + report.numRuntimeErrorTestSuites;
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 && report.numTotalTests > 0 ? 1 : failed };
}

/** Reads the closing counts of Node's test runner (TAP). */
export function countTap(tap, exitCode) {
  const count = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, 'm').exec(tap)?.[1] ?? 0);
  const failed = count('fail') + count('cancelled');
  return { passed: count('pass'), failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

/** @param {{ passed: number, failed: number }} sum */
export function sumLine({ passed, failed }) {
  return `${passed} passed, ${failed} failed`;
}

/** No test at all is no success. */
export function exitCodeOf({ passed, failed }) {
  return failed === 0 && passed > 0 ? 0 : 1;
}

function add(a, b) {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed };
}
