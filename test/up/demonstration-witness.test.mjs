import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { after, afterEach, before, beforeEach, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { demonstrationWitness } from '../../docker/demonstration-witness.mjs';
import { accepts } from '../../docker/ports.mjs';
import { until } from '../../docker/processes.mjs';
import { Progress } from '../../docker/progress.mjs';
import { Settings } from '../../docker/settings.mjs';
import { StandInProduct } from './stand-in-product.mjs';

describe("the demonstration's witness", () => {
  let product;
  let tlog;
  let number = 0;
  let place;
  let environment;
  before(async () => {
    product = new StandInProduct();
    assert.equal(spawnSync(process.execPath, ['build.mjs'], { cwd: product.top }).status, 0);
    tlog = await import(pathToFileURL(join(product.top, 'dist', 'libs', 'tlog', 'src', 'index.js')).href);
  });
  after(() => product.remove());

  beforeEach(() => {
    number += 1;
    const dataFolder = join(product.top, `data-${number}`);
    environment = {
      LOG_SIGNING_KEY_FILE: join(dataFolder, 'log-signing.key'),
      WITNESS_POLICY_FILE: join(dataFolder, 'witness-policy.txt'),
    };
    mkdirSync(dataFolder);
    place = { top: product.top, dataFolder, logs: join(dataFolder, 'logs'), settings: new Settings(dataFolder) };
    place.progress = new Progress(new PassThrough());
  });

  const processes = [];
  afterEach(() => {
    for (const child of processes.splice(0)) child.kill('SIGKILL');
  });

  const makeLogKey = () => {
    const { skey, vkey } = tlog.generateNoteKey('custodiet.local/test');
    writeFileSync(environment.LOG_SIGNING_KEY_FILE, `${skey}\n`, { mode: 0o600, flag: 'a' });
    return { skey, vkey };
  };
  const prepare = () => demonstrationWitness(place, environment);
  const policy = () => tlog.parsePolicy(readFileSync(environment.WITNESS_POLICY_FILE, 'utf8'));
  const config = () => JSON.parse(readFileSync(join(place.dataFolder, 'witness', 'config.json'), 'utf8'));
  const serve = async ({ args, url }) => {
    const child = spawn(process.execPath, args, { stdio: 'ignore' });
    processes.push(child);
    assert.ok(await until(() => accepts(Number(new URL(url).port)), 30));
    return child;
  };
  /** A checkpoint of size 1 whose only entry is `entry`. */
  const submit = async ({ url }, { skey }, oldSize, entry = 7) => {
    const root = tlog.leafHash(new Uint8Array([entry]));
    const signed = tlog.signCheckpoint({ origin: 'custodiet.local/test', size: 1n, root }, tlog.parseSigner(skey));
    const response = await fetch(`${url}/add-checkpoint`, { method: 'POST', body: `old ${oldSize}\n\n${signed}` });
    return { status: response.status, signed, answer: await response.text() };
  };

  it('cosigns what the log signs, as the policy that was made for it asks for', async () => {
    const key = makeLogKey();
    const witness = await prepare();
    const { logKeys, witnesses } = policy();
    assert.deepEqual(
      logKeys.map(({ vkey }) => vkey),
      [key.vkey],
    );
    assert.deepEqual(
      witnesses.map(({ alias, name, url }) => [alias, name, url]),
      [['demo-board', 'demo-board.local/witness', witness.url]],
    );
    await serve(witness);
    const { status, signed, answer } = await submit(witness, key, 0);
    assert.equal(status, 200);
    assert.deepEqual(
      tlog.checkPolicy(tlog.addSignatureLines(signed, answer), policy()).cosigners.map(({ alias }) => alias),
      ['demo-board'],
    );
  });

  it('says in its policy, and so in every bundle, that it is no outsider', async () => {
    makeLogKey();
    await prepare();
    assert.match(readFileSync(environment.WITNESS_POLICY_FILE, 'utf8'), /^# .*demonstration.* no outsider\.$/m);
  });

  it('is the same one at every start, and has not forgotten what it cosigned', async () => {
    const key = makeLogKey();
    const first = await prepare();
    const before = policy();
    const child = await serve(first);
    assert.equal((await submit(first, key, 0)).status, 200);
    child.kill('SIGTERM');
    assert.ok(await until(() => child.exitCode === 0, 30));
    const second = await prepare();
    assert.deepEqual(second, first);
    assert.deepEqual(
      policy().witnesses.map(({ vkey }) => vkey),
      before.witnesses.map(({ vkey }) => vkey),
    );
    await serve(second);
    const other = await submit(second, key, 1, 8);
    assert.deepEqual([other.status, other.answer], [409, '1\n']);
  });

  it('moves to another port when a stranger has taken its own, and the policy says where', async () => {
    makeLogKey();
    const { url } = await prepare();
    const stranger = createServer();
    await new Promise((resolve) => stranger.listen(Number(new URL(url).port), '127.0.0.1', resolve));
    try {
      const moved = await prepare();
      assert.notEqual(moved.url, url);
      assert.equal(`http://${config().listen}`, moved.url);
      assert.equal(policy().witnesses[0].url, moved.url);
    } finally {
      stranger.close();
    }
  });

  it("knows both keys while the log's key is being changed, and the one given in the environment", async () => {
    const keys = [makeLogKey(), makeLogKey()];
    await prepare();
    assert.deepEqual(
      config().logs,
      keys.map(({ vkey }) => vkey),
    );
    const other = tlog.generateNoteKey('custodiet.local/test');
    environment.LOG_SIGNING_KEY = other.skey;
    await prepare();
    assert.deepEqual(config().logs, [other.vkey]);
    assert.deepEqual(
      policy().logKeys.map(({ vkey }) => vkey),
      [other.vkey],
    );
  });

  it('does not begin anew when its state, its config or its key is gone, and says what to do', async () => {
    makeLogKey();
    for (const lost of ['witness.state', 'config.json', 'witness.key']) {
      await prepare();
      const folder = join(place.dataFolder, 'witness');
      const [{ vkey }] = policy().witnesses;
      rmSync(join(folder, lost));
      await assert.rejects(prepare(), ({ exitCode, message }) => {
        assert.equal(exitCode, 2);
        assert.match(message, /cannot go on/);
        assert.ok(message.includes(`delete ${folder}`), message);
        return true;
      });
      assert.deepEqual(readdirSync(folder).includes(lost), false);
      rmSync(folder, { recursive: true });
      await prepare();
      assert.notEqual(policy().witnesses[0].vkey, vkey);
    }
  });

  it('is made whole after a start that was killed while it made one', async () => {
    makeLogKey();
    const unfinished = join(place.dataFolder, 'witness.new');
    mkdirSync(unfinished);
    writeFileSync(join(unfinished, 'config.json'), '{"name":');
    await prepare();
    assert.equal(policy().witnesses.length, 1);
    assert.deepEqual(readdirSync(join(place.dataFolder, 'witness')).sort(), ['config.json', 'witness.key', 'witness.state']);
    assert.equal(statSync(join(place.dataFolder, 'witness', 'witness.key')).mode & 0o777, 0o600);
  });

  it("refuses a log's key that is none, without writing any secret into its message", async () => {
    writeFileSync(environment.LOG_SIGNING_KEY_FILE, 'PRIVATE+KEY+secret');
    await assert.rejects(prepare(), ({ exitCode, message }) => {
      assert.equal(exitCode, 2);
      assert.match(message, /signing key cannot be used/);
      assert.doesNotMatch(message, /secret/);
      return true;
    });
  });
});
