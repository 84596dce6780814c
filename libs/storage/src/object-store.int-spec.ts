import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DeleteObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import {
  BucketNotLockable,
  ObjectMissing,
  ObjectStore,
  PartRefused,
  RangeUnsatisfiable,
  StorageUnavailable,
  type StoredVersion,
  type StoreOptions,
} from './index.js';
import { probeEvidenceBucket } from './evidence-probe.js';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

const options: StoreOptions = {
  endpoint: required('S3_ENDPOINT'),
  region: process.env['S3_REGION'] ?? 'us-east-1',
  accessKeyId: required('S3_ACCESS_KEY_ID'),
  secretAccessKey: required('S3_SECRET_ACCESS_KEY'),
};
const stores: ObjectStore[] = [];
const store = connected();
// The same server by its own client, to do what ObjectStore has no method for: deleting
const raw = new S3Client({
  endpoint: options.endpoint,
  region: options.region,
  credentials: { accessKeyId: options.accessKeyId, secretAccessKey: options.secretAccessKey },
  forcePathStyle: true,
});
const run = randomUUID().slice(0, 8);
const evidence = `evidence-${run}`;
const plain = `plain-${run}`;

beforeAll(async () => {
  await store.ensureBucket(evidence, { mode: 'GOVERNANCE', days: 1 });
  await store.ensureBucket(plain);
});

afterAll(() => {
  raw.destroy();
  for (const each of stores) each.close();
});

describe('a bucket', () => {
  it('is prepared once, however many processes prepare it at the same time', async () => {
    const bucket = `raced-${run}`;
    const processes = Array.from({ length: 4 }, () => connected());
    await Promise.all(processes.map((each) => each.ensureBucket(bucket, { mode: 'COMPLIANCE', days: 2 })));
    await store.ensureBucket(bucket, { mode: 'COMPLIANCE', days: 2 });
    const version = await store.put(bucket, 'x', Buffer.from('x'), 'text/plain');
    const retention = await store.retention(version);
    expect(retention?.mode).toBe('COMPLIANCE');
    expect(Math.abs((retention?.until.getTime() ?? 0) - Date.now() - 2 * DAY_MS)).toBeLessThan(DAY_MS / 2);
  });

  it('takes a changed default retention', async () => {
    const bucket = `changed-${run}`;
    await store.ensureBucket(bucket, { mode: 'GOVERNANCE', days: 1 });
    await store.ensureBucket(bucket, { mode: 'GOVERNANCE', days: 30 });
    const retention = await store.retention(await store.put(bucket, 'x', Buffer.from('x'), 'text/plain'));
    expect(retention?.until.getTime()).toBeGreaterThan(Date.now() + 29 * DAY_MS);
  });

  it('made without Object Lock is refused for evidence, with its name', async () => {
    const refused = store.ensureBucket(plain, { mode: 'GOVERNANCE', days: 1 });
    await expect(refused).rejects.toThrow(BucketNotLockable);
    await expect(refused).rejects.toThrow(plain);
  });

  it('for evidence passes the probe, and a second probe leaves no second object', async () => {
    expect(await store.probeEvidenceBucket(evidence)).toEqual([]);
    expect(await store.probeEvidenceBucket(evidence)).toEqual([]);
    expect(await all(store.listVersions(evidence, 'probe/'))).toHaveLength(1);
  });

  it('without versions or locks is told apart by the probe', async () => {
    const failed = await store.probeEvidenceBucket(plain);
    expect(failed).toEqual(expect.arrayContaining(['versioning', 'list-versions', 'locked-versions']));
    expect(failed).not.toContain('part-digests');
    expect(await all(store.listVersions(plain, 'probe/'))).toEqual([]);
  });

  it('that does not exist is missing, not empty', async () => {
    await expect(store.put(`none-${run}`, 'x', Buffer.from('x'), 'text/plain')).rejects.toThrow(ObjectMissing);
    await expect(store.probeEvidenceBucket(`none-${run}`)).rejects.toThrow(ObjectMissing);
  });
});

describe('encryption at rest', () => {
  const encryption = { algorithm: 'aws:kms', kmsKeyId: 'evidence-key' } as const;

  it.each([
    [{ algorithm: 'AES256' } as const, /x-amz-server-side-encryption: AES256\r\n/],
    [encryption, /x-amz-server-side-encryption: aws:kms\r\n[^]*x-amz-server-side-encryption-aws-kms-key-id: evidence-key\r\n/],
  ])('%j is asked for with every object, whole or in parts', async (asked, header) => {
    const overheard: string[] = [];
    const link = await relay((chunk) => overheard.push(chunk.toString('latin1')));
    try {
      const encrypting = connected({ endpoint: link.endpoint, encryption: asked });
      // Whether this store does it or refuses is another matter: see below
      await encrypting.put(plain, randomUUID(), Buffer.from('x'), 'text/plain').catch(() => undefined);
      await encrypting.beginMultipart(plain, randomUUID(), 'text/plain').catch(() => undefined);
      const heads = overheard.join('').match(/(?:PUT|POST) [^]*?\r\n\r\n/g) ?? [];
      expect(heads.map((head) => head.split(' ')[0]).sort()).toEqual(['POST', 'PUT']);
      for (const head of heads) expect(head).toMatch(header);
    } finally {
      await link.close();
    }
  });

  it('is not asked for unless it is wanted', async () => {
    const overheard: string[] = [];
    const link = await relay((chunk) => overheard.push(chunk.toString('latin1')));
    try {
      await connected({ endpoint: link.endpoint }).put(plain, randomUUID(), Buffer.from('x'), 'text/plain');
      expect(overheard.join('')).not.toMatch(/server-side-encryption/i);
    } finally {
      await link.close();
    }
  });

  it('is a failed capability of a bucket where it was asked for and is not had', async () => {
    const encrypting = connected({ encryption: { algorithm: 'AES256' } });
    const head = await encrypting
      .put(plain, randomUUID(), Buffer.from('x'), 'text/plain')
      .then(({ bucket, key }) => raw.send(new HeadObjectCommand({ Bucket: bucket, Key: key })))
      .catch(() => undefined);
    // Ceph without keys refuses, others may do it: the probe says which
    const had = head?.ServerSideEncryption === 'AES256';
    expect(await encrypting.probeEvidenceBucket(evidence)).toEqual(had ? [] : ['encryption']);
  });

  it('is not had when the store takes the question and keeps the object in the clear', async () => {
    const bucket = `ignored-${run}`;
    await store.ensureBucket(bucket, { mode: 'GOVERNANCE', days: 1 });
    expect(await probeEvidenceBucket(raw, asIfAskedFor('AES256'), bucket)).toEqual(['encryption']);
    const confirmed = answeringHead({ ServerSideEncryption: 'AES256' });
    expect(await probeEvidenceBucket(confirmed, asIfAskedFor('AES256'), bucket)).toEqual([]);
    expect(await probeEvidenceBucket(answeringHead({ ServerSideEncryption: 'aws:kms' }), asIfAskedFor('AES256'), bucket)).toEqual(
      ['encryption'],
    );
  });

  it('is tried on a new object when the earlier one is from before it was asked for, and then on that one', async () => {
    const bucket = `later-${run}`;
    await store.ensureBucket(bucket, { mode: 'GOVERNANCE', days: 1 });
    expect(await store.probeEvidenceBucket(bucket)).toEqual([]);
    expect(await probeEvidenceBucket(raw, asIfAskedFor('AES256'), bucket)).toEqual(['encryption']);
    expect(await all(store.listVersions(bucket, 'probe/'))).toHaveLength(2);
    const confirmed = answeringHead({ ServerSideEncryption: 'AES256' });
    for (let i = 0; i < 2; i++) expect(await probeEvidenceBucket(confirmed, asIfAskedFor('AES256'), bucket)).toEqual([]);
    expect(await all(store.listVersions(bucket, 'probe/'))).toHaveLength(2);
  });

  /** The same store, on a server that overlooks the header: what is asked for does not reach it. */
  function asIfAskedFor(algorithm: 'AES256'): ObjectStore {
    return new Proxy(store, {
      get: (target, name) => {
        if (name === 'encryption') return { algorithm };
        const member: unknown = Reflect.get(target, name);
        return typeof member === 'function' ? (member.bind(target) as unknown) : member;
      },
    });
  }

  /** The same server, with more in its answers about objects. */
  function answeringHead(more: { ServerSideEncryption: 'AES256' | 'aws:kms' }): S3Client {
    return new Proxy(raw, {
      get: (target, name) => {
        if (name !== 'send') return Reflect.get(target, name) as unknown;
        return async (command: HeadObjectCommand) => {
          const answer = await target.send(command);
          return command instanceof HeadObjectCommand ? { ...answer, ...more } : answer;
        };
      },
    });
  }
});

describe('a multipart upload', () => {
  it('stores parts sent in any order and at once, and reads back the same bytes', async () => {
    const at = await begun();
    const parts = [randomBytes(5 * MIB), randomBytes(5 * MIB), randomBytes(1000)];
    const sent = await Promise.all(
      [2, 0, 1].map(async (i) => ({ part: i + 1, ...(await send(at, i + 1, parts[i] ?? Buffer.alloc(0))) })),
    );
    const version = await store.completeMultipart(at, sent);
    expect(version).toMatchObject({ bucket: evidence, key: at.key, size: 10 * MIB + 1000 });
    expect(version.versionId).not.toBe('null');
    const opened = await store.open(version);
    expect(opened).toMatchObject({ size: version.size, length: version.size, contentType: 'video/mp4' });
    expect(sha256(await bytes(opened.stream))).toBe(sha256(Buffer.concat(parts)));
  });

  it('leaves no object before it is completed', async () => {
    const at = await begun();
    await send(at, 1, Buffer.from('part'));
    await expect(store.open(at)).rejects.toThrow(ObjectMissing);
    expect(await all(store.listVersions(evidence, at.key))).toEqual([]);
  });

  it('refuses a part whose bytes are not those of its digest, and takes the right one after', async () => {
    const at = await begun();
    const body = randomBytes(MIB);
    const wrong = store.putPart(at, 1, body, sha256(Buffer.from('other')));
    await expect(wrong).rejects.toThrow(PartRefused);
    await expect(wrong).rejects.toMatchObject({ reason: 'digest' });
    const version = await store.completeMultipart(at, [{ part: 1, ...(await send(at, 1, body)) }]);
    expect(sha256(await bytes((await store.open(version)).stream))).toBe(sha256(body));
  });

  it('keeps the last of a part that was sent twice', async () => {
    const at = await begun();
    await send(at, 1, Buffer.from('first'));
    const { etag } = await send(at, 1, Buffer.from('second'));
    const version = await store.completeMultipart(at, [{ part: 1, etag }]);
    expect((await bytes((await store.open(version)).stream)).toString()).toBe('second');
  });

  it('gives the same version when it is completed again', async () => {
    const at = await begun();
    const parts = [{ part: 1, ...(await send(at, 1, Buffer.from('once'))) }];
    const first = await store.completeMultipart(at, parts);
    expect(await store.completeMultipart(at, parts)).toEqual(first);
    expect(await all(store.listVersions(evidence, at.key))).toEqual([{ ...first, deleted: false }]);
  });

  it('makes one version when two processes complete it at the same time', async () => {
    const at = await begun();
    const parts = [{ part: 1, ...(await send(at, 1, Buffer.from('once'))) }];
    const outcomes = await Promise.allSettled([store.completeMultipart(at, parts), store.completeMultipart(at, parts)]);
    const again = await store.completeMultipart(at, parts);
    expect(await all(store.listVersions(evidence, at.key))).toEqual([{ ...again, deleted: false }]);
    for (const outcome of outcomes) if (outcome.status === 'fulfilled') expect(outcome.value).toEqual(again);
    expect(outcomes.some((outcome) => outcome.status === 'fulfilled')).toBe(true);
  });

  it('that nobody knows takes no part and no completion', async () => {
    const at = { bucket: evidence, key: randomUUID(), uploadId: 'never-begun' };
    await expect(send(at, 1, randomBytes(5 * MIB))).rejects.toMatchObject({ reason: 'unknown-upload' });
    await expect(store.completeMultipart(at, [{ part: 1, etag: '"x"' }])).rejects.toMatchObject({ reason: 'unknown-upload' });
  });

  it('that nobody knows is told from an outage, however large the part that the store did not wait for', async () => {
    const body = randomBytes(16 * MIB);
    for (let i = 0; i < 30; i += 1) {
      const at = { bucket: evidence, key: randomUUID(), uploadId: 'never-begun' };
      await expect(send(at, 1, body)).rejects.toMatchObject({ reason: 'unknown-upload' });
    }
  }, 60_000);

  it('does not complete with a part that never arrived', async () => {
    const at = await begun();
    const { etag } = await send(at, 1, randomBytes(5 * MIB));
    const incomplete = [
      { part: 1, etag },
      { part: 2, etag },
    ];
    await expect(store.completeMultipart(at, incomplete)).rejects.toMatchObject({ reason: 'other-parts' });
    expect(await all(store.listVersions(evidence, at.key))).toEqual([]);
  });

  it('does not complete with a part that was replaced after its etag was given', async () => {
    const at = await begun();
    const { etag } = await send(at, 1, Buffer.from('first'));
    await send(at, 1, Buffer.from('second'));
    await expect(store.completeMultipart(at, [{ part: 1, etag }])).rejects.toMatchObject({ reason: 'other-parts' });
  });

  it('is gone once aborted, and aborting again is no fault', async () => {
    const at = await begun();
    await send(at, 1, Buffer.from('part'));
    await store.abortMultipart(at);
    await store.abortMultipart(at);
    await expect(send(at, 2, Buffer.from('part'))).rejects.toMatchObject({ reason: 'unknown-upload' });
  });
});

describe('a stored version', () => {
  it('cannot be deleted while the default retention holds it, though it came in parts', async () => {
    const version = await stored('kept');
    await expect(remove(version)).rejects.toThrow(/WORM protected|Access ?Denied|forbidden/i);
    expect((await bytes((await store.open(version)).stream)).toString()).toBe('kept');
  });

  it('is retained longer on demand, by compliance too, and never shorter', async () => {
    const version = await stored('longer');
    const [week, month] = [new Date(Date.now() + 7 * DAY_MS), new Date(Date.now() + 30 * DAY_MS)];
    await store.retainUntil(version, month, 'COMPLIANCE');
    await store.retainUntil(version, week, 'COMPLIANCE');
    await store.retainUntil(version, week, 'GOVERNANCE');
    const retention = await store.retention(version);
    expect(retention?.mode).toBe('COMPLIANCE');
    expect(Math.abs((retention?.until.getTime() ?? 0) - month.getTime())).toBeLessThan(1000);
  });

  it('stays readable by its id beneath a delete marker, and the list tells both', async () => {
    const version = await stored('beneath');
    await raw.send(new DeleteObjectCommand({ Bucket: version.bucket, Key: version.key }));
    await expect(store.open({ bucket: version.bucket, key: version.key })).rejects.toThrow(ObjectMissing);
    expect((await bytes((await store.open(version)).stream)).toString()).toBe('beneath');
    const listed = await all(store.listVersions(evidence, version.key));
    expect(listed.map(({ deleted }) => deleted).sort()).toEqual([false, true]);
  });

  it('is read by ranges, inclusive at both ends and cut at the end of the object', async () => {
    const version = await store.put(evidence, randomUUID(), Buffer.from('0123456789'), 'text/plain');
    const middle = await store.open(version, { start: 2, end: 4 });
    expect(middle).toMatchObject({ size: 10, length: 3, contentType: 'text/plain' });
    expect((await bytes(middle.stream)).toString()).toBe('234');
    const tail = await store.open(version, { start: 8, end: 1000 });
    expect(tail).toMatchObject({ size: 10, length: 2 });
    expect((await bytes(tail.stream)).toString()).toBe('89');
    await expect(store.open(version, { start: 10, end: 11 })).rejects.toThrow(RangeUnsatisfiable);
  });

  it('that does not exist is missing', async () => {
    await expect(store.open({ bucket: evidence, key: randomUUID() })).rejects.toThrow(ObjectMissing);
  });

  it('in a bucket without versions is addressed by the id that storing it gave', async () => {
    const version = await store.put(plain, randomUUID(), Buffer.from('plain'), 'text/plain');
    expect((await bytes((await store.open(version)).stream)).toString()).toBe('plain');
    const empty = await store.put(plain, randomUUID(), Buffer.alloc(0), 'text/plain');
    expect(await bytes((await store.open(empty)).stream)).toHaveLength(0);
  });

  it('is listed once each, over more pages than one', async () => {
    const prefix = `many-${run}/`;
    const stored = new Set<string>();
    const keys = Array.from({ length: 1050 }, (_, i) => `${prefix}${String(i % 350)}`);
    const putNext = async (): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
        stored.add((await store.put(evidence, key, Buffer.from(key), 'text/plain')).versionId);
      }
    };
    await Promise.all(Array.from({ length: 16 }, putNext));
    const listed = await all(store.listVersions(evidence, prefix));
    expect(listed).toHaveLength(1050);
    expect(new Set(listed.map(({ versionId }) => versionId))).toEqual(stored);
  }, 60_000);

  it('is listed from a key on, when the keys before it are of no interest', async () => {
    const prefix = `ordered-${run}/`;
    for (const n of ['1', '2', '3-a', '3-b', '4']) await store.put(evidence, `${prefix}${n}`, Buffer.from(n), 'text/plain');
    const listed = await all(store.listVersions(evidence, prefix, `${prefix}3`));
    expect(listed.map(({ key }) => key.slice(prefix.length))).toEqual(['3-a', '3-b', '4']);
  });
});

describe('a local file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-storage-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([0, 1000, 16 * MIB, 16 * MIB + 1, 40 * MIB])('of %d bytes is stored whole', async (size) => {
    const content = randomBytes(size);
    const path = join(folder, String(size));
    await writeFile(path, content);
    const version = await store.putFile(plain, `file-${String(size)}`, path, 'video/mp4');
    expect(version.size).toBe(size);
    const opened = await store.open(version);
    expect(opened.contentType).toBe('video/mp4');
    expect(sha256(await bytes(opened.stream))).toBe(sha256(content));
  });

  it('may be stored again under the same key', async () => {
    const path = join(folder, 'again');
    await writeFile(path, randomBytes(17 * MIB));
    const first = await store.putFile(evidence, `again-${run}`, path, 'video/mp4');
    const second = await store.putFile(evidence, `again-${run}`, path, 'video/mp4');
    expect(second.versionId).not.toBe(first.versionId);
  });
});

describe('a store that does not answer', () => {
  it('is unavailable, to ping and to every call', async () => {
    const closed = connected({ endpoint: 'http://127.0.0.1:9' });
    await expect(closed.ping()).rejects.toThrow(StorageUnavailable);
    await expect(closed.open({ bucket: evidence, key: 'x' })).rejects.toThrow(StorageUnavailable);
    await expect(closed.ensureBucket(evidence)).rejects.toThrow(StorageUnavailable);
  });

  it('answers ping when it is there, and a wrong secret is a fault of ours, not of the network', async () => {
    await expect(store.ping()).resolves.toBeUndefined();
    const stranger = connected({ secretAccessKey: 'wrong-secret' });
    await expect(stranger.ping()).rejects.not.toThrow(StorageUnavailable);
  });

  it('that takes a part and falls silent is given up, and a slow one is waited for', async () => {
    const at = await begun();
    const body = randomBytes(16 * MIB);
    // Both sides of the measure: silence for longer than allowed, and a part that takes longer than that while bytes flow
    const silent = await relay(() => undefined, 'hold');
    const slow = await relay(() => undefined, 'trickle');
    try {
      const before = performance.now();
      await expect(
        connected({ endpoint: silent.endpoint, partSilenceMs: 300 }).putPart(at, 1, body, sha256(body)),
      ).rejects.toThrow(StorageUnavailable);
      expect(performance.now() - before).toBeLessThan(10_000);
      const begun = performance.now();
      const { etag } = await connected({ endpoint: slow.endpoint, partSilenceMs: 1_000 }).putPart(at, 1, body, sha256(body));
      expect(performance.now() - begun).toBeGreaterThan(1_000);
      expect((await store.completeMultipart(at, [{ part: 1, etag }])).size).toBe(body.length);
    } finally {
      await Promise.all([silent.close(), slow.close()]);
    }
  }, 30_000);

  it('is not waited for when its caller gives the part up', async () => {
    const at = await begun();
    const body = randomBytes(MIB);
    const silent = await relay(() => undefined, 'hold');
    try {
      const giveUp = new AbortController();
      const before = performance.now();
      const sending = connected({ endpoint: silent.endpoint }).putPart(at, 1, body, sha256(body), giveUp.signal);
      giveUp.abort();
      await expect(sending).rejects.toThrow(StorageUnavailable);
      expect(performance.now() - before).toBeLessThan(1_000);
    } finally {
      await silent.close();
    }
  });

  it('in the middle of a read breaks the stream instead of ending it early', async () => {
    const version = await store.put(evidence, randomUUID(), randomBytes(8 * MIB), 'video/mp4');
    const link = await cutAfter(MIB);
    try {
      const { port } = link.address() as AddressInfo;
      const cut = new ObjectStore({ ...options, endpoint: `http://127.0.0.1:${String(port)}` });
      const { stream } = await cut.open(version);
      await expect(bytes(stream)).rejects.toThrow();
    } finally {
      await new Promise((closed) => link.close(closed));
    }
  });
});

function connected(other: Partial<StoreOptions> = {}): ObjectStore {
  const made = new ObjectStore({ ...options, ...other });
  stores.push(made);
  return made;
}

/** A TCP relay to the store that drops the connection once so many bytes came back. */
async function cutAfter(limit: number): Promise<Server> {
  const target = new URL(options.endpoint);
  const server = createServer((near: Socket) => {
    const far = connect(Number(target.port), target.hostname);
    let passed = 0;
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      passed += chunk.length;
      near.write(chunk);
      if (passed > limit) {
        far.destroy();
        near.destroy();
      }
    });
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/**
 * A TCP relay to the store that listens to what is sent. `hold` takes the bytes and passes nothing on; `trickle` passes at most 256 KiB
 * on every 20 ms.
 */
async function relay(
  hear: (chunk: Buffer) => void,
  manner: 'pass' | 'hold' | 'trickle' = 'pass',
): Promise<{ endpoint: string; close: () => Promise<void> }> {
  const target = new URL(options.endpoint);
  const sockets = new Set<Socket>();
  const server = createServer((near: Socket) => {
    const far = connect(Number(target.port), target.hostname);
    for (const [each, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(each);
      each.on('error', () => other.destroy());
      each.on('close', () => other.destroy());
    }
    far.pipe(near);
    near.on('data', (chunk: Buffer) => {
      hear(chunk);
      if (manner === 'hold') return;
      far.write(chunk);
      if (manner !== 'trickle') return;
      near.pause();
      setTimeout(() => near.resume(), (chunk.length / (256 * 1024)) * 20);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${String(port)}`,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

async function begun(): Promise<{ bucket: string; key: string; uploadId: string }> {
  const key = randomUUID();
  return { bucket: evidence, key, uploadId: await store.beginMultipart(evidence, key, 'video/mp4') };
}

function send(at: { bucket: string; key: string; uploadId: string }, part: number, body: Buffer): Promise<{ etag: string }> {
  return store.putPart(at, part, body, sha256(body));
}

async function stored(content: string): Promise<StoredVersion> {
  const at = await begun();
  return store.completeMultipart(at, [{ part: 1, ...(await send(at, 1, Buffer.from(content))) }]);
}

function remove(version: StoredVersion): Promise<unknown> {
  return raw.send(new DeleteObjectCommand({ Bucket: version.bucket, Key: version.key, VersionId: version.versionId }));
}

async function bytes(stream: Readable): Promise<Buffer> {
  return Buffer.concat(await all<Buffer>(stream));
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: these tests need a real S3 server`);
  return value;
}
