import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EvidenceModule, WorkSpace } from '#evidence';
import { IdentityModule } from '#identity';
import { AccessDecision, AccessRequest, AccessRequestItem } from './access-request.entity.js';
import { AccessRequestLoader } from './access-request.loader.js';
import { AccessRequestsController } from './access-requests.controller.js';
import { AccessRequestsService } from './access-requests.service.js';
import { Footage } from './footage.service.js';
import { FootageLoader } from './footage.loader.js';
import { Grant } from './grant.entity.js';
import { GrantLoader } from './grant.loader.js';
import { GrantsController } from './grants.controller.js';
import { GrantsService } from './grants.service.js';
import { IdleViewings } from './idle-viewings.schedule.js';
import { RecordingLock } from './recording-lock.entity.js';
import { Viewing, ViewingDelivery } from './viewing.entity.js';
import { ViewingLoader } from './viewing.loader.js';
import { ViewingPreviewController } from './viewing-preview.controller.js';
import { ViewingPreviews } from './viewing-preview.service.js';
import { ViewingsController } from './viewings.controller.js';
import { ViewingsService } from './viewings.service.js';

@Module({
  imports: [
    TypeOrmModule.forFeature([AccessRequest, AccessRequestItem, AccessDecision, Grant, RecordingLock, Viewing, ViewingDelivery]),
    IdentityModule,
    EvidenceModule,
  ],
  providers: [
    AccessRequestsService,
    Footage,
    GrantsService,
    ViewingsService,
    AccessRequestLoader,
    FootageLoader,
    GrantLoader,
    ViewingLoader,
  ],
  exports: [AccessRequestsService, GrantsService, ViewingsService],
})
export class AccessModule {}

/** The HTTP face, for the API only. It draws previews, so it needs a place to work like the worker's. */
@Module({
  imports: [AccessModule, EvidenceModule],
  controllers: [AccessRequestsController, GrantsController, ViewingsController, ViewingPreviewController],
  providers: [WorkSpace, ViewingPreviews],
})
export class AccessHttpModule {}

/** The schedules, for the worker only. */
@Module({ imports: [AccessModule], providers: [IdleViewings] })
export class AccessWorkModule {}
