import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateNoteKey, verifierOf } from '#tlog';
import { eventually } from './eventually.js';
import { freshDatabase, required, type FreshDatabase } from './fresh-database.js';
import { HttpClient, signIn, type Credentials } from './http.js';
import { ProductProcess } from './product-process.js';
import { compiled, TOP } from './repository.js';

/** Variables to replace; as a function, of what they would have been: to put something between the product and a service of its own. */
export type Overrides =
  Readonly<Record<string, string>> | ((env: Readonly<Record<string, string>>) => Readonly<Record<string, string>>);

export interface TestEnvironment {
  /** The whole environment of the product's processes, without the administrator's connection. */
  readonly env: Readonly<Record<string, string>>;
  readonly database: FreshDatabase;
  /** Public key of the log. */
  readonly logKey: string;
  /** Deletes database and work folder. Buckets stay: what is locked in them cannot be deleted, and the store is a throw-away one. */
  readonly dispose: () => Promise<void>;
}

export interface SeedAccount extends Credentials {
  readonly role: string;
}

export interface Stack {
  readonly url: string;
  readonly env: Readonly<Record<string, string>>;
  readonly database: FreshDatabase;
  readonly logKey: string;
  readonly api: ProductProcess;
  readonly worker: ProductProcess;
  readonly seedAccounts: readonly SeedAccount[];
  /** As the demonstration account of that role. Every call is a session of its own. */
  readonly signIn: (role: string) => Promise<HttpClient>;
  readonly anonymous: () => HttpClient;
  /** Starts it anew, gracefully if it runs, and waits until it is ready. */
  readonly restart: (which: 'api' | 'worker') => Promise<void>;
  /** SIGKILL unless another signal is named; waits until it is gone. */
  readonly kill: (which: 'api' | 'worker', signal?: NodeJS.Signals) => Promise<void>;
  /** Ends both and deletes database and work folder. */
  readonly stop: () => Promise<void>;
}

/** What the processes need of the machine, and the services that the test run provides. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'FFMPEG_PATH', 'FFPROBE_PATH'];
const PROVIDED = ['REDIS_URL', 'S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'];

/** A new database, bucket names, log key, work folder and ports on the services of the test run. Nothing is started. */
export async function testEnvironment(overrides: Overrides = {}): Promise<TestEnvironment> {
  const provided = Object.fromEntries(PROVIDED.map((name) => [name, required(name)]));
  const inherited = INHERITED.flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : []));
  const [port, workerPort] = await freePorts();
  const database = await freshDatabase();
  const workDir = await mkdtemp(join(tmpdir(), 'custodiet-stack-'));
  const mark = randomBytes(6).toString('hex');
  const { skey } = generateNoteKey(`custodiet.test/${mark}`);
  const env: Record<string, string> = {
    ...Object.fromEntries(inherited),
    ...provided,
    ...database.urls,
    AGENCY_NAME: 'Test agency',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    WORKER_PORT: String(workerPort),
    S3_REGION: process.env['S3_REGION'] ?? 'us-east-1',
    S3_EVIDENCE_BUCKET: `custodiet-test-${mark}-evidence`,
    S3_RENDITION_BUCKET: `custodiet-test-${mark}-renditions`,
    S3_DISCLOSURE_BUCKET: `custodiet-test-${mark}-disclosures`,
    S3_LOG_BUCKET: `custodiet-test-${mark}-log`,
    OBJECT_LOCK_MODE: 'GOVERNANCE',
    OBJECT_LOCK_DAYS: '1',
    RETENTION_DAYS: '1',
    LOG_SIGNING_KEY: skey,
    LOG_LEVEL: 'warn',
    CHECKPOINT_SECONDS: '1',
    SIGN_IN_ATTEMPTS_PER_MINUTE: '1000',
    WORK_DIR: workDir,
    DEMO_ACCOUNTS_FILE: join(workDir, 'demo-accounts.json'),
  };
  Object.assign(env, typeof overrides === 'function' ? overrides(env) : overrides);
  const dispose = async (): Promise<void> => {
    await database.drop();
    await rm(workDir, { recursive: true, force: true });
  };
  return { env, database, logKey: verifierOf(env['LOG_SIGNING_KEY'] ?? '').vkey, dispose };
}

/**
 * Starts API and worker as processes of their own, with data of their own. The build in `dist/` is what runs.
 * @throws Error with the end of the log of whatever did not start
 */
export async function startStack(overrides: Overrides = {}): Promise<Stack> {
  const { env, database, logKey, dispose } = await testEnvironment(overrides);
  const url = `http://127.0.0.1:${env['PORT'] ?? ''}`;
  const logOf = (name: string): string => join(env['WORK_DIR'] ?? '', `${name}.log`);
  const processes = {
    api: new ProductProcess('api', url, env, logOf('api')),
    worker: new ProductProcess('worker', `http://127.0.0.1:${env['WORKER_PORT'] ?? ''}`, env, logOf('worker')),
  };
  const all = Object.values(processes);
  const stop = async (): Promise<void> => {
    await Promise.all(all.map((each) => each.stop()));
    await dispose();
  };
  try {
    const seedAccounts = await seed(env);
    for (const each of all) each.start();
    await Promise.all(all.map((each) => each.ready()));
    await eventually('the log has a key', async () => (await new HttpClient(url).get('/log/keys')).status === 200);
    return {
      ...{ url, env, database, logKey, ...processes, seedAccounts, stop },
      signIn: (role) => signIn(url, accountOf(seedAccounts, role)),
      anonymous: () => new HttpClient(url),
      kill: (which, signal) => processes[which].kill(signal),
      restart: async (which) => {
        await processes[which].stop();
        processes[which].start();
        await processes[which].ready();
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws Error naming the roles there are */
export function accountOf(accounts: readonly SeedAccount[], role: string): SeedAccount {
  const account = accounts.find((each) => each.role === role);
  if (account !== undefined) return account;
  throw new Error(`There is no account for the role ${role}, only for ${accounts.map((each) => each.role).join(', ')}.`);
}

async function seed(env: Readonly<Record<string, string>>): Promise<readonly SeedAccount[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [compiled('apps/api/src/seed.js')], {
    cwd: TOP,
    env,
  });
  return (JSON.parse(stdout) as { accounts: SeedAccount[] }).accounts;
}

/** Two ports that were free a moment ago; held together while they are chosen, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const listen = (server: (typeof servers)[number]): Promise<number> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', () => {
        resolve((server.address() as AddressInfo).port);
      });
    });
  const ports: [number, number] = [await listen(servers[0]), await listen(servers[1])];
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
