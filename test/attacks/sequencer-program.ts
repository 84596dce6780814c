import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { S3Client } from '@aws-sdk/client-s3';
import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { LogMirror, Sequencer } from '#custody';
import { Clock, loadConfig } from '#platform';
import { ObjectStore } from '#storage';
import { parsePolicy } from '#tlog';

/** What it is told on standard input, in one line. */
export interface Orders {
  readonly env: Readonly<Record<string, string>>;
  readonly policy: string;
  /** Killed with signal 9 when it is about to take this step, or has just taken it. */
  readonly dieAt?: { readonly step: string; readonly when: 'before' | 'after' };
}

/**
 * A worker's sequencer in a process of its own. Everything it does to the world is a query, a call of the object store or a request to a
 * witness: each is a step with a name, said on standard output when it begins, and at one of them the process is killed.
 */
async function main(): Promise<void> {
  process.stdout.write('ready\n');
  const [line] = (await once(createInterface({ input: process.stdin }), 'line')) as [string];
  const { env, policy, dieAt } = JSON.parse(line) as Orders;
  const seen = new Map<string, number>();
  const step = async <T>(what: string, take: () => T): Promise<Awaited<T>> => {
    // Several tiles are mirrored at once, and a checkpoint first without and then with cosignatures: each is a step of its own.
    const count = (seen.get(what) ?? 0) + 1;
    seen.set(what, count);
    const name = what.startsWith('put ') ? `${what}, number ${count}` : what;
    process.stdout.write(`${name}\n`);
    const dies = dieAt?.step === name;
    if (dies && dieAt.when === 'before') process.kill(process.pid, 'SIGKILL');
    const taken = await take();
    if (dies) process.kill(process.pid, 'SIGKILL');
    return taken;
  };
  watch(Client.prototype, 'query', ([query]) => nameOfQuery(query), step);
  watch(S3Client.prototype, 'send', ([command]) => nameOfCall(command), step);
  watch(globalThis, 'fetch', () => 'ask the witness', step);

  Logger.overrideLogger(false);
  const config = loadConfig('worker', env);
  const {
    S3_ENDPOINT: endpoint,
    S3_REGION: region,
    S3_ACCESS_KEY_ID: accessKeyId,
    S3_SECRET_ACCESS_KEY: secretAccessKey,
  } = config;
  const store = new ObjectStore({ endpoint, region, accessKeyId, secretAccessKey });
  const file = { text: policy, policy: parsePolicy(policy) };
  new Sequencer(config, config.LOG_SIGNING_KEY ?? '', new Clock(), new LogMirror(config, store), file).onApplicationBootstrap();
}

type Anything = (...given: unknown[]) => unknown;

function watch<Name extends string>(
  owner: object & Partial<Record<Name, unknown>>,
  method: Name,
  nameOf: (given: readonly unknown[]) => string,
  step: (what: string, take: () => unknown) => Promise<unknown>,
): void {
  const taken = owner[method] as Anything;
  const watched: Anything = function (this: unknown, ...given: unknown[]) {
    return step(nameOf(given), () => taken.apply(this, given));
  };
  Object.assign(owner, { [method]: watched });
}

function nameOfQuery(query: unknown): string {
  if (typeof query === 'string') return query.trim().replace(/\s+/g, ' ').slice(0, 70);
  return (query as { name?: string }).name ?? 'a query without a name';
}

function nameOfCall(command: unknown): string {
  const { constructor, input } = command as { constructor: { name: string }; input: { Key?: string } };
  if (constructor.name !== 'PutObjectCommand') return constructor.name;
  return input.Key?.includes('/checkpoint/') === true ? 'put checkpoint' : 'put tile';
}

await main();
