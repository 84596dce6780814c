import { Injectable } from '@nestjs/common';
import { Custody, CustodyLog, type Attribution, type EventOf, type LoggedEntry } from '#custody';
import { UnitOfWork } from '#platform';

type Export = EventOf<'custody-report.exported'> | EventOf<'evidence-bundle.exported'>;

/** Puts an export on record. What is exported leaves only after its entry has its place in the log, for good. */
@Injectable()
export class ExportRecord {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
  ) {}

  /** Waits until a trusted checkpoint covers it (DESIGN.md §4, "Out"). @throws LogBehind, WitnessesBehind: then nothing may be handed out */
  async put(recordingId: string, event: Export, by: Attribution): Promise<LoggedEntry> {
    const entry = await this.unitOfWork.run((tx) => this.custody.append(tx, recordingId, event, by));
    const logged = await this.log.sequenced(entry);
    await this.log.checkpointCovering(logged.index);
    return logged;
  }
}
