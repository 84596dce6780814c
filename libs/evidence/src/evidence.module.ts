import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdentityModule } from '#identity';
import { CameraGapsController } from './camera-gaps.controller.js';
import { CameraGapsService } from './camera-gaps.service.js';
import { CameraSightingsController } from './camera-sightings.controller.js';
import { CameraSightings } from './camera-sightings.service.js';
import { Alert } from './alert.entity.js';
import { AlertsController } from './alerts.controller.js';
import { AlertsService } from './alerts.service.js';
import { CaseContentsService } from './case-contents.service.js';
import { CaseSensitivity } from './case-sensitivity.service.js';
import { Case, CasePerson, CaseRecording } from './case.entity.js';
import { CaseLoader, CaseReadingLoader } from './case.loader.js';
import { CasesController } from './cases.controller.js';
import { CasesService } from './cases.service.js';
import { DerivedRecordings } from './derived-recordings.service.js';
import { DockingController } from './docking.controller.js';
import { FixityCheck } from './fixity-check.entity.js';
import { FixityChecks } from './fixity-checks.service.js';
import { FixityController } from './fixity.controller.js';
import { FixityProcessor } from './fixity.processor.js';
import { FixitySchedule } from './fixity.schedule.js';
import { HandInsController } from './hand-ins.controller.js';
import { HandInsService } from './hand-ins.service.js';
import { StoredManifest } from './manifest.entity.js';
import { ManifestLoader } from './manifest.loader.js';
import { JobLoader } from './job.loader.js';
import { JobsController } from './jobs.controller.js';
import { JobsService } from './jobs.service.js';
import { ManifestsService } from './manifests.service.js';
import { OriginalFiles } from './original-files.service.js';
import { PackageStore } from './package-store.service.js';
import { partIntake } from './part-intake.provider.js';
import { PartLocks } from './part-locks.js';
import { Recording } from './recording.entity.js';
import { RecordingOfficers } from './recording-officers.service.js';
import { RecordingSearches } from './recording-search.service.js';
import { RecordingLoader } from './recording.loader.js';
import { RecordingsController } from './recordings.controller.js';
import { RecordingsService } from './recordings.service.js';
import { Rendition, RenditionFile } from './rendition.entity.js';
import { RenditionSpans } from './rendition-spans.service.js';
import { RenditionsService } from './renditions.service.js';
import { SealingService } from './sealing.service.js';
import { TranscodeProcessor } from './transcode.processor.js';
import { UploadEventsController } from './upload-events.controller.js';
import { UploadEvents } from './upload-events.service.js';
import { DropUploadProcessor } from './upload-expiry.processor.js';
import { UploadExpirySchedule } from './upload-expiry.schedule.js';
import { UploadExpiry } from './upload-expiry.service.js';
import { UploadPart } from './upload-part.entity.js';
import { UploadPartsService } from './upload-parts.service.js';
import { UploadPrecedence } from './upload-precedence.service.js';
import { UploadsService } from './uploads.service.js';
import { WorkSpace } from './work-space.js';

const services = [
  ManifestsService,
  UploadsService,
  UploadPrecedence,
  RecordingsService,
  RecordingLoader,
  RenditionsService,
  RenditionSpans,
  PackageStore,
  OriginalFiles,
  RecordingOfficers,
  AlertsService,
  FixityChecks,
  CasesService,
  CaseContentsService,
  CaseSensitivity,
  CaseLoader,
  CaseReadingLoader,
  RecordingSearches,
  CameraGapsService,
];

@Module({
  imports: [
    TypeOrmModule.forFeature([
      Recording,
      StoredManifest,
      UploadPart,
      Rendition,
      RenditionFile,
      Alert,
      FixityCheck,
      Case,
      CaseRecording,
      CasePerson,
    ]),
    IdentityModule,
  ],
  providers: services,
  exports: services,
})
export class EvidenceModule {}

/** The HTTP face, for the API only. */
@Module({
  imports: [EvidenceModule, IdentityModule],
  controllers: [
    DockingController,
    RecordingsController,
    CameraGapsController,
    CameraSightingsController,
    AlertsController,
    FixityController,
    HandInsController,
    JobsController,
    UploadEventsController,
    CasesController,
  ],
  providers: [
    CameraSightings,
    HandInsService,
    JobLoader,
    JobsService,
    ManifestLoader,
    UploadEvents,
    UploadPartsService,
    PartLocks,
    partIntake,
  ],
})
export class EvidenceHttpModule {}

/** The job processors, for the worker only. */
@Module({
  imports: [EvidenceModule],
  providers: [
    WorkSpace,
    SealingService,
    TranscodeProcessor,
    DerivedRecordings,
    FixityProcessor,
    FixitySchedule,
    UploadExpiry,
    UploadExpirySchedule,
    DropUploadProcessor,
  ],
  exports: [
    EvidenceModule,
    WorkSpace,
    SealingService,
    TranscodeProcessor,
    DerivedRecordings,
    FixityProcessor,
    DropUploadProcessor,
  ],
})
export class EvidenceWorkModule {}
