import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EvidenceModule, WorkSpace } from '#evidence';
import { IdentityModule } from '#identity';
import { CONFIG } from '#platform';
import { ACCESS_POLICY, readAccessPolicy } from './policy/access-policy-file.js';
import { AccessPolicyController } from './policy/access-policy.controller.js';
import { AccessPolicyService } from './policy/access-policy.service.js';
import { AccessDecisionsService } from './requests/access-decisions.service.js';
import { AccessRequestEndings } from './requests/access-request-endings.service.js';
import { AccessRequestItems } from './requests/access-request-items.service.js';
import { AccessRequestLists } from './requests/access-request-lists.service.js';
import { AccessRequestReminders } from './requests/access-request-reminders.service.js';
import { AccessDecision, AccessRequest, AccessRequestItem } from './requests/access-request.entity.js';
import { AccessRequestLoader, OwnRequestLoader } from './requests/access-request.loader.js';
import { AccessRequestsController } from './requests/access-requests.controller.js';
import { AccessRequestsSchedule } from './requests/access-requests.schedule.js';
import { AccessRequestsService } from './requests/access-requests.service.js';
import { Delegation } from './requests/delegation.entity.js';
import { DelegationLoader } from './requests/delegation.loader.js';
import { DelegationsController } from './requests/delegations.controller.js';
import { DelegationsService } from './requests/delegations.service.js';
import { RefusalsOnRecord } from './requests/refusals-on-record.js';
import { DisclosuresHttpModule, DisclosuresWorkModule } from './disclosure/disclosures.module.js';
import { Footage } from './grants/footage.service.js';
import { FootageLoader } from './grants/footage.loader.js';
import { Grant } from './grants/grant.entity.js';
import { GrantLoader } from './grants/grant.loader.js';
import { GrantsController } from './grants/grants.controller.js';
import { GrantsService } from './grants/grants.service.js';
import { IdleViewings } from './viewing/idle-viewings.schedule.js';
import { RecordingLock } from './locks/recording-lock.entity.js';
import { Notice } from './notices/notice.entity.js';
import { NoticeLoader } from './notices/notice.loader.js';
import { NoticesService } from './notices/notices.service.js';
import { NoticesController } from './notices/notices.controller.js';
import { RecordingLockLoader, LockableRecordingLoader } from './locks/recording-lock.loader.js';
import { RecordingLocksService } from './locks/recording-locks.service.js';
import { RecordingLocksController } from './locks/recording-locks.controller.js';
import { RequestTargetsController } from './requests/request-targets.controller.js';
import { RequestTargets } from './requests/request-targets.js';
import { SearchCoverages } from './statements/search-statement-coverage.js';
import { StatedSearch } from './statements/search-statement.entity.js';
import { SearchStatementsController } from './statements/search-statements.controller.js';
import { SearchStatements } from './statements/search-statements.service.js';
import { Sampling, SampledRecording } from './sampling/sampling.entity.js';
import { SamplingsService } from './sampling/samplings.service.js';
import { SamplingDraws } from './sampling/sampling-draws.service.js';
import { SamplingsController } from './sampling/samplings.controller.js';
import { SamplingDrawSchedule } from './sampling/sampling-draws.schedule.js';
import { StandingGrants } from './grants/standing-grants.service.js';
import { OriginalLoader, OriginalViewingLoader } from './viewing/original.loader.js';
import { OriginalsController } from './viewing/originals.controller.js';
import { Originals } from './viewing/originals.service.js';
import { ViewingDeliveries } from './viewing/viewing-deliveries.service.js';
import { BreakGlassService } from './emergency/break-glass.service.js';
import { BreakGlassReviews } from './emergency/break-glass-reviews.service.js';
import { BreakGlassLoader } from './emergency/break-glass.loader.js';
import { BreakGlassController } from './emergency/break-glass.controller.js';
import { BreakGlassReminders } from './emergency/break-glass.schedule.js';
import { Viewing, ViewingDelivery } from './viewing/viewing.entity.js';
import { ViewingLoader } from './viewing/viewing.loader.js';
import { ViewingOpening } from './viewing/viewing-opening.service.js';
import { ViewingPlayback } from './viewing/viewing-playback.service.js';
import { ViewingPreviewController } from './viewing/viewing-preview.controller.js';
import { ViewingPreviews } from './viewing/viewing-preview.service.js';
import { ViewingReport } from './viewing/viewing-report.entity.js';
import { ViewingReportsController } from './viewing/viewing-reports.controller.js';
import { ViewingReports } from './viewing/viewing-reports.service.js';
import { ViewingStreams } from './viewing/viewing-streams.js';
import { ViewingsController } from './viewing/viewings.controller.js';
import { ViewingsService } from './viewing/viewings.service.js';

const SERVICES = [
  AccessPolicyService,
  AccessRequestsService,
  AccessDecisionsService,
  AccessRequestEndings,
  AccessRequestItems,
  AccessRequestLists,
  AccessRequestReminders,
  DelegationsService,
  RefusalsOnRecord,
  Footage,
  GrantsService,
  BreakGlassLoader,
  BreakGlassReviews,
  BreakGlassService,
  RequestTargets,
  SearchCoverages,
  SearchStatements,
  StandingGrants,
  SamplingDraws,
  SamplingsService,
  RecordingLocksService,
  LockableRecordingLoader,
  RecordingLockLoader,
  NoticesService,
  NoticeLoader,
  ViewingsService,
  ViewingStreams,
  ViewingOpening,
  ViewingDeliveries,
  ViewingPlayback,
  ViewingReports,
  Originals,
  OriginalLoader,
  OriginalViewingLoader,
  AccessRequestLoader,
  OwnRequestLoader,
  DelegationLoader,
  FootageLoader,
  GrantLoader,
  ViewingLoader,
];

@Module({
  imports: [
    TypeOrmModule.forFeature([
      StatedSearch,
      AccessRequest,
      AccessRequestItem,
      AccessDecision,
      Delegation,
      Grant,
      RecordingLock,
      SampledRecording,
      Sampling,
      Notice,
      Viewing,
      ViewingDelivery,
      ViewingReport,
    ]),
    IdentityModule,
    EvidenceModule,
  ],
  providers: [{ provide: ACCESS_POLICY, inject: [CONFIG], useFactory: readAccessPolicy }, ...SERVICES],
  exports: [...SERVICES],
})
export class AccessModule {}

/** The HTTP face, for the API only. It draws previews, so it needs a place to work like the worker's. */
@Module({
  imports: [AccessModule, EvidenceModule, DisclosuresHttpModule],
  controllers: [
    RequestTargetsController,
    SearchStatementsController,
    AccessPolicyController,
    AccessRequestsController,
    DelegationsController,
    GrantsController,
    BreakGlassController,
    SamplingsController,
    RecordingLocksController,
    NoticesController,
    ViewingsController,
    ViewingReportsController,
    OriginalsController,
    ViewingPreviewController,
  ],
  providers: [WorkSpace, ViewingPreviews],
})
export class AccessHttpModule {}

/** The schedules, for the worker only. */
@Module({
  imports: [AccessModule, DisclosuresWorkModule],
  providers: [IdleViewings, BreakGlassReminders, AccessRequestsSchedule, SamplingDrawSchedule],
})
export class AccessWorkModule {}
