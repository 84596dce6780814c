import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Interrupted, Refusal } from './failures.mjs';

/**
 * A process as it can be recognised later, also by another up.mjs: a number alone is not enough, because the system gives the
 * numbers of ended processes out again.
 * @typedef {{ pid: number, started: string }} Identity
 */

const bootId = readOrEmpty('/proc/sys/kernel/random/boot_id').trim();

/** @returns {Identity | undefined} undefined when no such process runs (an ended one that nobody collected counts as ended) */
export function identify(pid) {
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
  if (process.platform !== 'linux') {
    const started = spawnSync('ps', ['-o', 'lstart=', '-p', String(pid)])
      .stdout?.toString()
      .trim();
    return started ? { pid, started } : undefined;
  }
  // The command's name stands in brackets and may itself hold spaces and brackets: fields are counted from the last one.
  const stat = readOrEmpty(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields.length < 20 || fields[0] === 'Z' || fields[0] === 'X') return undefined;
  return { pid, started: `${bootId}:${fields[19]}` };
}

/** True while the very process that was identified still runs. */
export function isAlive(identity) {
  return identity !== undefined && identity !== null && identify(identity.pid)?.started === identity.started;
}

const interruption = new AbortController();
/** Aborted at the first Ctrl-C, SIGTERM or SIGHUP. */
export const interrupted = interruption.signal;

/** From here on a signal ends the current step instead of the process, so that what was started can be stopped again. */
export function catchSignals() {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // npm passes Ctrl-C on although the terminal sent it already: further signals change nothing.
    process.on(name, () => interruption.abort(new Interrupted()));
  }
}

/** Keeps up.mjs alive until it is interrupted. */
export async function untilInterrupted() {
  // Neither signal handlers nor children in sessions of their own keep Node from ending.
  const awake = setInterval(() => {}, 2 ** 30);
  if (!interrupted.aborted) await new Promise((resolve) => interrupted.addEventListener('abort', resolve, { once: true }));
  clearInterval(awake);
}

/**
 * Starts a long-lived process in a session of its own, so that neither Ctrl-C in the terminal nor the end of up.mjs reaches it.
 * @returns {{ identity: Identity, ended: Promise<{ code: number | null, signal: string | null }> }}
 */
export function launch(command, args, { log, env = process.env, cwd = undefined, record = undefined }) {
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, 'a', 0o600);
  const child = spawn(command, args, { detached: true, stdio: ['ignore', out, out], env, cwd });
  closeSync(out);
  const ended = new Promise((resolve) => {
    child.once('error', () => resolve({ code: 127, signal: null }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  child.unref();
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (!identity) throw new Refusal(`${command} could not be started. See ${log}`);
  if (record) writeJson(record, identity);
  return { identity, ended };
}

/**
 * Runs a command to its end, its output going to a log file.
 * @returns {Promise<string>} standard output, when `capture` asks for it (it is then not written to the log)
 * @throws {Refusal} with the last lines of its output when it exits with anything but 0
 */
export async function run(command, args, { log, env = process.env, cwd = undefined, capture = false, abortable = true }) {
  if (abortable) interrupted.throwIfAborted();
  mkdirSync(dirname(log), { recursive: true });
  const out = openSync(log, 'a', 0o600);
  const from = statSync(log).size;
  const child = spawn(command, args, { detached: true, stdio: ['ignore', capture ? 'pipe' : out, out], env, cwd });
  closeSync(out);
  const pieces = [];
  child.stdout?.on('data', (piece) => pieces.push(piece));
  const code = await endOf(child, abortable);
  if (code !== 0) {
    const said = readFileSync(log).subarray(from).toString().trim().split('\n').slice(-12).join('\n    ');
    throw new Refusal(`${[command, ...args].join(' ')} ended with ${code}. The end of ${log}:\n    ${said}`);
  }
  return Buffer.concat(pieces).toString();
}

/**
 * Runs a command whose output belongs to the person at the terminal. `record` names a file by which it is found again should this
 * process be killed.
 * @returns {Promise<number>} its exit code
 */
export async function runInSight(command, args, { env, cwd, record = undefined }) {
  interrupted.throwIfAborted();
  const child = spawn(command, args, { detached: true, stdio: ['ignore', 'inherit', 'inherit'], env, cwd });
  const identity = child.pid === undefined ? undefined : identify(child.pid);
  if (record && identity) writeJson(record, identity);
  return endOf(child, true);
}

/** Asks a command a question. @returns {Promise<{ code: number, out: string }>} 127 when it does not exist, 124 when too slow */
export function ask(command, args, { timeoutSeconds = 10, env = process.env, cwd = undefined } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, cwd });
    let out = '';
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      resolve({ code: 124, out });
    }, timeoutSeconds * 1000);
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (out += piece));
    const end = (code) => {
      clearTimeout(late);
      resolve({ code, out });
    };
    child.once('error', () => end(127));
    child.once('close', (code) => end(code ?? 1));
  });
}

function endOf(child, abortable) {
  return new Promise((resolve, reject) => {
    let stopping;
    const stop = () => {
      killGroup(child.pid, 'SIGTERM');
      stopping = setTimeout(() => killGroup(child.pid, 'SIGKILL'), 15_000);
    };
    if (abortable) interrupted.addEventListener('abort', stop, { once: true });
    const done = () => {
      clearTimeout(stopping);
      interrupted.removeEventListener('abort', stop);
    };
    child.once('error', (error) => {
      done();
      reject(new Refusal(`${child.spawnfile} could not be run: ${error.message}`));
    });
    child.once('close', (code, signal) => {
      done();
      if (abortable && interrupted.aborted) reject(new Interrupted());
      else resolve(code ?? (signal ? 128 : 1));
    });
  });
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}

/**
 * Stops a process that was identified earlier and waits until it is gone; after the grace time it is killed.
 * @returns {Promise<boolean>} false when it was not running any more
 */
export async function stop(identity, { signal = 'SIGTERM', graceSeconds = 30, group = false } = {}) {
  if (!isAlive(identity)) return false;
  process.kill(identity.pid, signal);
  if (await until(() => !isAlive(identity), graceSeconds)) return true;
  // Its children too, where it leads a group: they are not to outlive it.
  process.kill(group ? -identity.pid : identity.pid, 'SIGKILL');
  await until(() => !isAlive(identity), 10);
  return true;
}

/** Polls until `holds` is true. @returns {Promise<boolean>} false when the deadline passed first */
export async function until(holds, deadlineSeconds, everyMs = 50) {
  const deadline = Date.now() + deadlineSeconds * 1000;
  while (!(await holds())) {
    if (Date.now() > deadline) return false;
    await wait(everyMs);
  }
  return true;
}

/** The first program of that name on PATH. */
export function onPath(name, path = process.env.PATH ?? '') {
  return path
    .split(':')
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(isProgram);
}

/** True when the file exists and may be executed. */
export function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Lets one up.mjs at a time install and build in a clone; whoever comes second waits. */
export async function exclusively(lockFile, work) {
  mkdirSync(dirname(lockFile), { recursive: true });
  const mine = identify(process.pid);
  const take = () => {
    try {
      writeFileSync(lockFile, JSON.stringify(mine), { flag: 'wx' });
      return true;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      // An empty file is one that is being written this instant.
      const holder = readJson(lockFile);
      if (holder && !isAlive(holder)) rmSync(lockFile, { force: true });
      return false;
    }
  };
  const taken = await until(() => interrupted.aborted || take(), 600, 200);
  interrupted.throwIfAborted();
  if (!taken) throw new Refusal(`Another up.mjs has been installing or building for ten minutes (${lockFile}).`);
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** @returns the parsed file, or undefined when it is absent or not whole */
export function readJson(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Written beside and renamed, so that a reader never sees half of it; readable by its owner only, since most hold passwords. */
export function writeJson(file, value) {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

function readOrEmpty(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
