import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EvidenceModule, WorkSpace } from '#evidence';
import { IdentityModule } from '#identity';
import { CONFIG } from '#platform';
import { ACCESS_POLICY, readAccessPolicy } from './access-policy-file.js';
import { AccessPolicyController } from './access-policy.controller.js';
import { AccessPolicyService } from './access-policy.service.js';
import { AccessDecisionsService } from './access-decisions.service.js';
import { AccessRequestEndings } from './access-request-endings.service.js';
import { AccessRequestItems } from './access-request-items.service.js';
import { AccessRequestLists } from './access-request-lists.service.js';
import { AccessRequestReminders } from './access-request-reminders.service.js';
import { AccessDecision, AccessRequest, AccessRequestItem } from './access-request.entity.js';
import { AccessRequestLoader, OwnRequestLoader } from './access-request.loader.js';
import { AccessRequestsController } from './access-requests.controller.js';
import { AccessRequestsSchedule } from './access-requests.schedule.js';
import { AccessRequestsService } from './access-requests.service.js';
import { Delegation } from './delegation.entity.js';
import { DelegationLoader } from './delegation.loader.js';
import { DelegationsController } from './delegations.controller.js';
import { DelegationsService } from './delegations.service.js';
import { RefusalsOnRecord } from './refusals-on-record.js';
import { DisclosuresHttpModule, DisclosuresWorkModule } from './disclosures.module.js';
import { Footage } from './footage.service.js';
import { FootageLoader } from './footage.loader.js';
import { Grant } from './grant.entity.js';
import { GrantLoader } from './grant.loader.js';
import { GrantsController } from './grants.controller.js';
import { GrantsService } from './grants.service.js';
import { IdleViewings } from './idle-viewings.schedule.js';
import { RecordingLock } from './recording-lock.entity.js';
import { Notice } from './notice.entity.js';
import { NoticeLoader } from './notice.loader.js';
import { NoticesService } from './notices.service.js';
import { NoticesController } from './notices.controller.js';
import { RecordingLockLoader, LockableRecordingLoader } from './recording-lock.loader.js';
import { RecordingLocksService } from './recording-locks.service.js';
import { RecordingLocksController } from './recording-locks.controller.js';
import { RequestTargetsController } from './request-targets.controller.js';
import { RequestTargets } from './request-targets.js';
import { SearchCoverages } from './search-statement-coverage.js';
import { StatedSearch } from './search-statement.entity.js';
import { SearchStatementsController } from './search-statements.controller.js';
import { SearchStatements } from './search-statements.service.js';
import { Sampling, SampledRecording } from './sampling.entity.js';
import { SamplingsService } from './samplings.service.js';
import { SamplingDraws } from './sampling-draws.service.js';
import { SamplingsController } from './samplings.controller.js';
import { SamplingDrawSchedule } from './sampling-draws.schedule.js';
import { StandingGrants } from './standing-grants.service.js';
import { OriginalLoader, OriginalViewingLoader } from './original.loader.js';
import { OriginalsController } from './originals.controller.js';
import { Originals } from './originals.service.js';
import { ViewingDeliveries } from './viewing-deliveries.service.js';
import { BreakGlassService } from './break-glass.service.js';
import { BreakGlassReviews } from './break-glass-reviews.service.js';
import { BreakGlassLoader } from './break-glass.loader.js';
import { BreakGlassController } from './break-glass.controller.js';
import { BreakGlassReminders } from './break-glass.schedule.js';
import { Viewing, ViewingDelivery } from './viewing.entity.js';
import { ViewingLoader } from './viewing.loader.js';
import { ViewingOpening } from './viewing-opening.service.js';
import { ViewingPlayback } from './viewing-playback.service.js';
import { ViewingPreviewController } from './viewing-preview.controller.js';
import { ViewingPreviews } from './viewing-preview.service.js';
import { ViewingReport } from './viewing-report.entity.js';
import { ViewingReportsController } from './viewing-reports.controller.js';
import { ViewingReports } from './viewing-reports.service.js';
import { ViewingStreams } from './viewing-streams.js';
import { ViewingsController } from './viewings.controller.js';
import { ViewingsService } from './viewings.service.js';

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
  providers: [
    { provide: ACCESS_POLICY, inject: [CONFIG], useFactory: readAccessPolicy },
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
  ],
  exports: [
    AccessDecisionsService,
    AccessRequestEndings,
    AccessRequestItems,
    AccessRequestLists,
    AccessRequestReminders,
    DelegationsService,
    RefusalsOnRecord,
    Footage,
    RequestTargets,
    SearchCoverages,
    SearchStatements,
    StandingGrants,
    ViewingStreams,
    ViewingOpening,
    ViewingDeliveries,
    ViewingPlayback,
    ViewingReports,
    Originals,
    RecordingLocksService,
    BreakGlassService,
    BreakGlassReviews,
    SamplingsService,
    SamplingDraws,
    AccessPolicyService,
    NoticesService,
    AccessRequestsService,
    GrantsService,
    ViewingsService,
  ],
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
