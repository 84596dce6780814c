import { statSync } from 'node:fs';
import { Module, type DynamicModule } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { TerminusModule } from '@nestjs/terminus';
import { AccessWorkModule } from '#access';
import { CustodyModule, HeadsSchedule, LOG_SIGNING_KEY, LogKeyRecord, LogMirror, Sequencer, TimestampSchedule } from '#custody';
import { DropUploadProcessor, EvidenceWorkModule, FixityProcessor, SealingService, TranscodeProcessor } from '#evidence';
import { IdentityModule } from '#identity';
import { JOB_HANDLERS, JobHost, PlatformModule, readSigningKey, type Config, type JobHandlers } from '#platform';
import { ProposeProcessor, RedactionWorkModule, RedactProcessor } from '#redaction';
import { DisclosureProcessor, ReportsWorkModule } from '#reports';
import { StorageModule } from '#storage';
import { WorkerHealthController } from './worker-health.controller.js';

/** Composes the sequencer, the features' job processors and the schedules. */
@Module({})
export class WorkerModule {
  static with(config: Config): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        PlatformModule.with(config),
        StorageModule,
        CustodyModule,
        IdentityModule,
        EvidenceWorkModule,
        RedactionWorkModule,
        AccessWorkModule,
        ReportsWorkModule,
        ScheduleModule.forRoot(),
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [WorkerHealthController],
      providers: [
        { provide: LOG_SIGNING_KEY, useValue: readSigningKey(config, statSync) },
        LogMirror,
        Sequencer,
        LogKeyRecord,
        HeadsSchedule,
        TimestampSchedule,
        {
          provide: JOB_HANDLERS,
          inject: [
            SealingService,
            TranscodeProcessor,
            RedactProcessor,
            ProposeProcessor,
            DisclosureProcessor,
            FixityProcessor,
            DropUploadProcessor,
          ],
          useFactory: (
            seal: SealingService,
            transcode: TranscodeProcessor,
            redact: RedactProcessor,
            propose: ProposeProcessor,
            disclose: DisclosureProcessor,
            fixity: FixityProcessor,
            dropUpload: DropUploadProcessor,
          ): JobHandlers => ({ seal, transcode, redact, propose, disclose, fixity, 'drop-upload': dropUpload }),
        },
        JobHost,
      ],
    };
  }
}
