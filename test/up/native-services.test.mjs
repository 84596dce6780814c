import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isAlive, until } from '../../docker/processes.mjs';
import { sendRedis } from '../../docker/services/native-redis.mjs';
import { StandInProduct } from './stand-in-product.mjs';

/** Native services, whatever Docker engine this machine has. */
const NATIVE = { DOCKER_HOST: 'tcp://127.0.0.1:1' };

/** 127.0.0.1 and ::1 as the kernel writes them. MinIO listens on both. */
const LOOPBACK = ['0100007F', '00000000000000000000000001000000'];
/** What a stranger's question to an object store is answered with: by Ceph with an empty list, by MinIO with a refusal. */
const STORE_ANSWERS = [200, 403];
const LISTENING = '0A';

/** The addresses on which these processes, or what they started in their process groups, listen. From /proc/net, proc(5). */
function listening(pids) {
  const groups = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && pids.includes(groupOf(name)));
  const sockets = new Set(groups.flatMap(socketsOf));
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/net/${table}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENING && sockets.has(inode))
    .map(([, local]) => local.split(':')[0]);
}

function groupOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]);
  } catch {
    return undefined; // ended meanwhile
  }
}

function socketsOf(pid) {
  try {
    const links = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    return links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []);
  } catch {
    return []; // ended meanwhile
  }
}

describe('a service started with native PostgreSQL, Redis and object store', { timeout: 300_000 }, () => {
  let product;
  let started;
  before(async () => {
    product = new StandInProduct();
    started = product.begin(['start'], NATIVE);
    await product.saw(started, 'Custodiet runs at');
  });
  after(() => product.remove());

  const settings = () => product.read('settings.json');
  const psql = (statement) => {
    const { DATABASE_ADMIN_URL } = product.read('run.json').environment;
    const { status, stdout, stderr } = spawnSync('psql', [DATABASE_ADMIN_URL, '-XAtc', statement], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout.trim();
  };
  const policyOf = ({ WITNESS_POLICY_FILE }) => readFileSync(WITNESS_POLICY_FILE, 'utf8');
  const policies = ({ PORT, WORKER_PORT }) =>
    Promise.all([PORT, WORKER_PORT].map((port) => fetch(`http://127.0.0.1:${port}/policy`).then((answer) => answer.text())));
  const redis = (...words) => sendRedis({ port: settings().ports.redis, password: settings().passwords.redis }, words);
  const services = () =>
    readdirSync(join(product.top, '.data', 'services')).map((name) => [
      name.replace('.json', ''),
      product.read(`services/${name}`),
    ]);

  it('prints a line for each step, the address and a sign-in for each role', () => {
    for (const step of [
      'PostgreSQL',
      'Redis',
      'object store',
      'packages',
      'build',
      'signing key',
      'witness key',
      'migrations',
      'witness',
      'api',
      'worker',
    ]) {
      assert.match(started.out, new RegExp(`^✓ ${step} +[\\d.]+ s`, 'm'));
    }
    assert.match(started.out, /auditor +ada +secret/);
    assert.match(started.out, /cosigned by a witness on this same machine, for demonstration only/);
  });

  it('runs a witness of its own, which answers where the policy of API and worker says', async () => {
    const { environment, apps } = product.read('run.json');
    assert.ok(isAlive(apps.witness));
    assert.deepEqual(await policies(environment), [policyOf(environment), policyOf(environment)]);
    const [, url] = /^witness demo-board \S+ (http:\S+)$/m.exec(policyOf(environment)) ?? [];
    assert.equal((await fetch(`${url}/add-checkpoint`)).status, 405);
  });

  it('keeps passwords and the environment from other accounts of the machine', async () => {
    const { stdout } = spawnSync('find', [join(product.top, '.data'), '-maxdepth', '1', '-name', '*.json', '-perm', '/077'], {
      encoding: 'utf8',
    });
    assert.equal(stdout, '');
    assert.equal(
      await sendRedis({ port: settings().ports.redis, password: 'wrong' }, ['PING']),
      '-NOAUTH Authentication required.',
    );
  });

  it('writes what was committed to disk before it says so', () => {
    assert.equal(
      psql(
        "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'data_checksums')",
      ),
      'data_checksums=on fsync=on synchronous_commit=on',
    );
  });

  it('listens on this machine only', () => {
    const pids = services().map(([, { pid }]) => pid);
    const addresses = listening(pids);
    assert.ok(addresses.length >= 4, addresses.join());
    for (const address of addresses) assert.ok(LOOPBACK.includes(address), address);
  });

  it('starts API, worker and witness again when they end by themselves, and says so', async () => {
    const { environment, apps } = product.read('run.json');
    await fetch(`${environment.PUBLIC_URL}/die`).catch(() => undefined);
    process.kill(apps.worker.pid, 'SIGKILL');
    process.kill(apps.witness.pid, 'SIGKILL');
    await product.saw(started, 'witness ended by itself (SIGKILL); started again in 1 s');
    await product.saw(started, 'api ended by itself (exit code 3); started again in 1 s');
    await product.saw(started, 'worker ended by itself (SIGKILL); started again in 1 s');
    const answers = (port) =>
      fetch(`http://127.0.0.1:${port}/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    assert.ok(await until(() => answers(environment.PORT), 20));
    assert.ok(await until(() => answers(environment.WORKER_PORT), 20));
    const now = product.read('run.json').apps;
    assert.ok(isAlive(now.api) && isAlive(now.worker) && !isAlive(apps.api));
    assert.ok(await until(() => isAlive(product.read('run.json').apps.witness), 20));
  });

  it('says that it runs already, with its address, when it is started once more', () => {
    const { status, stdout } = product.run(['start'], NATIVE);
    assert.equal(status, 0);
    assert.match(stdout, /^Custodiet already runs at http:\/\/127\.0\.0\.1:\d+\n\n {2}role .*\n {2}auditor +ada +secret$/m);
    assert.equal(product.run(['status']).status, 0);
  });

  it('gives the demonstration its address and the witness policy, and leaves standard output to it', () => {
    const { status, stdout } = product.run(['demo', '--json'], NATIVE);
    assert.equal(status, 0);
    const { url, environment } = product.read('run.json');
    assert.deepEqual(JSON.parse(stdout), { step: '--json', url, policy: environment.WITNESS_POLICY_FILE });
  });

  it('stops everything it started on request from elsewhere, and has the data after the next start', async () => {
    const { environment } = product.read('run.json');
    const endpoint = environment.S3_ENDPOINT;
    const policy = policyOf(environment);
    psql('CREATE TABLE kept AS SELECT 42 AS answer');
    assert.equal(await redis('SET', 'kept', 'forty-two'), '+OK');
    const processes = [...services(), ...Object.entries(product.read('run.json').apps)];
    assert.ok(processes.every(([, identity]) => isAlive(identity)));

    const stopped = product.run(['stop']);
    assert.equal(stopped.status, 0, stopped.stderr);
    assert.deepEqual(
      processes.filter(([, identity]) => isAlive(identity)),
      [],
    );
    assert.ok(await until(() => started.code === 0, 10));
    assert.match(readFileSync(join(product.top, '.data', 'logs', 'api.log'), 'utf8'), /graceful end/);
    assert.equal(existsSync(join(product.top, '.data', 'run.json')), false);
    assert.equal(product.run(['status']).status, 3);

    started = product.begin(['start'], NATIVE);
    await product.saw(started, 'Custodiet runs at');
    assert.equal(psql('SELECT answer FROM kept'), '42');
    assert.equal(await redis('GET', 'kept'), 'forty-two');
    assert.equal(product.read('run.json').environment.S3_ENDPOINT, endpoint);
    assert.ok(STORE_ANSWERS.includes((await fetch(endpoint)).status));
    assert.equal(policyOf(environment), policy);
    assert.doesNotMatch(started.out, /witness key/);
  });

  it('takes over after it was killed: the services go on, API, worker and witness are new', async () => {
    const before = { services: services(), apps: product.read('run.json').apps };
    started.child.kill('SIGKILL');
    assert.ok(await until(() => started.child.signalCode === 'SIGKILL', 10));
    started = product.begin(['start'], NATIVE);
    await product.saw(started, 'Custodiet runs at');
    assert.match(started.out, /Stopped what a killed run had left: witness, api, worker/);
    assert.deepEqual(services(), before.services);
    assert.deepEqual(Object.values(before.apps).filter(isAlive), []);
  });

  it('stops what a killed run left when that is asked for', async () => {
    const processes = [...services(), ...Object.entries(product.read('run.json').apps)];
    started.child.kill('SIGKILL');
    assert.ok(await until(() => started.child.signalCode === 'SIGKILL', 10));
    assert.match(product.run(['stop']).stdout, /Stopped what a killed run had left: witness, api, worker/);
    assert.deepEqual(
      processes.filter(([, identity]) => isAlive(identity)),
      [],
    );
  });

  it('moves to other ports when a stranger has taken its own', async () => {
    const { ports } = settings();
    const strangers = await Promise.all(
      Object.values(ports).map(
        (port) =>
          new Promise((resolve) => {
            const server = createServer((socket) => socket.end());
            server.listen(port, '127.0.0.1', () => resolve(server));
          }),
      ),
    );
    started = product.begin(['start'], NATIVE);
    try {
      await product.saw(started, 'Custodiet runs at');
      for (const [name, port] of Object.entries(settings().ports)) assert.notEqual(port, ports[name], name);
      assert.equal(psql('SELECT answer FROM kept'), '42');
      assert.ok(STORE_ANSWERS.includes((await fetch(product.read('run.json').environment.S3_ENDPOINT)).status));
    } finally {
      for (const server of strangers) server.close();
    }
  });

  it('asks no witness of its own when the person names a policy, and refuses one that is not there', async () => {
    assert.equal(product.run(['stop']).status, 0);
    const refused = product.run(['start'], { ...NATIVE, WITNESS_POLICY_FILE: 'absent.txt' });
    assert.equal(refused.status, 2, refused.stdout);
    assert.match(refused.stderr, /WITNESS_POLICY_FILE names absent\.txt, which does not exist\./);
    product.write('policy.txt', 'quorum none\n');
    started = product.begin(['start'], { ...NATIVE, WITNESS_POLICY_FILE: 'policy.txt' });
    await product.saw(started, 'Custodiet runs at');
    assert.doesNotMatch(started.out, /witness/);
    const { environment, apps } = product.read('run.json');
    assert.deepEqual(Object.keys(apps).sort(), ['api', 'worker']);
    assert.deepEqual(await policies(environment), ['quorum none\n', 'quorum none\n']);
  });

  it('ends with a clear message, and nothing left running, when its witness has lost its state', async () => {
    assert.equal(product.run(['stop']).status, 0);
    const state = join(product.top, '.data', 'witness', 'witness.state');
    renameSync(state, `${state}.lost`);
    const refused = product.run(['start'], NATIVE);
    assert.equal(refused.status, 2, refused.stdout);
    assert.match(refused.stderr, /witness cannot go on\. .*witness\.state/);
    assert.deepEqual(
      services().filter(([, identity]) => isAlive(identity)),
      [],
    );
    renameSync(`${state}.lost`, state);
    started = product.begin(['start'], NATIVE);
    await product.saw(started, 'Custodiet runs at');
  });

  it('stops everything on Ctrl-C', async () => {
    const processes = [...services(), ...Object.entries(product.read('run.json').apps)];
    started.child.kill('SIGINT');
    assert.ok(await until(() => started.code !== undefined, 60));
    assert.equal(started.code, 0);
    assert.deepEqual(
      processes.filter(([, identity]) => isAlive(identity)),
      [],
    );
  });
});
