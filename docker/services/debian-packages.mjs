import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Refusal } from '../failures.mjs';
import { ask, interrupted, onPath, run } from '../processes.mjs';
import { CEPH_PROGRAMS } from './native-ceph.mjs';
import { findPostgresPrograms } from './native-postgres.mjs';

/** What the tests need beyond the product: package, and the names under which systems have its program. */
const FOR_TESTS = [
  // The console is sat before in a real one: test/support/browser.ts looks for it.
  ['chromium', ['chromium', 'chromium-browser', 'google-chrome']],
  // Judges the dock's unit; a container of Debian has none.
  ['systemd', ['systemd-analyze']],
  // Breaks video files in a repeatable way.
  ['zzuf', ['zzuf']],
  // A code that is covered in a redaction must be found in no frame: one draws it, the other looks for it.
  ['qrencode', ['qrencode']],
  ['zbar-tools', ['zbarimg']],
];

/**
 * The Debian and Ubuntu packages that hold what is missing here, given where the services come from.
 * @param {object} [use]
 * @param {boolean} [use.tests] they need more than the product
 */
export function missingPackages(sources, user, has = installed, { tests = false } = {}) {
  const missing = [];
  if (sources.postgres === 'native' && !has.postgres()) missing.push('postgresql');
  if (sources.redis === 'native' && !has.program('redis-server')) missing.push('redis-server');
  if (sources.objectStore === 'ceph' && !CEPH_PROGRAMS.every((name) => has.program(name))) {
    missing.push('ceph-mon', 'ceph-osd', 'radosgw');
  }
  const ffmpeg = user.FFMPEG_PATH ? has.program(user.FFMPEG_PATH) : has.program('ffmpeg');
  const ffprobe = user.FFPROBE_PATH ? has.program(user.FFPROBE_PATH) : has.program('ffprobe');
  if (!ffmpeg || !ffprobe) missing.push('ffmpeg');
  // ffmpeg burns clocks into clips with it; without any font drawtext fails.
  if (!has.font()) missing.push('fonts-dejavu-core');
  // Timestamps and single entries of a bundle are checked with these, in the tests and by whoever follows libs/tlog/README.md.
  for (const name of ['openssl', 'unzip']) if (!has.program(name)) missing.push(name);
  // Shuts ffmpeg in, away from network and files.
  if (has.linux() && !has.program('bwrap')) missing.push('bubblewrap');
  // Trained classifiers that propose faces and number plates.
  if (!has.cascades()) missing.push('opencv-data');
  for (const [name, programs] of tests ? FOR_TESTS : [])
    if (!programs.some((program) => has.program(program))) missing.push(name);
  return missing;
}

const installed = {
  postgres: () => findPostgresPrograms() !== undefined,
  program: (name) => (name.includes('/') ? existsSync(name) : onPath(name) !== undefined),
  linux: () => process.platform === 'linux',
  cascades: () => process.platform !== 'linux' || existsSync('/usr/share/opencv4/haarcascades'),
  font: () => process.platform !== 'linux' || existsSync('/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf'),
};

/**
 * What to do about missing packages; asks the machine and changes nothing.
 * @returns {Promise<{ missing: string[], sudo: string[] }>} `sudo` is what to put before a command that needs root
 * @throws {Refusal} exit code 2, with the one line to run, when this account may not install
 */
export async function planPackages(missing, rights = undefined) {
  if (missing.length === 0) return { missing, sudo: [] };
  const { debian, root, sudo } = rights ?? {
    debian: onPath('apt-get') !== undefined && existsSync('/var/lib/dpkg'),
    root: process.getuid?.() === 0,
    sudo: (await ask('sudo', ['-n', 'true'], { timeoutSeconds: 5 })).code === 0,
  };
  if (!debian) {
    throw new Refusal(
      `These are missing, under the names that Debian gives them: ${missing.join(' ')}. Install them, or start a Docker engine with compose, or name services of your own (DATABASE_URL, REDIS_URL, S3_ENDPOINT). Nothing was changed.`,
      2,
    );
  }
  if (!root && !sudo) {
    throw new Refusal(
      `Some packages are missing and this account may not install them. Run this line, then try again (nothing was changed):\n\n  sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing.join(' ')}\n`,
      2,
    );
  }
  return { missing, sudo: root ? [] : ['sudo', '-n'] };
}

const MARK = 'Put here by Custodiet while it installs packages, and removed afterwards.';
const POLICY = '/usr/sbin/policy-rc.d';
const NO_CLUSTER = '/etc/postgresql-common/createcluster.d/custodiet.conf';

/**
 * Installs packages without starting or setting up a server of the system's own:
 * - `policy-rc.d` (invoke-rc.d(8)) keeps the packages from starting anything; one that is already there is left alone and respected.
 * - `create_main_cluster = false` (pg_createcluster(1)) keeps PostgreSQL's package from creating its cluster `main`. The folder is read
 *   by the packages' own default configuration and may exist before they do.
 * - Redis' package also arranges a start at boot, which is taken back if it was not installed before.
 */
export async function installPackages({ missing, sudo }, logs) {
  const log = join(logs, 'apt.log');
  const asRoot = (command, ...args) =>
    run([...sudo, command][0], [...sudo, command, ...args].slice(1), { log, abortable: false });
  const put = async (file, text, mode) => {
    const folder = mkdtempSync(join(tmpdir(), 'custodiet-'));
    writeFileSync(join(folder, 'file'), text);
    await asRoot('install', '-D', '-m', mode, join(folder, 'file'), file);
    rmSync(folder, { recursive: true });
  };
  mkdirSync(logs, { recursive: true });
  const clusterFolders = [dirname(NO_CLUSTER), dirname(dirname(NO_CLUSTER))].filter((folder) => !existsSync(folder));
  // One of ours is left from a run that was killed.
  const ownPolicy = !existsSync(POLICY) || readFileSync(POLICY, 'utf8').includes(MARK);

  // Not to be cut short: a package half set up is worse than a minute's wait. The signal counts afterwards.
  try {
    if (ownPolicy) await put(POLICY, `#!/bin/sh\n# ${MARK}\nexit 101\n`, '755');
    if (missing.includes('postgresql')) await put(NO_CLUSTER, `# ${MARK}\ncreate_main_cluster = false\n`, '644');
    const quiet = [
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      'apt-get',
      '-q',
      '-o',
      'Dpkg::Use-Pty=0',
      '-o',
      'DPkg::Lock::Timeout=120',
    ];
    const install = () => asRoot(...quiet, 'install', '-y', '--no-install-recommends', ...missing);
    try {
      await install();
    } catch {
      // Absent or outdated package lists look alike from here: fetch them and try once more.
      await asRoot(...quiet, 'update');
      await install();
    }
    if (missing.includes('redis-server')) await asRoot('update-rc.d', 'redis-server', 'disable');
  } finally {
    if (ownPolicy) await asRoot('rm', '-f', POLICY);
    if (missing.includes('postgresql')) {
      await asRoot('rm', '-f', NO_CLUSTER);
      // Only folders that we made and that stayed empty.
      for (const folder of clusterFolders) await asRoot('rmdir', '--ignore-fail-on-non-empty', folder);
    }
  }
  interrupted.throwIfAborted();
  return `installed ${missing.join(' ')}`;
}
