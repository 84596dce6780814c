import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { exclusively, readJson, run } from './processes.mjs';

/**
 * Installs the packages of package-lock.json when they are not the ones installed.
 * @returns {Promise<string>} what was done
 */
export async function installNodePackages({ top, logs }) {
  const locked = digestOf([join(top, 'package-lock.json')], top);
  const stamp = join(top, 'node_modules', '.custodiet-lock');
  const upToDate = () => readText(stamp) === locked;
  if (upToDate()) return 'up to date';
  return exclusively(lockFileOf(top), async () => {
    if (upToDate()) return 'up to date';
    let did = 'as in package-lock.json';
    if (!installedAsLocked(readJson(join(top, 'package-lock.json')), readJson(join(top, 'node_modules', '.package-lock.json')))) {
      const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error'];
      await run('npm', args, { log: join(logs, 'packages.log'), cwd: top, env: withoutOwnPrograms(process.env, top) });
      did = 'installed';
    }
    writeFileSync(stamp, locked);
    return did;
  });
}

/** True when npm's own record of what it installed holds what the lock file asks for; packages for other systems may be absent. */
export function installedAsLocked(lock, record) {
  if (!lock?.packages || !record?.packages) return false;
  const wanted = Object.entries(lock.packages).filter(([path]) => path !== '');
  const same = ([path, { version, integrity, optional }]) => {
    const found = record.packages[path];
    return found ? found.version === version && found.integrity === integrity : optional === true;
  };
  return wanted.every(same) && Object.keys(record.packages).every((path) => lock.packages[path]);
}

/** npm ci removes node_modules, and with it the node that `npm start` put first on PATH. */
function withoutOwnPrograms(env, top) {
  const own = join(top, 'node_modules', '.bin');
  return {
    ...env,
    PATH: (env.PATH ?? '')
      .split(':')
      .filter((folder) => folder !== own)
      .join(':'),
  };
}

/**
 * Builds unless dist/ holds the build of the very sources that are there now.
 * @returns {Promise<string>} what was done
 */
export async function build({ top, logs }) {
  const stamp = join(top, 'dist', '.custodiet-sources');
  if (readText(stamp) === sourcesDigest(top)) return 'up to date';
  return exclusively(lockFileOf(top), async () => {
    // Taken before the build: what is saved while it runs must lead to another one.
    const sources = sourcesDigest(top);
    if (readText(stamp) === sources) return 'up to date';
    await run('npm', ['run', 'build'], { log: join(logs, 'build.log'), cwd: top });
    writeFileSync(stamp, sources);
    return 'built';
  });
}

/** A digest over path and content of everything the build reads. */
export function sourcesDigest(top) {
  const files = readdirSync(top).filter((name) => /^(package(-lock)?|tsconfig.*|nest-cli)\.json$/.test(name));
  for (const folder of ['apps', 'libs', 'test']) files.push(...filesUnder(join(top, folder), top));
  return digestOf(
    files.map((file) => join(top, file)),
    top,
  );
}

function filesUnder(folder, top) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' || entry.name === 'dist' ? [] : filesUnder(path, top);
    // Documents and up.mjs's own tests are not built.
    return !entry.isFile() || /\.(md|mjs)$/.test(entry.name) ? [] : [relative(top, path)];
  });
}

function digestOf(files, top) {
  const hash = createHash('sha256');
  for (const file of [...files].sort()) {
    const content = readFileSync(file);
    hash.update(`${relative(top, file).split(sep).join('/')}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

// One a clone, whatever data folder is in use: a start and a test share node_modules and dist.
function lockFileOf(top) {
  return join(top, '.data', 'build.lock');
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
