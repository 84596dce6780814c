import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ObjectStore, type StoredVersion } from '#storage';
import { loadConfig, type Config } from '#platform';
import { required } from '../../../test/support/fresh-database.js';
import { WorkSpace } from './work-space.js';

const MIB = 2 ** 20;
const BUCKET = `custodiet-test-${randomBytes(6).toString('hex')}`;

describe('the work space', () => {
  let folder: string;
  let store: ObjectStore;
  let space: WorkSpace;
  const signal = new AbortController().signal;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-work-'));
    const [endpoint, accessKeyId, secretAccessKey] = ['S3_ENDPOINT', 'S3_ACCESS_KEY_ID', 'S3_SECRET_ACCESS_KEY'].map(required);
    store = new ObjectStore({
      ...{
        endpoint: endpoint ?? '',
        region: 'us-east-1',
        accessKeyId: accessKeyId ?? '',
        secretAccessKey: secretAccessKey ?? '',
      },
    });
    await store.ensureBucket(BUCKET);
    const config: Config = { ...loadConfig('api'), WORK_DIR: folder };
    space = new WorkSpace(config, store);
    await space.onModuleInit();
  }, 60_000);
  afterAll(async () => {
    store?.close();
    await rm(folder, { recursive: true, force: true });
  });

  const put = (bytes: Buffer): Promise<StoredVersion> => store.put(BUCKET, randomBytes(8).toString('hex'), bytes, 'video/mp4');
  const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
  const own = (): string => join(folder, `worker-${process.pid}`);

  it('holds exactly what is stored, whatever the file before it was', async () => {
    for (const size of [5 * MIB + 1, 3 * MIB, 0, 1, 9 * MIB]) {
      const bytes = randomBytes(size);
      const version = await put(bytes);
      await space.with(async (job) => {
        const path = join(job, 'original');
        expect(await space.fetch(version, path, signal)).toEqual({ sha256: sha256(bytes), size });
        expect((await readFile(path)).equals(bytes)).toBe(true);
        expect((await stat(path)).mode & 0o777).toBe(0o600);
      });
    }
    // Of five jobs one after the other, one file.
    expect(await readdir(own())).toEqual([expect.stringMatching(/^spare-/)]);
  }, 30_000);

  it('keeps jobs at the same time apart, and at most three of their files', async () => {
    const files = Array.from({ length: 6 }, (_, i) => randomBytes((i + 1) * MIB));
    const versions = await Promise.all(files.map(put));
    const found = await Promise.all(
      versions.map((version) =>
        space.with(async (job) => {
          const path = join(job, 'original');
          await space.fetch(version, path, signal);
          return sha256(await readFile(path)).toString('hex');
        }),
      ),
    );
    expect(found).toEqual(files.map((bytes) => sha256(bytes).toString('hex')));
    expect(await readdir(own())).toHaveLength(3);
  }, 30_000);

  it('is not harmed by a job that is stopped or fails in the middle', async () => {
    const version = await put(randomBytes(20 * MIB));
    const abort = new AbortController();
    const stopped = space.with(async (job) => {
      const fetched = space.fetch(version, join(job, 'original'), abort.signal);
      setImmediate(() => abort.abort(new Error('told to stop')));
      await fetched;
    });
    await expect(stopped).rejects.toThrow('told to stop');
    await expect(
      space.with((job) => space.fetch({ ...version, versionId: 'nonsense' }, join(job, 'x'), signal)),
    ).rejects.toThrow();
    const bytes = randomBytes(MIB);
    const small = await put(bytes);
    await space.with(async (job) => {
      await space.fetch(small, join(job, 'original'), signal);
      expect((await readFile(join(job, 'original'))).equals(bytes)).toBe(true);
    });
  }, 30_000);
});
