import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../failures.mjs';
import { ask, isAlive, launch, onPath, readJson, run, stop, until, writeJson } from '../processes.mjs';

/** Programs of Debian's ceph-mon, ceph-osd, radosgw and what they depend on. */
export const CEPH_PROGRAMS = ['ceph-mon', 'ceph-osd', 'radosgw', 'radosgw-admin', 'ceph', 'ceph-authtool', 'monmaptool'];

// In the order of starting; stopped the other way round, each waited for, or the next start finds the store locked.
const DAEMONS = [
  { name: 'ceph-mon', args: ['-i', 'a', '-f'] },
  { name: 'ceph-osd', args: ['-i', '0', '-f'] },
  { name: 'radosgw', args: ['-n', 'client.admin', '-f'] },
];

const GIB = 1024 ** 3;

/**
 * One monitor, one OSD and one RADOS Gateway: an S3 server with real Object Lock from Debian's own packages.
 *
 * Traps: `auth … = none` makes radosgw hang, so cephx keys are made; one OSD needs pool size 1 and chooseleaf 0; the pools need few
 * placement groups or creation stalls. Everything is bound to loopback. The monitor's port is part of the stored monitor map and is
 * rewritten there when it changes; the OSD takes free ports by itself and reports them to the monitor.
 *
 * @param {{ dataFolder: string, logs: string, settings: import('../settings.mjs').Settings }} place
 */
export async function startCeph({ dataFolder, logs, settings }) {
  const folder = join(dataFolder, 'object-store');
  const log = join(logs, 'object-store.log');
  const created = join(folder, 'created.json');
  const env = { ...process.env, CEPH_CONF: join(folder, 'ceph.conf') };
  const records = DAEMONS.map(({ name }) => recordOf(dataFolder, name));
  const adopted = records.every((record) => isAlive(readJson(record)));
  const accessKey = settings.password('s3-access-key').slice(0, 20).toUpperCase();
  const secretKey = settings.password('s3-secret-key');
  const ports = adopted
    ? { gateway: settings.rememberedPort('s3'), monitor: settings.rememberedPort('s3-monitor') }
    : await stopAndChoosePorts({ dataFolder, settings });
  const endpoint = `http://127.0.0.1:${ports.gateway}`;

  if (!adopted) {
    // Only a store whose creation was finished is kept: before that it cannot hold anything.
    if (!existsSync(created)) rmSync(folder, { recursive: true, force: true });
    const store = readJson(created) ?? { fsid: randomUUID(), osd: randomUUID(), blockSize: blockSizeFor(dataFolder) };
    writeConfiguration(folder, store, ports);
    const tool = (command, ...args) => run(command, args, { log, env });
    if (!existsSync(created)) await create(folder, store, ports, tool, () => launchDaemon(0));
    else {
      if (store.monitorPort !== ports.monitor) await moveMonitor(folder, ports, tool);
      await launchDaemon(0);
    }
    writeJson(created, { ...store, monitorPort: ports.monitor });
    await launchDaemon(1);
    await launchDaemon(2);
  }

  const gateway = readJson(records[2]);
  if (!(await until(async () => !isAlive(gateway) || (await answers(endpoint)), 120, 200)) || !isAlive(gateway)) {
    throw new Refusal(`The object store did not start. See ${log} and ${join(folder, 'log')}`);
  }
  if (!existsSync(join(folder, 'user-created'))) {
    const user = (...args) => ['-n', 'client.admin', 'user', ...args, '--uid=custodiet'];
    const known = await ask('radosgw-admin', user('info'), { env, timeoutSeconds: 60 });
    if (known.code !== 0) {
      const keys = [`--access-key=${accessKey}`, `--secret-key=${secretKey}`];
      await run('radosgw-admin', [...user('create'), '--display-name=custodiet', ...keys], { log, env });
    }
    writeFileSync(join(folder, 'user-created'), '');
  }
  return { said: `Ceph RGW, native, port ${ports.gateway}${adopted ? ', was running' : ''}`, endpoint, accessKey, secretKey };

  async function launchDaemon(index) {
    const { name, args } = DAEMONS[index];
    const { identity } = launch(onPath(name), args, { log, env, record: records[index] });
    if (index > 0) return;
    // Without a monitor every later command would wait for one without end.
    const up = () => ask('ceph', ['--connect-timeout', '2', 'mon', 'stat'], { env }).then(({ code }) => code === 0);
    if (!(await until(async () => !isAlive(identity) || (await up()), 60, 100)) || !isAlive(identity)) {
      throw new Refusal(`The object store's monitor did not start. See ${log} and ${join(folder, 'log')}`);
    }
  }
}

export async function stopCeph({ dataFolder }) {
  let ran = false;
  for (const { name } of [...DAEMONS].reverse()) {
    const record = recordOf(dataFolder, name);
    ran = (await stop(readJson(record), { graceSeconds: 40 })) || ran;
    rmSync(record, { force: true });
  }
  return ran;
}

function recordOf(dataFolder, name) {
  return join(dataFolder, 'services', `${name}.json`);
}

/** What is left of a store of which one daemon is missing is stopped first: the rest cannot be used without it. */
async function stopAndChoosePorts({ dataFolder, settings }) {
  await stopCeph({ dataFolder });
  return { gateway: await settings.freePort('s3'), monitor: await settings.freePort('s3-monitor') };
}

async function create(folder, store, ports, tool, startMonitor) {
  const keyring = join(folder, 'keyring');
  const map = join(folder, 'monmap');
  const grant = (...pairs) => pairs.flatMap(([service, rights]) => ['--cap', service, rights]);
  const everything = 'allow *';
  await tool('ceph-authtool', '--create-keyring', keyring, '--gen-key', '-n', 'mon.', ...grant(['mon', everything]));
  const admin = grant(['mon', everything], ['osd', everything], ['mgr', everything]);
  await tool('ceph-authtool', keyring, '--gen-key', '-n', 'client.admin', ...admin);
  await tool('ceph-authtool', keyring, '--gen-key', '-n', 'osd.0', ...grant(['mon', 'allow profile osd'], ['osd', everything]));
  await tool('monmaptool', '--create', '--clobber', '--add', 'a', `127.0.0.1:${ports.monitor}`, '--fsid', store.fsid, map);
  await tool('ceph-mon', '-i', 'a', '--mkfs', '--monmap', map, '--keyring', keyring);
  await startMonitor();
  await tool('ceph', 'auth', 'import', '-i', keyring);
  await tool('ceph', 'osd', 'new', store.osd, '0');
  await tool('ceph-osd', '-i', '0', '--mkfs', '--osd-uuid', store.osd);
}

async function moveMonitor(folder, ports, tool) {
  const map = join(folder, 'monmap');
  await tool('ceph-mon', '-i', 'a', '--extract-monmap', map);
  await tool('monmaptool', '--rm', 'a', map);
  await tool('monmaptool', '--add', 'a', `127.0.0.1:${ports.monitor}`, map);
  await tool('ceph-mon', '-i', 'a', '--inject-monmap', map);
}

/** The store is a sparse file: its size is a bound, not a reservation. Four fifths of what is free, 10 to 512 GiB. */
function blockSizeFor(dataFolder) {
  const { bavail, bsize } = statfsSync(dataFolder);
  const wanted = Math.min(Math.max(bavail * bsize * 0.8, 10 * GIB), 512 * GIB);
  return Math.floor(wanted / GIB) * GIB;
}

/** Written anew at every start, so that a clone can be moved and a port can change. */
function writeConfiguration(folder, store, ports) {
  for (const name of ['mon', 'osd', 'run', 'log', 'rgw']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 });
  writeFileSync(
    join(folder, 'ceph.conf'),
    `[global]
fsid = ${store.fsid}
mon_host = 127.0.0.1:${ports.monitor}
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
keyring = ${folder}/keyring
osd_pool_default_size = 1
osd_pool_default_min_size = 1
mon_allow_pool_size_one = true
osd_crush_chooseleaf_type = 0
osd_pool_default_pg_num = 1
osd_pool_default_pg_autoscale_mode = off
mon_max_pg_per_osd = 1000
run_dir = ${folder}/run
# A socket's path may have 107 characters at most, and a clone may lie deep.
admin_socket =
pid_file = ${folder}/run/$name.pid
log_file = ${folder}/log/$name.log
crash_dir = ${folder}/log
mon_data = ${folder}/mon
osd_data = ${folder}/osd
osd_objectstore = bluestore
bluestore_block_size = ${store.blockSize}
osd_memory_target = 939524096
[client.admin]
rgw_frontends = beast endpoint=127.0.0.1:${ports.gateway} tcp_nodelay=1
rgw_data = ${folder}/rgw
rgw_run_sync_thread = false
`,
    { mode: 0o600 },
  );
}

async function answers(endpoint) {
  try {
    return (await fetch(endpoint, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
