import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { parseDotEnv, productEnvironment, readUserEnvironment, roleUrls, shellForThrowAway } from '../../docker/environment.mjs';
import { installedAsLocked, sourcesDigest } from '../../docker/packages-and-build.mjs';
import { choosePort, isFree } from '../../docker/ports.mjs';
import { exclusively, identify, isAlive } from '../../docker/processes.mjs';
import { chooseServices } from '../../docker/services/choose-services.mjs';
import { containersOf, projectName } from '../../docker/services/compose.mjs';
import { missingPackages, planPackages } from '../../docker/services/debian-packages.mjs';
import { parseSeed } from '../../docker/start-service.mjs';
import { Settings } from '../../docker/settings.mjs';
import { StandInProduct } from './stand-in-product.mjs';

let folder;
before(() => (folder = mkdtempSync(join(tmpdir(), 'custodiet-plan-'))));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('a .env file', () => {
  it('is read line by line, with quotes, export and comments', () => {
    const text = "# comment\nexport A=1\r\nB = two words \nC='a # b'\nD=\"\"\nnot a line\n1E=x\nF=a=b\nG='open";
    assert.deepEqual(parseDotEnv(text), { A: '1', B: 'two words', C: 'a # b', D: '', F: 'a=b', G: "'open" });
  });

  it('gives way to the environment, and an empty value is none', () => {
    writeFileSync(join(folder, '.env'), 'PORT=1\nHOST=0.0.0.0\nREDIS_URL=\n');
    assert.deepEqual(readUserEnvironment(folder, { PORT: '2' }), { PORT: '2', HOST: '0.0.0.0' });
  });
});

describe('the environment of the product', () => {
  const services = { DATABASE_URL: 'postgres://app@127.0.0.1/custodiet', S3_ENDPOINT: 'http://127.0.0.1:1' };
  const generate = (more) =>
    productEnvironment({
      user: {},
      services,
      dataFolder: '/data',
      ports: { api: 8080, worker: 8081 },
      logOrigin: 'custodiet.local/00000000',
      ffmpeg: { ffmpeg: '/usr/bin/ffmpeg', ffprobe: '/usr/bin/ffprobe' },
      ...more,
    });

  it('is complete without the person setting anything', () => {
    const environment = generate({});
    assert.equal(environment.PUBLIC_URL, 'http://127.0.0.1:8080');
    assert.equal(environment.S3_EVIDENCE_BUCKET, 'custodiet-evidence');
    assert.equal(environment.LOG_SIGNING_KEY_FILE, '/data/keys/log-signing.key');
    assert.equal(environment.WITNESS_POLICY_FILE, '/data/witness-policy.txt');
    assert.ok(Object.values(environment).every((value) => typeof value === 'string'));
  });

  it('takes what the person set over what was generated', () => {
    const settled = { LOG_ORIGIN: 'evidence.example/log', WITNESS_POLICY_FILE: '/etc/policy.txt' };
    const environment = generate({ user: { PORT: '9000', HOST: '0.0.0.0', ...settled, PATH: '/bin' } });
    assert.equal(environment.PUBLIC_URL, 'http://127.0.0.1:9000');
    assert.equal(environment.WITNESS_POLICY_FILE, '/etc/policy.txt');
    assert.equal(environment.HOST, '0.0.0.0');
    assert.equal(environment.LOG_ORIGIN, 'evidence.example/log');
    assert.equal(environment.PATH, undefined);
  });

  it('keeps the keys of a store that was started, whatever keys lie about', () => {
    const started = { ...services, S3_ACCESS_KEY_ID: 'made' };
    assert.equal(generate({ services: started, user: { S3_ACCESS_KEY_ID: 'stray' } }).S3_ACCESS_KEY_ID, 'made');
  });

  it("never lets a throw-away run near the person's key, witnesses, buckets or port", () => {
    const own = { LOG_SIGNING_KEY_FILE: '/secret', WITNESS_POLICY_FILE: '/etc/policy.txt', S3_EVIDENCE_BUCKET: 'real' };
    const environment = generate({
      user: { PORT: '9000', ...own, FFMPEG_PATH: '/opt/ffmpeg' },
      throwAway: true,
      runName: 'test-7',
    });
    const shell = {
      LOG_SIGNING_KEY: 'k',
      LOG_FORMER_KEYS: 'k',
      WITNESS_POLICY_FILE: '/f',
      TIMESTAMP_AUTHORITIES: 'u',
      PATH: '/bin',
    };
    assert.deepEqual(shellForThrowAway(shell), { PATH: '/bin' });
    assert.equal(environment.WITNESS_POLICY_FILE, undefined);
    assert.equal(environment.PORT, '8080');
    assert.equal(environment.LOG_SIGNING_KEY_FILE, '/data/keys/log-signing.key');
    assert.equal(environment.S3_EVIDENCE_BUCKET, 'custodiet-test-7-evidence');
    assert.equal(environment.FFMPEG_PATH, '/opt/ffmpeg');
  });

  it("makes the three roles' addresses from an administrator's connection", () => {
    const urls = roleUrls(
      'postgres://root:p%40ss@db.example:5433/postgres?sslmode=require',
      'custodiet',
      (role) => `${role}-password`,
    );
    assert.equal(urls.DATABASE_URL, 'postgres://custodiet_app:app-password@db.example:5433/custodiet?sslmode=require');
    assert.equal(
      urls.DATABASE_SEQUENCER_URL,
      'postgres://custodiet_sequencer:sequencer-password@db.example:5433/custodiet?sslmode=require',
    );
    assert.equal(urls.DATABASE_ADMIN_URL, 'postgres://root:p%40ss@db.example:5433/postgres?sslmode=require');
  });
});

describe('the choice of services', () => {
  const named = { DATABASE_URL: 'postgres://x', REDIS_URL: 'redis://x', S3_ENDPOINT: 'http://x' };

  it('prefers what the person named, then Docker, then native ones', () => {
    assert.deepEqual(chooseServices({ user: named, docker: true, minio: true }), {
      postgres: 'named',
      redis: 'named',
      objectStore: 'named',
    });
    assert.deepEqual(chooseServices({ user: {}, docker: true, minio: true }), {
      postgres: 'docker',
      redis: 'docker',
      objectStore: 'docker',
    });
    assert.deepEqual(chooseServices({ user: {}, docker: false, minio: true }), {
      postgres: 'native',
      redis: 'native',
      objectStore: 'minio',
    });
    assert.deepEqual(chooseServices({ user: {}, docker: false, minio: false }), {
      postgres: 'native',
      redis: 'native',
      objectStore: 'ceph',
    });
  });

  it('is made for each service by itself', () => {
    const sources = chooseServices({ user: { REDIS_URL: 'redis://x' }, docker: true, minio: false });
    assert.deepEqual(sources, { postgres: 'docker', redis: 'named', objectStore: 'docker' });
    assert.deepEqual(containersOf(sources), ['postgres', 'minio']);
  });

  it('leaves data where it lies when Docker or minio appear later', () => {
    const holders = { postgres: 'native', redis: 'native', objectStore: 'ceph' };
    assert.deepEqual(chooseServices({ user: {}, docker: true, minio: true, holders }), holders);
  });

  it('refuses to begin anew silently when the Docker engine that holds the data does not answer', () => {
    const choose = () => chooseServices({ user: {}, docker: false, minio: false, holders: { postgres: 'docker' } });
    assert.throws(choose, { exitCode: 2, message: /lies in Docker volumes/ });
  });

  it('gives each data folder a Docker project of its own', () => {
    assert.match(projectName('/a/.data'), /^custodiet-[0-9a-f]{12}$/);
    assert.notEqual(projectName('/a/.data'), projectName('/b/.data'));
  });
});

describe('what must be installed', () => {
  const nothing = { postgres: () => false, program: () => false, font: () => false, cascades: () => false, linux: () => true };
  const everything = { postgres: () => true, program: () => true, font: () => true, cascades: () => true, linux: () => true };
  const native = { postgres: 'native', redis: 'native', objectStore: 'ceph' };

  it('is every native service and ffmpeg on a bare machine', () => {
    const packages = [
      'postgresql',
      'redis-server',
      'ceph-mon',
      'ceph-osd',
      'radosgw',
      'ffmpeg',
      'fonts-dejavu-core',
      'openssl',
      'unzip',
      'bubblewrap',
      'opencv-data',
    ];
    assert.deepEqual(missingPackages(native, {}, nothing), packages);
  });

  it('is more for the tests, unless it is there under any of its names', () => {
    const bare = { ...everything, program: (name) => !/chrom|systemd|zzuf|qrencode|zbar/.test(name) };
    assert.deepEqual(missingPackages(native, {}, bare), []);
    const forTests = missingPackages(native, {}, bare, { tests: true });
    assert.deepEqual(forTests, ['chromium', 'systemd', 'zzuf', 'qrencode', 'zbar-tools']);
    for (const browser of ['chromium', 'chromium-browser', 'google-chrome']) {
      const program = (name) => name === browser || !/chrom/.test(name);
      assert.deepEqual(missingPackages(native, {}, { ...everything, program }, { tests: true }), []);
    }
  });

  it('is what no service is where the services come from elsewhere', () => {
    const sources = { postgres: 'docker', redis: 'named', objectStore: 'minio' };
    assert.deepEqual(missingPackages(sources, {}, { ...nothing, font: () => true }), [
      'ffmpeg',
      'openssl',
      'unzip',
      'bubblewrap',
      'opencv-data',
    ]);
    const user = { FFMPEG_PATH: '/opt/ffmpeg', FFPROBE_PATH: '/opt/ffprobe' };
    assert.deepEqual(
      missingPackages(sources, user, {
        ...everything,
        program: (name) => /^(\/opt\/|(openssl|unzip|bwrap)$)/.test(name),
      }),
      [],
    );
  });

  it('is installed as root or with passwordless sudo', async () => {
    assert.deepEqual(await planPackages(['ffmpeg'], { debian: true, root: true, sudo: false }), {
      missing: ['ffmpeg'],
      sudo: [],
    });
    assert.deepEqual(await planPackages(['ffmpeg'], { debian: true, root: false, sudo: true }), {
      missing: ['ffmpeg'],
      sudo: ['sudo', '-n'],
    });
  });

  it('is asked of the person otherwise, in one line', async () => {
    await assert.rejects(planPackages(['ffmpeg', 'radosgw'], { debian: true, root: false, sudo: false }), {
      exitCode: 2,
      message: /^ {2}sudo apt-get update && sudo apt-get install -y --no-install-recommends ffmpeg radosgw$/m,
    });
    await assert.rejects(planPackages(['ffmpeg'], { debian: false, root: true, sudo: false }), {
      exitCode: 2,
      message: /missing.*: ffmpeg\./,
    });
  });
});

describe('a machine on which packages are missing and may not be installed', () => {
  let product;
  before(() => (product = new StandInProduct()));
  after(() => product.remove());

  const startAsNobody = (programs) => {
    const path = join(product.top, 'path');
    mkdirSync(path, { recursive: true });
    for (const program of programs) symlinkSync(program, join(path, program.split('/').at(-1)));
    // Readable for everybody: the account has no other reason to fail.
    chmodSync(product.top, 0o755);
    const command = [process.execPath, join(product.top, 'docker', 'up.mjs'), 'start'];
    const prefix = process.getuid() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const [program, ...args] = [...prefix, ...command];
    return spawnSync(program === 'setpriv' ? '/usr/bin/setpriv' : program, args, { env: { PATH: path }, encoding: 'utf8' });
  };

  it('gets the names of what is missing, or the line to run, and exit code 2, and nothing is changed', () => {
    const elsewhere = startAsNobody([]);
    assert.equal(elsewhere.status, 2, elsewhere.stderr);
    assert.match(elsewhere.stderr, /These are missing.*redis-server ceph-mon ceph-osd radosgw ffmpeg/);
    if (existsSync('/usr/bin/apt-get')) {
      const debian = startAsNobody(['/usr/bin/apt-get']);
      assert.equal(debian.status, 2, debian.stderr);
      assert.match(debian.stderr, /^ {2}sudo apt-get update && sudo apt-get install -y --no-install-recommends .*redis-server/m);
    }
    for (const made of ['.data', 'dist', 'node_modules/.custodiet-lock'])
      assert.equal(existsSync(join(product.top, made)), false, made);
  });
});

describe('ports', () => {
  it('stay as they were while free, and move when a stranger listens there', async () => {
    const settings = new Settings(join(folder, 'ports'));
    const port = await settings.freePort('api');
    assert.equal(await new Settings(join(folder, 'ports')).freePort('api'), port);
    const stranger = createServer().listen(port, '127.0.0.1');
    assert.equal(await isFree(port), false);
    const other = await settings.freePort('api');
    assert.notEqual(other, port);
    assert.equal(settings.rememberedPort('api'), other);
    stranger.close();
  });

  it('are never given out twice', async () => {
    const port = await choosePort();
    assert.notEqual(await choosePort(port, new Set([port])), port);
  });
});

describe('settings', () => {
  it('keep passwords and the origin once they are made', () => {
    const settings = new Settings(join(folder, 'kept'));
    const made = [settings.password('redis'), settings.logOrigin()];
    const again = new Settings(join(folder, 'kept'));
    assert.deepEqual([again.password('redis'), again.logOrigin()], made);
    assert.match(made[1], /^custodiet\.local\/[0-9a-f]{8}$/);
    assert.notEqual(again.password('other'), made[0]);
  });
});

describe('a process', () => {
  it('is not taken for another one that was given its number', () => {
    const mine = identify(process.pid);
    assert.ok(isAlive(mine));
    assert.equal(isAlive({ ...mine, started: `${mine.started}1` }), false);
    assert.equal(isAlive(undefined), false);
    assert.equal(identify(0), undefined);
  });
});

describe('the lock for installing and building', () => {
  it('lets one in at a time and is taken from one that was killed', async () => {
    const lock = join(folder, 'lock');
    let inside = 0;
    const order = [];
    const enter = (name) =>
      exclusively(lock, async () => {
        inside += 1;
        assert.equal(inside, 1);
        order.push(name);
        await setImmediate();
        inside -= 1;
      });
    await Promise.all([enter('first'), enter('second')]);
    assert.deepEqual(order, ['first', 'second']);
    writeFileSync(lock, JSON.stringify({ pid: process.pid, started: 'another process' }));
    await enter('third');
    assert.equal(existsSync(lock), false);
  });
});

describe('installed packages', () => {
  const lock = {
    packages: {
      '': { name: 'x' },
      'node_modules/a': { version: '1.0.0', integrity: 'i' },
      'node_modules/b-darwin': { version: '2.0.0', optional: true },
    },
  };

  it('are as locked when versions and digests agree; those of other systems may be absent', () => {
    assert.ok(installedAsLocked(lock, { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'i' } } }));
    assert.ok(!installedAsLocked(lock, { packages: { 'node_modules/a': { version: '1.0.1', integrity: 'i' } } }));
    assert.ok(!installedAsLocked(lock, { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'j' } } }));
    assert.ok(!installedAsLocked(lock, { packages: {} }));
    assert.ok(!installedAsLocked(lock, undefined));
  });

  it('are not as locked when one is left over', () => {
    const record = {
      packages: { 'node_modules/a': { version: '1.0.0', integrity: 'i' }, 'node_modules/c': { version: '1.0.0' } },
    };
    assert.ok(!installedAsLocked(lock, record));
  });
});

describe("the sources' digest", () => {
  it('changes with a source and its name, not with a document', () => {
    const top = join(folder, 'sources');
    mkdirSync(join(top, 'libs', 'a'), { recursive: true });
    writeFileSync(join(top, 'package.json'), '{}');
    writeFileSync(join(top, 'libs', 'a', 'one.ts'), 'export {};');
    const first = sourcesDigest(top);
    writeFileSync(join(top, 'libs', 'a', 'README.md'), 'text');
    assert.equal(sourcesDigest(top), first);
    writeFileSync(join(top, 'libs', 'a', 'one.ts'), 'export { };');
    const second = sourcesDigest(top);
    assert.notEqual(second, first);
    rmSync(join(top, 'libs', 'a', 'one.ts'));
    writeFileSync(join(top, 'libs', 'a', 'two.ts'), 'export { };');
    assert.notEqual(sourcesDigest(top), second);
  });
});

describe("the seed program's output", () => {
  it('is its JSON object, whatever stands before it', () => {
    const accounts = [{ role: 'auditor', username: 'a', password: 'b' }];
    assert.deepEqual(parseSeed(`warning: x\n${JSON.stringify({ agency: 'A', accounts }, null, 2)}\n`), { agency: 'A', accounts });
    assert.throws(() => parseSeed('nothing'), { exitCode: 1 });
  });
});
