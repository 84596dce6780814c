import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Custody, CustodyLog, type Attribution } from '#custody';
import { Clock, NotFound, Outbox, UnitOfWork } from '#platform';
import { ObjectStore } from '#storage';
import { formatReceipt } from '#tlog';
import { NotReceiving, NotSealed, PartConflict, PartRefused, PartsMissing } from './evidence-problems.js';
import { Recording, type RecordingState } from './recording.entity.js';
import { UploadPart } from './upload-part.entity.js';
import { expectedPartSize, missingParts, sha256OfContentDigest } from './upload-parts.rules.js';

/** What the sender is told about one of its files. */
export interface UploadStatus {
  readonly recording: string;
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  readonly state: RecordingState | 'duplicate';
  readonly partSize: number;
  readonly partsReceived: readonly number[];
  readonly duplicateOf?: string;
  readonly reason?: string;
}

/** From the announced recording to its receipt: parts, completion, state. Any replica takes any part. DESIGN.md §4 */
@Injectable()
export class UploadsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly store: ObjectStore,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  async uploadStatus(recordingId: string): Promise<UploadStatus> {
    return this.status(await this.get(recordingId));
  }

  /** @param duplicate that it is held already, and so not waited for */
  async status(recording: Recording, duplicate = false): Promise<UploadStatus> {
    const parts =
      recording.state === 'receiving' && !duplicate
        ? await this.unitOfWork.reader.find(UploadPart, { where: { recordingId: recording.id }, order: { part: 'ASC' } })
        : [];
    return {
      recording: recording.id,
      name: recording.name,
      sha256: recording.sha256.toString('hex'),
      size: recording.size,
      state: duplicate ? 'duplicate' : recording.state,
      partSize: recording.partSize,
      partsReceived: parts.map((row) => row.part),
      ...(duplicate ? { duplicateOf: recording.id } : {}),
      ...(recording.reason === null ? {} : { reason: recording.reason }),
    };
  }

  /** Idempotent for equal bytes. @throws PartRefused (on record), PartConflict, NotReceiving */
  async receivePart(recordingId: string, part: number, body: Buffer, contentDigest: string, by: Attribution): Promise<void> {
    const recording = await this.get(recordingId);
    const digest = sha256OfContentDigest(contentDigest);
    if (digest === undefined)
      throw new PartRefused('digest-missing', 'Send Content-Digest with the SHA-256 of the part (RFC 9530).');
    const expected = expectedPartSize(recording.size, recording.partSize, part);
    if (expected === undefined)
      await this.refusePart(recording, part, by, new PartRefused('no-such-part', `The file has no part ${part}.`));
    if (body.length !== expected)
      await this.refusePart(
        recording,
        part,
        by,
        new PartRefused('part-size', `Part ${part} has ${body.length} bytes instead of ${expected}.`),
      );
    if (!sha256(body).equals(digest))
      await this.refusePart(
        recording,
        part,
        by,
        new PartRefused('digest-mismatch', `Part ${part} did not arrive as it was sent. Send it again.`),
      );

    const known = await this.unitOfWork.reader.findOneBy(UploadPart, { recordingId, part });
    if (known !== null) {
      if (!known.sha256.equals(digest)) throw new PartConflict(part);
      return;
    }
    if (recording.state !== 'receiving') throw new NotReceiving(recording.state);
    const at = { bucket: recording.bucket, key: recording.key, uploadId: await this.uploadIdOf(recording) };
    const { etag } = await this.store.putPart(at, part, body, digest.toString('hex'));
    await this.unitOfWork.reader
      .createQueryBuilder()
      .insert()
      .into(UploadPart)
      .values({ recordingId, part, sha256: digest, size: body.length, etag })
      .orIgnore()
      .execute();
  }

  /** From here on the worker seals. Idempotent. @throws PartsMissing */
  async complete(recordingId: string): Promise<UploadStatus> {
    await this.unitOfWork.run(async (tx) => {
      const recording = await tx.findOneOrFail(Recording, { where: { id: recordingId }, lock: { mode: 'pessimistic_write' } });
      if (recording.state !== 'receiving') return;
      const parts = await tx.findBy(UploadPart, { recordingId });
      const missing = missingParts(
        recording.size,
        recording.partSize,
        parts.map((row) => row.part),
      );
      if (missing.length > 0) throw new PartsMissing(missing);
      await tx.update(Recording, { id: recordingId }, { state: 'sealing', receivedAt: this.clock.now() });
      await this.outbox.add(tx, 'seal', recordingId);
    });
    return this.uploadStatus(recordingId);
  }

  /** The receipt's exact text. @throws NotSealed */
  async receipt(recordingId: string): Promise<string> {
    const recording = await this.get(recordingId);
    if (recording.state !== 'sealed' || recording.sealedEntry === null) throw new NotSealed(recording.state, recording.reason);
    const entry = await this.log.sequenced(recording.sealedEntry);
    return formatReceipt({
      format: 'custodiet/receipt/v1',
      recording: recording.id,
      sha256: recording.sha256.toString('hex'),
      header: entry.header,
      proof: await this.log.proofOf(entry),
    });
  }

  private async uploadIdOf(recording: Recording): Promise<string> {
    if (recording.uploadId !== null) return recording.uploadId;
    const begun = await this.store.beginMultipart(recording.bucket, recording.key, 'application/octet-stream');
    await this.unitOfWork.reader.query('UPDATE recordings SET upload_id = $2 WHERE id = $1 AND upload_id IS NULL', [
      recording.id,
      begun,
    ]);
    const { uploadId } = await this.get(recording.id);
    // Several parts may arrive first at once: one upload wins, the others are given up.
    if (uploadId !== begun) await this.store.abortMultipart({ bucket: recording.bucket, key: recording.key, uploadId: begun });
    return uploadId ?? begun;
  }

  private async refusePart(recording: Recording, part: number, by: Attribution, refusal: PartRefused): Promise<never> {
    await this.unitOfWork.run((tx) =>
      this.custody.append(tx, recording.id, { type: 'upload.part-refused', part, problem: refusal.detail }, by),
    );
    throw refusal;
  }

  private async get(id: string): Promise<Recording> {
    const recording = await this.unitOfWork.reader.findOneBy(Recording, { id });
    if (recording === null) throw new NotFound('recording');
    return recording;
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
