import { createHash, randomBytes } from 'node:crypto';
import '@nestjs/core';
import { WorkerDied, type Config } from '#platform';
import { Alert } from './alert.entity.js';
import type { Recording } from './recording.entity.js';
import type { SealingService as Sealing } from './sealing.service.js';
import type { EvidenceDatabase as Database } from './testing/evidence-database.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { EvidenceDatabase } = await import('./testing/evidence-database.js');
const { SealingService } = await import('./sealing.service.js');
const { WorkSpace } = await import('./work-space.js');

const MIB = 2 ** 20;

describe('a recording that cannot be sealed', () => {
  let database: Database;

  beforeAll(async () => {
    database = await EvidenceDatabase.create({ PART_SIZE_MIB: '5' });
  }, 60_000);
  afterAll(async () => {
    await database?.close();
  });

  const sealingWith = async (overrides: Partial<Config> = {}): Promise<Sealing> => {
    const { unitOfWork, custody, outbox, store, alerts, clock } = database;
    const config = { ...database.config, ...overrides };
    const workSpace = new WorkSpace(config, store);
    await workSpace.onModuleInit();
    const fixity = database.fixityEvery(180);
    return new SealingService(config, unitOfWork, custody, outbox, store, workSpace, alerts, fixity, clock);
  };
  const seal = async (id: string, overrides: Partial<Config> = {}): Promise<void> => {
    const sealing = await sealingWith(overrides);
    await sealing.run(id, { signal: new AbortController().signal, progress: () => undefined });
  };
  const complete = async (file: Buffer): Promise<Recording> => {
    const { id } = await database.receiving(file);
    for (let part = 1; (part - 1) * 5 * MIB < file.length; part += 1)
      await database.send(await database.recording(id), part, file);
    await database.uploads.complete(id);
    return database.recording(id);
  };
  const expectQuarantined = async (id: string, reason: RegExp): Promise<void> => {
    expect(await database.recording(id)).toMatchObject({ state: 'quarantined', reason: expect.stringMatching(reason) });
    expect((await database.eventsOf(id)).map(({ type }) => type)).toEqual(['recording.quarantined']);
    expect(await database.unitOfWork.reader.findBy(Alert, { recordingId: id })).toMatchObject([{ kind: 'quarantined' }]);
  };

  it('is quarantined when the store has another part of it than was taken, instead of being tried for ever', async () => {
    const { id, bucket, key, uploadId } = await complete(randomBytes(6 * MIB));
    const late = randomBytes(MIB);
    const sha256 = createHash('sha256').update(late).digest('hex');
    await database.store.putPart({ bucket, key, uploadId: uploadId ?? '' }, 2, late, sha256);
    await seal(id);
    await expectQuarantined(id, /^The object store has other parts of this file than were taken/);
  }, 30_000);

  it('is quarantined when looking at it takes longer than it may, instead of being looked at for ever', async () => {
    const { id } = await complete(randomBytes(1000));
    await seal(id, { MEDIA_TIME_LIMIT_SECONDS: 0.001 });
    await expectQuarantined(id, /took longer than the 0.001 s allowed/);
  }, 30_000);

  it('stays as it arrived with an alert when the worker dies of it, until somebody has it tried again', async () => {
    const { id } = await complete(randomBytes(1000));
    const sealing = await sealingWith();
    await sealing.gaveUp(id, new WorkerDied(2));
    const stuck = { kind: 'sealing-stuck', detail: expect.stringMatching(/^The worker ended twice/) };
    expect(await database.unitOfWork.reader.findBy(Alert, { recordingId: id })).toMatchObject([stuck]);
    expect(await database.recording(id)).toMatchObject({ state: 'sealing' });
    await seal(id);
    await sealing.gaveUp(id, new WorkerDied(2));
    expect(await database.unitOfWork.reader.findBy(Alert, { recordingId: id })).toMatchObject([stuck, { kind: 'quarantined' }]);
  }, 30_000);
});
