import { Injectable } from '@nestjs/common';
import { Custody, type CustodyEvent } from '#custody';
import { attribution, type Caller } from '#identity';
import { JobBoard, UnitOfWork, type JobRecord, type Tx } from '#platform';

/** What people do about background jobs, on the record of the recording that the job is about. */
@Injectable()
export class JobsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly board: JobBoard,
  ) {}

  /** @throws NotFound, JobNotCancellable, JobOver */
  async cancel(id: string, reason: string, caller: Caller): Promise<JobRecord> {
    return this.unitOfWork.run(async (tx) => {
      const cancelled = await this.board.cancel(tx, id);
      const { job, ref } = cancelled;
      await this.note(tx, cancelled, { type: 'job.cancelled', job, ref, reason }, caller);
      return cancelled;
    });
  }

  /** @throws NotFound, JobNotOver, JobStillEnding */
  async retry(id: string, caller: Caller): Promise<JobRecord> {
    return this.unitOfWork.run(async (tx) => {
      const retried = await this.board.retry(tx, id);
      const { job, ref } = retried;
      await this.note(tx, retried, { type: 'job.retried', job, ref }, caller);
      return retried;
    });
  }

  private async note(tx: Tx, { recording, ref }: JobRecord, event: CustodyEvent, caller: Caller): Promise<void> {
    await this.custody.append(tx, recording ?? ref, event, attribution(caller));
  }
}
