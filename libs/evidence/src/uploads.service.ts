import { Injectable } from '@nestjs/common';
import { CustodyLog } from '#custody';
import { Clock, NotFound, Outbox, UnitOfWork } from '#platform';
import { formatReceipt } from '#tlog';
import { NotSealed, PartsMissing } from './evidence-problems.js';
import { Recording, type RecordingState } from './recording.entity.js';
import { UploadPart } from './upload-part.entity.js';
import { missingParts } from './upload-parts.rules.js';

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
  /** State of the recording that holds these bytes already: a copy is safe to let go only once that one is sealed. */
  readonly heldAs?: RecordingState;
  /** Whether the dock that asks brought that one in itself: its receipt is there for it to fetch, such as after it lost its own records. */
  readonly yours?: boolean;
  readonly reason?: string;
}

/** From the announced recording to its receipt: state and completion. Its parts: UploadPartsService. DESIGN.md §4 */
@Injectable()
export class UploadsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly log: CustodyLog,
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
      await this.outbox.add(tx, 'seal', recordingId, { recording: recordingId, flagged: recording.flagged });
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

  private async get(id: string): Promise<Recording> {
    const recording = await this.unitOfWork.reader.findOneBy(Recording, { id });
    if (recording === null) throw new NotFound('recording');
    return recording;
  }
}
