import { randomBytes } from 'node:crypto';
import '@nestjs/core';
import { UploadPart } from './upload-part.entity.js';
import type { EvidenceDatabase as Database } from './testing/evidence-database.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { EvidenceDatabase } = await import('./testing/evidence-database.js');

const MIB = 2 ** 20;

describe('an upload that the object store has lost', () => {
  let database: Database;

  beforeAll(async () => {
    database = await EvidenceDatabase.create({ PART_SIZE_MIB: '5' });
  }, 60_000);
  afterAll(async () => {
    await database?.close();
  });

  const send = async (id: string, part: number, file: Buffer): Promise<void> =>
    database.send(await database.recording(id), part, file);
  const lose = async (id: string): Promise<string> => {
    const { bucket, key, uploadId } = await database.recording(id);
    await database.store.abortMultipart({ bucket, key, uploadId: uploadId ?? '' });
    return uploadId ?? '';
  };
  const partsOf = async (id: string): Promise<number[]> => {
    const rows = await database.unitOfWork.reader.find(UploadPart, { where: { recordingId: id }, order: { part: 'ASC' } });
    return rows.map(({ part }) => part);
  };
  const begunAnew = async (id: string): Promise<unknown[]> =>
    (await database.eventsOf(id)).filter(({ type }) => type === 'upload.begun-anew').map(({ event }) => event);

  it('begins anew, on record once, and its sender can send all of it again', async () => {
    const file = randomBytes(16 * MIB);
    const { id } = await database.receiving(file);
    await send(id, 1, file);
    await send(id, 2, file);
    const lost = await lose(id);
    const comeAgain = { status: 503, code: 'unavailable', members: { retryAfter: 2 } };
    const answers = await Promise.allSettled([send(id, 3, file), send(id, 4, file)]);
    // The second may have come when it had begun anew already.
    expect(answers.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
    for (const answer of answers) if (answer.status === 'rejected') expect(answer.reason).toMatchObject(comeAgain);
    expect(await begunAnew(id)).toEqual([{ partsLost: 2 }]);
    await expect(database.uploads.complete(id)).rejects.toMatchObject({ code: 'parts-missing' });
    for (const part of [1, 2, 3, 4]) await send(id, part, file);
    const { uploadId } = await database.recording(id);
    expect(uploadId).not.toBe(lost);
    expect(await partsOf(id)).toEqual([1, 2, 3, 4]);
    expect((await database.uploads.complete(id)).state).toBe('sealing');
    const { bucket, key } = await database.recording(id);
    const parts = await database.unitOfWork.reader.findBy(UploadPart, { recordingId: id });
    const at = { bucket, key, uploadId: uploadId ?? '' };
    expect(await database.store.completeMultipart(at, parts)).toMatchObject({ size: file.length });
  }, 30_000);

  it('does not fill the record when the store takes nothing at all', async () => {
    const file = randomBytes(6 * MIB);
    const { id } = await database.receiving(file);
    await database.rows("UPDATE recordings SET upload_id = 'never-begun' WHERE id = $1", [id]);
    await expect(send(id, 1, file)).rejects.toMatchObject({ status: 503 });
    expect((await database.recording(id)).uploadId).toBeNull();
    expect(await begunAnew(id)).toEqual([]);
  }, 30_000);
});
