import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import { Custody, type Attribution } from '#custody';
import { system } from '#identity';
import { NotFound, Unavailable, UnitOfWork } from '#platform';
import { ObjectStore, PartRefused as RefusedByStore, type MultipartUpload } from '#storage';
import { NotReceiving, PartConflict, PartRefused } from './evidence-problems.js';
import { PartIntake } from './part-intake.js';
import { PartLocks } from './part-locks.js';
import { Recording } from './recording.entity.js';
import { UploadPart } from './upload-part.entity.js';
import { expectedPartSize, sha256OfContentDigest } from './upload-parts.rules.js';

const BY = system('intake');
const BEGINS_ANEW = 'The object store has lost what had arrived of this file, so the upload begins anew. Send the part again.';

/** A part as it is announced; nothing of its body has been read. */
export interface SentPart {
  /** From 1. */
  readonly number: number;
  readonly body: IncomingMessage;
  /** Bytes, as the Content-Length says; undefined when there is none. */
  readonly length: number | undefined;
  /** The Content-Digest header. RFC 9530 */
  readonly contentDigest: string;
}

/** What is to be known of a recording to take one of its parts. */
interface Awaited extends Pick<Recording, 'id' | 'state' | 'bucket' | 'key' | 'uploadId' | 'size' | 'partSize'> {
  /** SHA-256 of the part, where it is here. */
  readonly arrived: Buffer | null;
}

/** For every part twice, so it is one question for columns, not two for entities. */
const AWAITED = `
  SELECT r.id, r.state, r.bucket, r.key, r.upload_id AS "uploadId", r.size::float8 AS size, r.part_size AS "partSize", p.sha256 AS arrived
  FROM recordings r LEFT JOIN upload_parts p ON p.recording_id = r.id AND p.part = $2 WHERE r.id = $1`;

/** From the sender's connection into the object store. Any process takes any part, in any order, several at once. DESIGN.md §4 */
@Injectable()
export class UploadPartsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly store: ObjectStore,
    private readonly intake: PartIntake,
    private readonly locks: PartLocks,
  ) {}

  /**
   * Idempotent for equal bytes. What can be refused by its head is refused before a byte of the body is read.
   * @throws PartRefused (on record), PartConflict, NotReceiving, Busy, PartCutOff, PartTooSlow, StorageUnavailable
   */
  async receive(recordingId: string, sent: SentPart, by: Attribution): Promise<void> {
    const recording = await this.awaited(recordingId, sent.number);
    const digest = sha256OfContentDigest(sent.contentDigest);
    if (digest === undefined)
      throw new PartRefused('digest-missing', 'Send Content-Digest with the SHA-256 of the part (RFC 9530).');
    const size = expectedPartSize(recording.size, recording.partSize, sent.number);
    if (size === undefined)
      return this.refuse(recording, sent, by, new PartRefused('no-such-part', `The file has no part ${sent.number}.`));
    if (sent.length === undefined)
      return this.refuse(
        recording,
        sent,
        by,
        new PartRefused('length-missing', 'Send Content-Length with the bytes of the part.'),
      );
    if (sent.length !== size) {
      const detail = `Part ${sent.number} has ${sent.length} bytes instead of ${size}.`;
      return this.refuse(recording, sent, by, new PartRefused('part-size', detail));
    }
    // Sent again, because the answer was lost: the bytes of this digest are here, and reading them once more would not make them truer.
    if (isThere(recording, sent.number, digest)) return;
    if (recording.state !== 'receiving') throw new NotReceiving(recording.state);
    await this.intake.take(sent.body, size, by.id ?? by.kind, async (bytes, sha256) => {
      if (!sha256.equals(digest)) {
        const detail = `Part ${sent.number} did not arrive as it was sent. Send it again.`;
        return this.refuse(recording, sent, by, new PartRefused('digest-mismatch', detail));
      }
      await this.locks.holding(recording.id, sent.number, (lost) => this.keep(recording.id, sent.number, bytes, digest, lost));
    });
  }

  /** @param lost aborted when another may be storing the same part */
  private async keep(id: string, part: number, bytes: Buffer, digest: Buffer, lost: AbortSignal): Promise<void> {
    // Read anew: while this part waited for its turn it may have come another way, or another part may have begun the upload.
    const recording = await this.awaited(id, part);
    if (isThere(recording, part, digest)) return;
    const at = { bucket: recording.bucket, key: recording.key, uploadId: await this.uploadIdOf(recording) };
    let etag: string;
    try {
      ({ etag } = await this.store.putPart(at, part, bytes, digest.toString('hex'), lost));
    } catch (error) {
      if (error instanceof RefusedByStore) throw await this.insteadOf(error, id, at);
      throw error;
    }
    if (lost.aborted) throw new Unavailable('The database did not answer. Send the part again.', 2);
    await this.note(id, at.uploadId, { part, digest, size: bytes.length, etag });
  }

  /** The row of a part that the store has. Only while the upload is open: what ends it locks the recording, so one of them is first. */
  private async note(
    id: string,
    uploadId: string,
    { part, digest, size, etag }: { part: number; digest: Buffer; size: number; etag: string },
  ): Promise<void> {
    const rows: unknown[] = await this.unitOfWork.reader.query(
      `INSERT INTO upload_parts (recording_id, part, sha256, size, etag)
       SELECT id, $2, $3, $4, $5 FROM recordings WHERE id = $1 AND state = 'receiving' AND upload_id = $6 FOR SHARE
       ON CONFLICT DO NOTHING RETURNING part`,
      [id, part, digest, size, etag, uploadId],
    );
    if (rows.length > 0) return;
    const now = await this.awaited(id, part);
    if (isThere(now, part, digest)) return;
    const { state } = now;
    throw state === 'receiving' ? new Unavailable(BEGINS_ANEW, 2) : new NotReceiving(state);
  }

  private async uploadIdOf(recording: Awaited): Promise<string> {
    if (recording.uploadId !== null) return recording.uploadId;
    const begun = await this.store.beginMultipart(recording.bucket, recording.key, 'application/octet-stream');
    await this.unitOfWork.reader.query(
      "UPDATE recordings SET upload_id = $2 WHERE id = $1 AND upload_id IS NULL AND state = 'receiving'",
      [recording.id, begun],
    );
    const { uploadId, state } = await this.get(recording.id);
    // Several parts may arrive first at once: one upload wins, the others are given up. As is one begun for what is over by now.
    if (uploadId !== begun) await this.store.abortMultipart({ bucket: recording.bucket, key: recording.key, uploadId: begun });
    if (uploadId === null) throw new NotReceiving(state);
    return uploadId;
  }

  /** What to say of a part that the store would not take: its upload may have been given up or completed meanwhile. */
  private async insteadOf(error: RefusedByStore, recordingId: string, at: MultipartUpload): Promise<Error> {
    const { state } = await this.get(recordingId);
    if (state !== 'receiving') return new NotReceiving(state);
    if (error.reason === 'unknown-upload') {
      await this.beginAnew(recordingId, at);
      return new Unavailable(BEGINS_ANEW, 2);
    }
    // Between us and the store a byte has turned: the next try sends it anew.
    if (error.reason === 'digest')
      return new Unavailable('The object store did not get the part as it was sent. Send it again.', 2);
    return error;
  }

  /** The store lost the upload and every part of it. The sender still has the file: its state names what is to be sent again. */
  private async beginAnew(id: string, lost: MultipartUpload): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const recording = await tx.findOneOrFail(Recording, { where: { id }, lock: { mode: 'pessimistic_write' } });
      // Several parts learn of it at once; the first begins anew.
      if (recording.state !== 'receiving' || recording.uploadId !== lost.uploadId) return;
      const { affected } = await tx.delete(UploadPart, { recordingId: id });
      await tx.update(Recording, { id }, { uploadId: null });
      const partsLost = affected ?? 0;
      // Nothing that was confirmed is lost with an upload without parts; a store that takes none must not fill the record.
      if (partsLost > 0) await this.custody.append(tx, id, { type: 'upload.begun-anew', partsLost }, BY);
    });
  }

  private async refuse(recording: Awaited, { number: part }: SentPart, by: Attribution, refusal: PartRefused): Promise<never> {
    await this.unitOfWork.run((tx) =>
      this.custody.append(tx, recording.id, { type: 'upload.part-refused', part, problem: refusal.detail }, by),
    );
    throw refusal;
  }

  private async awaited(id: string, part: number): Promise<Awaited> {
    // No part has the number 0, which stands for one that the database could not even be asked for.
    const number = Number.isInteger(part) && part > 0 && part < 2 ** 31 ? part : 0;
    const [recording]: readonly Awaited[] = await this.unitOfWork.reader.query(AWAITED, [id, number]);
    if (recording === undefined) throw new NotFound('recording');
    return recording;
  }

  private async get(id: string): Promise<Recording> {
    const recording = await this.unitOfWork.reader.findOneBy(Recording, { id });
    if (recording === null) throw new NotFound('recording');
    return recording;
  }
}

/** @throws PartConflict when other bytes are */
function isThere({ arrived }: Awaited, part: number, digest: Buffer): boolean {
  if (arrived === null) return false;
  if (!arrived.equals(digest)) throw new PartConflict(part);
  return true;
}
