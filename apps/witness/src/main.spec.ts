import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { addSignatureLines, parseCosignatureVerifier, verifyCosignatures } from '#tlog';
import { SampleLog, type SampleHistory } from './testing/sample-history.js';
import { STEPS, WitnessProcess, bundleWitness, runWitness, type Run } from './testing/witness-process.js';

const NAME = 'board.example/witness';
const log = new SampleLog();
const truth = log.history(40);
let folder: string;
let program: string;
let config: string;
let vkey: string;
let made = 0;
const started: WitnessProcess[] = [];

const run = (...args: string[]): Promise<Run> => runWitness(program, ...args);

async function serve(...more: Parameters<typeof WitnessProcess.serve> extends [string, unknown, ...infer T] ? T : never) {
  const witness = await WitnessProcess.serve(program, ['--config', config], ...more);
  started.push(witness);
  return witness;
}

/** The answer to a request, in few words: its status, and with 409 the size. */
async function submit(to: WitnessProcess, history: SampleHistory, oldSize: number, size: number): Promise<string> {
  const note = history.checkpoint(size);
  const response = await to.post(await history.request(oldSize, size, note));
  const text = await response.text();
  if (response.status === 409) {
    expect(response.headers.get('content-type')).toBe('text/x.tlog.size');
    expect(text).toMatch(/^(0|[1-9]\d*)\n$/);
    return `409 ${text.trimEnd()}`;
  }
  if (response.status === 200) {
    const [cosignature, ...others] = verifyCosignatures(addSignatureLines(note, text), [parseCosignatureVerifier(vkey)]);
    expect(others).toEqual([]);
    expect(Math.abs(Date.now() - (cosignature?.time.getTime() ?? 0))).toBeLessThan(60_000);
  }
  return String(response.status);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-witness-'));
  program = await bundleWitness(folder);
});

beforeEach(async () => {
  made += 1;
  config = join(folder, String(made), 'config.json');
  const init = await run('init', '--name', NAME, '--config', config, '--listen', '127.0.0.1:0', '--log', log.key.vkey);
  expect(init).toMatchObject({ status: 0, err: '' });
  vkey = init.out.trim();
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((witness) => witness.stop('SIGKILL')));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

const stateFile = (): string => join(config, '..', 'witness.state');

describe('custodiet-witness serve', () => {
  it('cosigns the first checkpoint, its growth with a proof, and the same one again', async () => {
    const witness = await serve();
    expect(await submit(witness, truth, 0, 5)).toBe('200');
    expect(await submit(witness, truth, 5, 5)).toBe('200');
    expect(await submit(witness, truth, 5, 8)).toBe('200');
    expect(await submit(witness, truth, 8, 40)).toBe('200');
    expect(await witness.stop()).toBe(0);
    expect(witness.lines.filter(({ event }) => event === 'request')).toHaveLength(4);
    expect(witness.lines.at(-2)).toMatchObject({ status: 200, origin: log.origin, old: '8', size: '40', method: 'POST' });
    expect(witness.lines.at(-1)).toMatchObject({ event: 'stopped', signal: 'SIGTERM' });
  });

  it('goes on after a restart where it stopped', async () => {
    const first = await serve();
    expect(await submit(first, truth, 0, 9)).toBe('200');
    await first.stop();
    const second = await serve();
    expect(await submit(second, truth, 0, 12)).toBe('409 9');
    expect(await submit(second, log.history(12, { story: 'other' }), 9, 12)).toBe('422');
    expect(await submit(second, truth, 9, 12)).toBe('200');
  });

  it('refuses a rollback, an old size that is not its own, and one beyond the checkpoint', async () => {
    const witness = await serve();
    expect(await submit(witness, truth, 1, 5)).toBe('409 0');
    expect(await submit(witness, truth, 0, 20)).toBe('200');
    expect(await submit(witness, truth, 0, 10)).toBe('409 20');
    expect(await submit(witness, truth, 10, 30)).toBe('409 20');
    expect((await witness.post(`old 20\n\n${truth.checkpoint(10)}`)).status).toBe(400);
    expect(await submit(witness, truth, 20, 30)).toBe('200');
  });

  it('refuses a fork of the same size, keeps both checkpoints as proof and goes on with the true history', async () => {
    const witness = await serve();
    const fork = log.history(20, { forkAt: 10, story: 'other' });
    expect(await submit(witness, truth, 0, 20)).toBe('200');
    expect((await run('status', '--config', config)).status).toBe(0);
    expect(await submit(witness, fork, 20, 20)).toBe('409 20');
    expect(await submit(witness, truth, 20, 21)).toBe('200');
    const status = await run('status', '--config', config);
    expect(status.status).toBe(1);
    for (const note of [truth.checkpoint(20), fork.checkpoint(20)]) {
      expect(status.out.replaceAll(/^ {4}/gm, '')).toContain(note);
    }
    await witness.stop();
    expect(witness.lines.filter(({ conflict }) => conflict === true)).toHaveLength(1);
  });

  it('refuses growth from a fork, and a proof with anything wrong in it', async () => {
    const witness = await serve();
    expect(await submit(witness, truth, 0, 20)).toBe('200');
    expect(await submit(witness, log.history(30, { forkAt: 19, story: 'other' }), 20, 30)).toBe('422');
    const lines = (await truth.request(20, 30)).split('\n');
    for (const body of [
      lines.filter((_, i) => i !== 1),
      lines.toSpliced(1, 0, lines[1] ?? ''),
      lines.toSpliced(1, 1, 'A'.repeat(43) + '='),
    ]) {
      expect((await witness.post(body.join('\n'))).status).toBe(422);
    }
    expect(await submit(witness, truth, 20, 30)).toBe('200');
  });

  it('does not know other logs, and trusts no other key', async () => {
    const witness = await serve();
    const stranger = new SampleLog('example.com/other');
    expect(await submit(witness, stranger.history(3), 0, 3)).toBe('404');
    expect(await submit(witness, new SampleLog(log.origin).history(3), 0, 3)).toBe('403');
    expect((await run('status', '--config', config)).out).toContain(`${log.origin}: size 0, never cosigned`);
  });

  it('cosigns one history only when many are sent at once', async () => {
    const witness = await serve();
    expect(await submit(witness, truth, 0, 5)).toBe('200');
    const histories = Array.from({ length: 12 }, (_, i) => log.history(9 + (i % 3), { forkAt: 5, story: `story ${i}` }));
    const answers = await Promise.all(histories.map((history, i) => submit(witness, history, 5, 9 + (i % 3))));
    expect(answers.filter((answer) => answer === '200')).toHaveLength(1);
    const winner = answers.indexOf('200');
    const size = 9 + (winner % 3);
    expect(answers.filter((answer) => answer === `409 ${size}`)).toHaveLength(11);
    expect(await Promise.all(histories.map((history) => submit(witness, history, 5, 9)))).not.toContain('200');
    expect(await submit(witness, histories[winner] ?? truth, size, size)).toBe('200');
  });

  it.each(STEPS)('survives kill -9 when recording got as far as: %s', async (step) => {
    const before = await serve();
    expect(await submit(before, truth, 0, 5)).toBe('200');
    await before.stop();
    const dying = await serve(step);
    await expect(submit(dying, truth, 5, 12)).rejects.toThrow();
    expect(await dying.ended()).toBe('SIGKILL');
    const after = await serve();
    // Once renamed it is recorded. C2SP answers the old size with 409 then, and the client sends the checkpoint with the size it is told.
    const recorded = step === 'renamed' || step === 'folder synced';
    const again = await submit(after, truth, 5, 12);
    expect(again).toBe(recorded ? '409 12' : '200');
    expect(await submit(after, log.history(12, { forkAt: 5, story: 'other' }), 5, 12)).toBe('409 12');
    expect(await submit(after, truth, 12, 12)).toBe('200');
    expect(await submit(after, truth, 12, 13)).toBe('200');
  });

  it('answers what was begun before it was told to stop', async () => {
    const witness = await serve();
    const body = await truth.request(0, 5);
    const socket = createConnection(witness.port, '127.0.0.1');
    socket.write(`POST /add-checkpoint HTTP/1.1\r\nHost: witness\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\nold 0`);
    // Its first half has been read when a later request has its answer.
    expect(await submit(witness, truth, 1, 5)).toBe('409 0');
    const stopped = witness.stop();
    socket.write(body.slice('old 0'.length));
    const answer = (await socket.toArray()).join('');
    expect(answer).toContain('200 OK');
    expect(answer).toContain(`— ${NAME} `);
    expect(await stopped).toBe(0);
  });

  it('answers nothing but a POST of a whole, small request', async () => {
    const witness = await serve();
    const good = await truth.request(0, 5);
    expect((await fetch(witness.url)).status).toBe(405);
    expect((await fetch(new URL('/', witness.url))).status).toBe(404);
    for (const bad of ['', '\n\n', good.slice(0, -1), good.replace('old 0', 'old 00'), Buffer.from([0xff, 10, 10])]) {
      expect((await witness.post(bad)).status).toBe(400);
    }
    expect((await witness.post('x'.repeat(65_536))).status).toBe(400);
    expect((await witness.post(good)).status).toBe(200);
  });

  it('cuts off an oversized body, said beforehand or not', async () => {
    const witness = await serve();
    for (const headers of [{ 'content-length': 1e12 }, { 'transfer-encoding': 'chunked' }]) {
      const status = await new Promise((resolve, reject) => {
        const sent = request(witness.url, { method: 'POST', headers }, (response) => {
          resolve(response.statusCode);
          sent.destroy();
        });
        sent.on('error', reject);
        sent.write('x'.repeat(65_537));
      });
      expect(status).toBe(413);
    }
    expect(await submit(witness, truth, 0, 5)).toBe('200');
  });

  it('stops being a witness when its state file is changed behind its back', async () => {
    const witness = await serve();
    expect(await submit(witness, truth, 0, 5)).toBe('200');
    const yesterday = await readFile(stateFile());
    expect(await submit(witness, truth, 5, 6)).toBe('200');
    await writeFile(stateFile(), yesterday);
    expect(await submit(witness, truth, 6, 7)).toBe('500');
    await witness.stop();
    expect(witness.lines.at(-2)).toMatchObject({ status: 500, reason: expect.stringContaining('changed by somebody else') });
  });
});

describe('custodiet-witness', () => {
  it('makes a private key, and overwrites nothing', async () => {
    expect((await stat(join(config, '..', 'witness.key'))).mode & 0o777).toBe(0o600);
    expect(parseCosignatureVerifier(vkey).name).toBe(NAME);
    const again = await run('init', '--name', NAME, '--config', config);
    expect(again).toMatchObject({ status: 2, out: '' });
    expect(again.err).toContain('already; it is not overwritten');
  });

  it('does not start from zero when its state is gone, unless it is told to', async () => {
    await rm(stateFile());
    for (const command of ['serve', 'status']) {
      const refused = await run(command, '--config', config);
      expect(refused.status).toBe(2);
      expect(refused.err).toContain('is missing');
    }
    const fresh = await WitnessProcess.serve(program, ['--config', config, '--new-state']);
    started.push(fresh);
    expect(await submit(fresh, truth, 0, 5)).toBe('200');
    await fresh.stop();
    const forgetful = await run('serve', '--config', config, '--new-state');
    expect(forgetful.status).toBe(2);
    expect(await submit(await serve(), truth, 5, 6)).toBe('200');
  });

  it('refuses a state that was cut short', async () => {
    const whole = await readFile(stateFile(), 'utf8');
    for (const length of [0, 40, whole.length - 1]) {
      await writeFile(stateFile(), whole.slice(0, length));
      const refused = await run('serve', '--config', config);
      expect(refused.status).toBe(2);
      expect(refused.err).toContain('is damaged');
    }
  });

  it('runs once for one state', async () => {
    await serve();
    const second = await run('serve', '--config', config);
    expect(second.status).toBe(2);
    expect(second.err).toContain('Another custodiet-witness runs');
  });

  it('refuses a key that others can read, a config with faults and wrong usage, with exit code 2', async () => {
    await writeFile(join(config, '..', 'wrong.json'), '{"name":"a b","listen":"x","keyFile":"k","logs":["y"],"more":1}');
    const wrong = await run('serve', '--config', join(config, '..', 'wrong.json'));
    expect(wrong.status).toBe(2);
    for (const fault of ['"more"', '"stateFile"', '"listen"', '"name"', 'log 1']) expect(wrong.err).toContain(fault);
    for (const usage of [[], ['dance'], ['serve'], ['serve', '--fast'], ['status', '--new-state', '--config', config]]) {
      expect((await run(...usage)).status).toBe(2);
    }
    const open = join(folder, `${made}-open`, 'config.json');
    await run('init', '--name', NAME, '--config', open, '--log', log.key.vkey);
    await chmod(join(open, '..', 'witness.key'), 0o640);
    expect((await run('serve', '--config', open)).err).toContain('can be read by others');
  });

  it('explains itself, with the version of the package', async () => {
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(await run('--version')).toEqual({ status: 0, out: `${version}\n`, err: '' });
    expect((await run('--help')).out).toContain('custodiet-witness serve --config FILE');
  });
});
