import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EvidenceModule, EvidenceWorkModule } from '#evidence';
import { IdentityModule } from '#identity';
import { PlanChecks } from './plan-checks.service.js';
import { ProposalLoader } from './proposal.loader.js';
import { ProposalsController } from './proposals.controller.js';
import { ProposalsService } from './proposals.service.js';
import { ProposeProcessor } from './propose.processor.js';
import { RecordingToRedactLoader } from './recording-to-redact.loader.js';
import { RedactProcessor } from './redact.processor.js';
import { RedactionDrafts } from './redaction-drafts.service.js';
import { Redaction, Rendering, SavedPlan } from './redaction.entity.js';
import { RedactionLoader } from './redaction.loader.js';
import { RedactionProposal } from './redaction-proposal.entity.js';
import { RedactionReviews } from './redaction-reviews.service.js';
import { RedactionsController } from './redactions.controller.js';
import { RedactionsService } from './redactions.service.js';

const SERVICES = [
  RedactionsService,
  RedactionDrafts,
  RedactionReviews,
  RedactionLoader,
  PlanChecks,
  ProposalsService,
  ProposalLoader,
  RecordingToRedactLoader,
];

@Module({
  imports: [TypeOrmModule.forFeature([Redaction, SavedPlan, Rendering, RedactionProposal]), IdentityModule, EvidenceModule],
  providers: SERVICES,
  exports: SERVICES,
})
export class RedactionModule {}

/** The HTTP face, for the API only. */
@Module({ imports: [RedactionModule, EvidenceModule], controllers: [RedactionsController, ProposalsController] })
export class RedactionHttpModule {}

/** The job processor, for the worker only. */
@Module({
  imports: [RedactionModule, EvidenceWorkModule],
  providers: [RedactProcessor, ProposeProcessor],
  exports: [RedactProcessor, ProposeProcessor],
})
export class RedactionWorkModule {}
