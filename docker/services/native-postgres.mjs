import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Refusal } from '../failures.mjs';
import { ask, isAlive, isProgram, launch, onPath, readJson, run, stop, until } from '../processes.mjs';

const ADMINISTRATOR = 'custodiet_admin';

/** Debian keeps the server's programs out of PATH, one folder per major version. The newest one; undefined when there is none. */
export function findPostgresPrograms(root = '/usr/lib/postgresql') {
  let versions = [];
  try {
    versions = readdirSync(root);
  } catch {
    // Not Debian's layout, or not installed.
  }
  const folders = versions
    .filter((version) => /^\d+$/.test(version))
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'));
  const fromPath = onPath('postgres');
  return [...folders, ...(fromPath ? [dirname(fromPath)] : [])].find((folder) =>
    ['postgres', 'initdb', 'pg_isready'].every((name) => isProgram(join(folder, name))),
  );
}

/**
 * PostgreSQL refuses to run as root. As root it therefore runs as `postgres` (or `nobody`), through setpriv; where that account cannot
 * pass through the folders above the data (a clone under /root), it gets the one capability to do so and nothing else.
 * @returns {{ uid: number | undefined, gid: number | undefined, prefix: string[] }}
 */
export function unprivileged(folder) {
  if (process.getuid?.() !== 0) return { uid: undefined, gid: undefined, prefix: [] };
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n');
  const account = ['postgres', 'nobody'].map((name) => accounts.find((line) => line.startsWith(`${name}:`))).find(Boolean);
  if (!account) throw new Refusal('PostgreSQL refuses to run as root, and there is no account postgres or nobody to run it as.');
  const [uid, gid] = account.split(':').slice(2, 4).map(Number);
  const prefix = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
  if (passable(folder, uid, gid)) return { uid, gid, prefix };
  const capability = passingCapability();
  if (!capability) {
    throw new Refusal(
      `PostgreSQL cannot reach ${folder}: the account ${account.split(':')[0]} may not enter one of the folders above it.`,
    );
  }
  return { uid, gid, prefix: [...prefix, `--inh-caps=+${capability}`, `--ambient-caps=+${capability}`] };
}

function passable(folder, uid, gid) {
  for (let at = dirname(folder); ; at = dirname(at)) {
    const { mode, uid: owner, gid: group } = statSync(at);
    const bit = owner === uid ? 0o100 : group === gid ? 0o010 : 0o001;
    if (!(mode & bit)) return false;
    if (at === dirname(at)) return true;
  }
}

/** Containers usually lack the narrower of the two. Bits as in linux/capability.h. */
function passingCapability() {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0'}`);
  if (effective & (1n << 2n)) return 'dac_read_search';
  if (effective & (1n << 1n)) return 'dac_override';
  return undefined;
}

/** @param {{ dataFolder: string, logs: string, settings: import('../settings.mjs').Settings }} place */
export async function startPostgres({ dataFolder, logs, settings }) {
  const programs = findPostgresPrograms();
  const folder = join(dataFolder, 'postgres');
  const record = join(dataFolder, 'services', 'postgres.json');
  const log = join(logs, 'postgres.log');
  const adopted = isAlive(readJson(record));
  const port = adopted ? settings.rememberedPort('postgres') : await settings.freePort('postgres');
  const isReady = async () => (await ask(join(programs, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)])).code === 0;

  if (!adopted) {
    mkdirSync(dataFolder, { recursive: true });
    const account = unprivileged(folder);
    const as = (command, args) => [...account.prefix, command, ...args];
    // Written last by initdb's caller, so that a first start cut short is begun anew and not taken for a database.
    const whole = join(folder, 'custodiet-created');
    if (!existsSync(whole)) {
      rmSync(folder, { recursive: true, force: true });
      mkdirSync(folder, { mode: 0o700 });
      const passwordFile = join(folder, '..', 'postgres-password');
      writeFileSync(passwordFile, settings.password('postgres'), { mode: 0o600 });
      if (account.uid !== undefined) {
        chownSync(folder, account.uid, account.gid);
        chownSync(passwordFile, account.uid, account.gid);
      }
      const [command, ...args] = as(join(programs, 'initdb'), [
        `--pgdata=${folder}`,
        `--username=${ADMINISTRATOR}`,
        `--pwfile=${passwordFile}`,
        '--auth=scram-sha-256',
        '--encoding=UTF8',
        '--locale=C.UTF-8',
        '--data-checksums',
      ]);
      try {
        await run(command, args, { log, cwd: '/' });
      } finally {
        rmSync(passwordFile, { force: true });
      }
      writeFileSync(whole, '');
    }
    const configuration = {
      port,
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      max_connections: 300,
      fsync: 'on',
      synchronous_commit: 'on',
    };
    const [command, ...args] = as(join(programs, 'postgres'), [
      '-D',
      folder,
      ...Object.entries(configuration).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ]);
    const { identity } = launch(command, args, { log, cwd: '/', record });
    if (!(await until(async () => !isAlive(identity) || (await isReady()), 60, 100)) || !isAlive(identity)) {
      throw new Refusal(`PostgreSQL did not start. See ${log}`);
    }
  } else if (!(await until(isReady, 60, 100)))
    throw new Refusal(`PostgreSQL runs but does not answer on port ${port}. See ${log}`);

  const version = (await ask(join(programs, 'postgres'), ['--version'])).out.replace(/^\D*([\d.]+).*$/s, '$1');
  return {
    said: `PostgreSQL ${version}, native, port ${port}${adopted ? ', was running' : ''}`,
    administratorUrl: `postgres://${ADMINISTRATOR}:${settings.password('postgres')}@127.0.0.1:${port}/postgres`,
  };
}

/** SIGINT is PostgreSQL's fast shutdown: sessions are ended, everything committed is on disk. */
export async function stopPostgres({ dataFolder }) {
  const record = join(dataFolder, 'services', 'postgres.json');
  const ran = await stop(readJson(record), { signal: 'SIGINT', graceSeconds: 60 });
  rmSync(record, { force: true });
  return ran;
}
