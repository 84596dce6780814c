import { Module } from '@nestjs/common';
import { DisclosuresWorkModule } from '#access';
import { EvidenceModule, EvidenceWorkModule } from '#evidence';
import { IdentityModule } from '#identity';
import { RedactionModule } from '#redaction';
import { BundleAttachments } from './bundle-attachments.service.js';
import { BundleProofs } from './bundle-proofs.service.js';
import { CheckedChains } from './checked-chains.service.js';
import { CustodyController } from './custody.controller.js';
import { CustodyReports } from './custody-report.service.js';
import { DisclosureProcessor } from './disclosure-package.processor.js';
import { EvidenceBundles } from './evidence-bundle.service.js';
import { ExportRecord } from './export-record.service.js';
import { LogProofController } from './log-proof.controller.js';
import { LogController } from './log.controller.js';
import { LogTilesController } from './log-tiles.controller.js';
import { RecordingLineage } from './recording-lineage.service.js';

const REPORTING = [
  CheckedChains,
  RecordingLineage,
  ExportRecord,
  CustodyReports,
  BundleAttachments,
  BundleProofs,
  EvidenceBundles,
];

/** The HTTP face, for the API only: custody entries, reports, bundles, and what the public may know of the log. */
@Module({
  imports: [EvidenceModule, IdentityModule, RedactionModule],
  providers: REPORTING,
  controllers: [CustodyController, LogController, LogProofController, LogTilesController],
})
export class ReportsHttpModule {}

/** The job processor, for the worker only. */
@Module({
  imports: [EvidenceModule, EvidenceWorkModule, IdentityModule, RedactionModule, DisclosuresWorkModule],
  providers: [...REPORTING, DisclosureProcessor],
  exports: [DisclosureProcessor],
})
export class ReportsWorkModule {}
