import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { Attribution } from '#custody';
import { Clock, CONFIG, type Config } from '#platform';
import { CheckedChains } from './checked-chains.service.js';
import { custodyReport, type CustodyReport } from './custody-report.rules.js';
import { ExportRecord } from './export-record.service.js';
import { RecordingLineage, type Lineage } from './recording-lineage.service.js';
import { reportFonts } from './report-fonts.js';

/** A report as it stands now; not on record yet. */
export interface DrawnReport {
  readonly report: CustodyReport;
  readonly lineage: Lineage;
  readonly pdf: Buffer;
  readonly pages: number;
  /** Number of the last entry in it. */
  readonly throughSeq: number;
}

/** Custody reports of recordings. Whoever hands one out puts that on record first. */
@Injectable()
export class CustodyReports {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly lineages: RecordingLineage,
    private readonly chains: CheckedChains,
    private readonly record: ExportRecord,
    private readonly clock: Clock,
  ) {}

  /** The PDF, with its export on record. @throws NotFound, LogInconsistent, LogBehind */
  async export(recordingId: string, by: Attribution): Promise<Buffer> {
    const { pdf, pages, throughSeq } = await this.draw(recordingId);
    const sha256 = createHash('sha256').update(pdf).digest('hex');
    await this.record.put(recordingId, { type: 'custody-report.exported', pages, throughSeq, sha256 }, by);
    return pdf;
  }

  /** For what puts a report into something else that goes on record. @throws NotFound, LogInconsistent, LogBehind */
  async draw(recordingId: string): Promise<DrawnReport> {
    const lineage = await this.lineages.of(recordingId);
    const { recording, derived, dock } = lineage;
    const { entries, logKey, checkpoint } = await this.chains.proven(recordingId);
    const report = custodyReport({
      agency: this.config.AGENCY_NAME,
      timeZone: this.config.TIME_ZONE,
      madeAt: this.clock.now(),
      recording,
      dock,
      derived,
      chain: entries,
      logKey,
      checkpoint,
    });
    // Loaded with the first report: what sets PDF takes 30 MB that an API which only takes uploads has better use for.
    const { custodyReportPdf } = await import('./custody-report.pdf.js');
    const { bytes, pages } = await custodyReportPdf(report, await reportFonts());
    return { report, lineage, pdf: bytes, pages, throughSeq: entries.length - 1 };
  }
}
