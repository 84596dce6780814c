import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { generateNoteKey, generateWitnessKey } from '#tlog';
import type { Query } from '#custody';
import { eventually } from '../../../test/support/eventually.js';
import { CustodyDatabase } from '../../../libs/custody/src/testing/custody-database.js';

interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

const PASSWORD = 'not-to-be-shown';
const MIDDLE = 4;
const SIZE = 10;

describe('custodiet-verify fsck', () => {
  const role = `fsck_test_${randomBytes(6).toString('hex')}`;
  let database: CustodyDatabase;
  let folder: string;
  let url: string;
  let s3: Record<string, string>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-fsck-'));
    await build({
      entryPoints: ['apps/verifier/src/main.ts'],
      outfile: join(folder, 'verify.mjs'),
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      mainFields: ['module', 'main'],
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      tsconfig: 'tsconfig.json',
      logLevel: 'error',
    });
    database = await CustodyDatabase.create();
    const { S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_LOG_BUCKET } = database.config;
    s3 = { S3_ENDPOINT, S3_REGION, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_LOG_BUCKET };
    const sequencer = database.start();
    await database.appendSequenced(randomUUID(), SIZE);
    await database.checkpoint();
    const folderOfLog = `${encodeURIComponent(database.verifier.name)}/checkpoint/`;
    await eventually('the checkpoint of all entries is mirrored', async () => {
      for await (const { key } of database.store.listVersions(S3_LOG_BUCKET, folderOfLog))
        if (key.includes(`/${String(SIZE).padStart(20, '0')}-`)) return true;
      return false;
    });
    await database.stop(sequencer);
    url = await readOnlyRole();
  }, 120_000);

  afterAll(async () => {
    await database.rows(`DROP OWNED BY ${role}`);
    await database.rows(`DROP ROLE ${role}`);
    await database.close();
    await rm(folder, { recursive: true, force: true });
  });

  /** May SELECT, and nothing else. */
  const readOnlyRole = async (): Promise<string> => {
    await database.rows(`CREATE ROLE ${role} LOGIN PASSWORD '${PASSWORD}'`);
    await database.rows(`GRANT USAGE ON SCHEMA public TO ${role}`);
    await database.rows(`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${role}`);
    return Object.assign(new URL(database.urls.app), { username: role, password: PASSWORD }).href;
  };

  const fsck = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Run> =>
    new Promise((resolve) => {
      execFile(process.execPath, [join(folder, 'verify.mjs'), 'fsck', ...args], { cwd: folder, env }, (error, out, err) => {
        expect(`${out}${err}`).not.toContain(PASSWORD);
        resolve({ status: typeof error?.code === 'number' ? error.code : 0, out, err });
      });
    });
  const key = (): string[] => ['--log-key', database.verifier.vkey];
  /** Committed, because another process looks at it, and put back. */
  const whileTampered = async (there: string, back: string, look: () => Promise<void>): Promise<void> => {
    const all = (sql: string) => (run: Query) => run(sql, []);
    await database.tamper(all(there));
    try {
      await look();
    } finally {
      await database.tamper(all(back));
    }
  };

  it('finds a log consistent with a role that may only read, and says what it checked and what not', async () => {
    const { status, out, err } = await fsck(['--database', url, ...key()]);
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(new RegExp(`^CONSISTENT: ${database.verifier.name}, ${SIZE} entries, 0 findings\\.$`, 'm'));
    expect(out).toContain(`\nSigned: the first ${SIZE} entries.\n`);
    expect(out).toContain('NOT checked: the mirror and the originals.');
    expect(out).toContain('The log keys are those that you gave');
    expect(out).toContain(database.verifier.vkey);
  });

  it('takes what is not on the command line from the environment, and checks mirror and originals with it', async () => {
    const { status, out, err } = await fsck(key(), { DATABASE_URL: url, ...s3 });
    expect({ status, err }).toEqual({ status: 0, err: '' });
    expect(out).toMatch(new RegExp(`^Mirror: [0-9]+ checkpoints, the newest that of ${SIZE} entries; [0-9]+ tiles\\.$`, 'm'));
    expect(out).toContain('Originals: 0 looked at, not read.');
    expect(out).not.toContain('NOT checked');
    const { S3_ENDPOINT, S3_LOG_BUCKET, ...credentials } = s3;
    const flags = ['--s3-endpoint', S3_ENDPOINT ?? '', '--log-bucket', S3_LOG_BUCKET ?? '', '--originals', 'none'];
    const given = await fsck([...key(), ...flags], {
      ...credentials,
      DATABASE_URL: url,
      S3_ENDPOINT: 'http://127.0.0.1:9',
      S3_LOG_BUCKET: 'x',
    });
    expect(given.status).toBe(0);
    expect(given.out).toContain('NOT checked: the originals.');
  });

  it('says that the keys of the database prove little when it was given none', async () => {
    const { status, out } = await fsck([], { DATABASE_URL: url });
    expect(status).toBe(0);
    expect(out).toContain('The log keys came from the database itself, which shows little');
    expect(out).toContain(database.verifier.vkey);
  });

  it('names the first entry that differs, and what differs, before anything else', async () => {
    const swap = 'UPDATE custody_entries SET actor =';
    await whileTampered(`${swap} '${randomUUID()}' WHERE index = ${MIDDLE}`, `${swap} NULL WHERE index = ${MIDDLE}`, async () => {
      const { status, out } = await fsck(key(), { DATABASE_URL: url });
      expect(status).toBe(1);
      expect(out.split('\n')[0]).toBe(`✗ entry ${MIDDLE}: its column actor differs from its header`);
      expect(out).toContain(`NOT CONSISTENT: ${database.verifier.name}, ${SIZE} entries, 1 findings.`);
      const json = await fsck([...key(), '--json'], { DATABASE_URL: url });
      expect(json.status).toBe(1);
      expect(JSON.parse(json.out)).toMatchObject({
        ok: false,
        entries: SIZE,
        found: 1,
        first: { where: `entry ${MIDDLE}` },
        findings: [{ where: `entry ${MIDDLE}` }],
        logKeysPinned: true,
      });
    });
  });

  it('finds every checkpoint signed by a key that it was not given', async () => {
    const { vkey } = generateNoteKey(database.verifier.name);
    const { status, out } = await fsck(['--log-key', vkey], { DATABASE_URL: url });
    expect(status).toBe(1);
    expect(out).toContain(`✗ checkpoint ${SIZE}: its signature does not verify`);
    const both = await fsck(['--log-key', vkey, ...key()], { DATABASE_URL: url });
    expect(both.status).toBe(0);
  });

  it('holds a policy against the checkpoints', async () => {
    const policy = join(folder, 'policy.txt');
    await writeFile(policy, `log ${database.verifier.vkey}\nquorum none\n`);
    const satisfied = await fsck(['--policy', policy], { DATABASE_URL: url });
    expect(satisfied.status).toBe(0);
    expect(satisfied.out).toContain(`Policy: the newest checkpoint that satisfies it is that of ${SIZE} entries.`);
    await writeFile(policy, `witness w ${generateWitnessKey('w.example').vkey}\nquorum w\n`);
    const missing = await fsck([...key(), '--policy', policy], { DATABASE_URL: url });
    expect(missing.status).toBe(1);
    expect(missing.out).toContain('✗ policy: there is no checkpoint that satisfies it');
  });

  it('explains itself', async () => {
    const { status, out } = await fsck(['--help']);
    expect(status).toBe(0);
    expect(out).toContain('custodiet-verify fsck [--database URL]');
  });

  it.each<[string, string[], Record<string, string>, RegExp]>([
    ['no database', [], {}, /Which database\?/],
    ['an address that is none', ['--database', `not-an-address:${PASSWORD}`], {}, /postgres:\/\/USER:PASSWORD@/],
    ['a malformed address', ['--database', `postgres://u:${PASSWORD}@host:port/x`], {}, /postgres:\/\/USER:PASSWORD@/],
    [
      'a database that does not answer',
      ['--database', `postgres://u:${PASSWORD}@127.0.0.1:9/x`],
      {},
      /gave no answer.*ECONNREFUSED/,
    ],
    ['an unknown option', ['--databse', 'x'], {}, /databse/],
    ['an argument too many', ['now'], {}, /now/],
    ['no number of maps', ['--heads', '-1'], {}, /--heads/],
    ['no depth', ['--originals', 'some'], {}, /--originals is none, head or hash/],
    ['originals without a store', ['--originals', 'hash', '--database', 'postgres://127.0.0.1/x'], {}, /take an object store/],
    [
      'a store without its key',
      ['--s3-endpoint', 'http://127.0.0.1:9', '--database', 'postgres://127.0.0.1/x'],
      {},
      /S3_SECRET_ACCESS_KEY/,
    ],
    ['a key that is none', ['--log-key', 'x', '--database', 'postgres://127.0.0.1/x'], {}, /--log-key is neither/],
  ])('refuses %s', async (_, args, env, reason) => {
    const { status, out, err } = await fsck(args, env);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(err).toMatch(reason);
  });

  it('says that it could not look when the store does not answer, the password is wrong, or the database is another', async () => {
    const off = await fsck(key(), { ...s3, DATABASE_URL: url, S3_ENDPOINT: 'http://127.0.0.1:9' });
    expect(off).toMatchObject({ status: 2, out: '', err: expect.stringContaining('The object store gave no answer') });
    const wrong = Object.assign(new URL(url), { password: `${PASSWORD}x` }).href;
    expect(await fsck(key(), { DATABASE_URL: wrong })).toMatchObject({ status: 2, err: expect.stringContaining('password') });
    const other = Object.assign(new URL(url), { pathname: '/postgres' }).href;
    expect(await fsck(key(), { DATABASE_URL: other })).toMatchObject({ status: 2, err: expect.stringContaining('log_state') });
  });

  it('is in one file with the other commands, which start without what only it needs', async () => {
    expect((await stat(join(folder, 'verify.mjs'))).size).toBeLessThan(4_000_000);
    const text = await new Promise<string>((resolve) => {
      execFile(process.execPath, [join(folder, 'verify.mjs'), '--version'], { cwd: folder, env: {} }, (_, out) => resolve(out));
    });
    expect(text).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+\n$/);
  });
});
