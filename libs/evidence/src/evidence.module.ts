import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdentityModule } from '#identity';
import { DerivedRecordings } from './derived-recordings.service.js';
import { DockingController } from './docking.controller.js';
import { StoredManifest } from './manifest.entity.js';
import { ManifestsService } from './manifests.service.js';
import { Recording } from './recording.entity.js';
import { RecordingLoader } from './recording.loader.js';
import { RecordingsController } from './recordings.controller.js';
import { RecordingsService } from './recordings.service.js';
import { Rendition, RenditionFile } from './rendition.entity.js';
import { RenditionsService } from './renditions.service.js';
import { SealingService } from './sealing.service.js';
import { TranscodeProcessor } from './transcode.processor.js';
import { UploadPart } from './upload-part.entity.js';
import { UploadsService } from './uploads.service.js';
import { WorkSpace } from './work-space.js';

const services = [ManifestsService, UploadsService, RecordingsService, RecordingLoader, RenditionsService];

@Module({
  imports: [TypeOrmModule.forFeature([Recording, StoredManifest, UploadPart, Rendition, RenditionFile]), IdentityModule],
  providers: services,
  exports: services,
})
export class EvidenceModule {}

/** The HTTP face, for the API only. */
@Module({ imports: [EvidenceModule], controllers: [DockingController, RecordingsController] })
export class EvidenceHttpModule {}

/** The job processors, for the worker only. */
@Module({
  imports: [EvidenceModule],
  providers: [WorkSpace, SealingService, TranscodeProcessor, DerivedRecordings],
  exports: [EvidenceModule, WorkSpace, SealingService, TranscodeProcessor, DerivedRecordings],
})
export class EvidenceWorkModule {}
