import assert from 'node:assert/strict';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { countJest, countTap, exitCodeOf, sumLine } from '../../docker/commands/test.mjs';
import { isAlive, until } from '../../docker/processes.mjs';
import { StandInProduct } from './stand-in-product.mjs';

const NATIVE = { DOCKER_HOST: 'tcp://127.0.0.1:1' };

describe('the sum of all tests', () => {
  const report = { numPassedTests: 5, numFailedTests: 1, numRuntimeErrorTestSuites: 1, numTotalTests: 6 };

  it('counts a suite that could not be run as failed', () => {
    assert.deepEqual(countJest(report, 1), { passed: 5, failed: 2 });
  });

  it('counts a runner that failed otherwise, or left no report, as failed', () => {
    assert.deepEqual(countJest({ ...report, numFailedTests: 0, numRuntimeErrorTestSuites: 0 }, 1), { passed: 5, failed: 1 });
    assert.deepEqual(countJest(undefined, 0), { passed: 0, failed: 1 });
    assert.deepEqual(countTap('', 1), { passed: 0, failed: 1 });
  });

  it("reads the counts of Node's own runner, with cancelled tests as failed", () => {
    assert.deepEqual(countTap('# tests 9\n# suites 2\n# pass 6\n# fail 2\n# cancelled 1\n', 1), { passed: 6, failed: 3 });
  });

  it('is a failure with one failed, and with none at all', () => {
    assert.equal(sumLine({ passed: 3, failed: 0 }), '3 passed, 0 failed');
    assert.equal(exitCodeOf({ passed: 3, failed: 0 }), 0);
    assert.equal(exitCodeOf({ passed: 3, failed: 1 }), 1);
    assert.equal(exitCodeOf({ passed: 0, failed: 0 }), 1);
  });
});

describe('a run of all tests', { timeout: 180_000 }, () => {
  let product;
  before(() => {
    product = new StandInProduct();
    // In jest's place: notes what it was given, and either waits or reports four passed and one failed.
    product.write(
      'node_modules/jest/bin/jest.js',
      `const { appendFileSync, writeFileSync } = require('node:fs');
      writeFileSync('given.json', JSON.stringify(process.env));
      if (process.argv.includes('--wait')) { console.log('waiting'); setInterval(() => {}, 1000); }
      else writeFileSync(process.argv.find((arg) => arg.startsWith('--outputFile=')).slice(13),
        JSON.stringify({ numPassedTests: 4, numFailedTests: 1, numRuntimeErrorTestSuites: 0, numTotalTests: 5 }));`,
    );
    product.write('test/up/own.test.mjs', "import { it } from 'node:test'; it('holds', () => {});");
  });
  after(() => product.remove());

  const given = () => JSON.parse(readFileSync(join(product.top, 'given.json'), 'utf8'));
  const leftBehind = () => readdirSync(join(product.top, '.data')).filter((name) => name.startsWith('test-'));

  it('gets services of its own, is summed over both runners, and leaves nothing behind', () => {
    const { status, stdout } = product.run(['test'], { ...NATIVE, S3_EVIDENCE_BUCKET: 'real', LOG_SIGNING_KEY_FILE: '/secret' });
    assert.equal(stdout.trimEnd().split('\n').at(-1), '5 passed, 1 failed');
    assert.equal(status, 1);
    const environment = given();
    assert.equal(environment.CUSTODIET_TEST, '1');
    for (const name of ['DATABASE_ADMIN_URL', 'DATABASE_URL', 'REDIS_URL', 'S3_ENDPOINT'])
      assert.match(environment[name], /127\.0\.0\.1/);
    assert.notEqual(environment.S3_EVIDENCE_BUCKET, 'real');
    assert.match(environment.LOG_SIGNING_KEY_FILE, /\.data\/test-\d+\/keys\//);
    assert.deepEqual(leftBehind(), []);
    assert.match(stdout, /Logs of the services: /);
  });

  it('stops everything and leaves nothing behind on Ctrl-C', async () => {
    const begun = product.begin(['test', '--wait'], NATIVE);
    await product.saw(begun, 'waiting');
    const [data] = leftBehind();
    const services = readdirSync(join(product.top, '.data', data, 'services')).map((name) =>
      product.read(`${data}/services/${name}`),
    );
    assert.ok(services.length >= 3 && services.every(isAlive));
    begun.child.kill('SIGINT');
    assert.ok(await until(() => begun.code !== undefined, 60));
    assert.equal(begun.code, 130);
    assert.deepEqual(services.filter(isAlive), []);
    assert.deepEqual(leftBehind(), []);
  });

  it('clears away what an earlier run left that was killed', async () => {
    const begun = product.begin(['test', '--wait'], NATIVE);
    await product.saw(begun, 'waiting');
    const [data] = leftBehind();
    const services = readdirSync(join(product.top, '.data', data, 'services')).map((name) =>
      product.read(`${data}/services/${name}`),
    );
    begun.child.kill('SIGKILL');
    assert.ok(await until(() => begun.child.signalCode === 'SIGKILL', 10));
    const runner = product.read(`${data}/runner.json`);
    assert.ok(isAlive(runner) && services.every(isAlive));
    const next = product.begin(['test', '--wait'], NATIVE);
    await product.saw(next, 'Left behind by a run that was killed');
    next.child.kill('SIGINT');
    assert.ok(await until(() => next.code !== undefined, 60));
    assert.deepEqual([runner, ...services].filter(isAlive), []);
    assert.deepEqual(leftBehind(), []);
    assert.equal(existsSync(join(product.top, '.data', data)), false);
  });
});
