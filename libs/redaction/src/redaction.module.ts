import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EvidenceModule, EvidenceWorkModule } from '#evidence';
import { IdentityModule } from '#identity';
import { RedactProcessor } from './redact.processor.js';
import { Redaction } from './redaction.entity.js';
import { RedactionsController } from './redactions.controller.js';
import { RedactionsService } from './redactions.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Redaction]), IdentityModule, EvidenceModule],
  providers: [RedactionsService],
  exports: [RedactionsService],
})
export class RedactionModule {}

/** The HTTP face, for the API only. */
@Module({ imports: [RedactionModule, EvidenceModule], controllers: [RedactionsController] })
export class RedactionHttpModule {}

/** The job processor, for the worker only. */
@Module({ imports: [RedactionModule, EvidenceWorkModule], providers: [RedactProcessor], exports: [RedactProcessor] })
export class RedactionWorkModule {}
