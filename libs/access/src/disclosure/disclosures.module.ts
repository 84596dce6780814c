import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EvidenceModule, EvidenceWorkModule } from '#evidence';
import { IdentityModule } from '#identity';
import { DisclosedController } from './disclosed.controller.js';
import { DisclosureCopies } from './disclosure-copies.service.js';
import { DisclosureFetches } from './disclosure-fetches.service.js';
import { DisclosureLinks } from './disclosure-links.service.js';
import { DisclosurePackaging } from './disclosure-packaging.service.js';
import { Disclosure, DisclosureFetch, DisclosureItem, DisclosureSending } from './disclosure.entity.js';
import { DisclosedLoader, DisclosureLoader, DisclosureMatterLoader } from './disclosure.loader.js';
import { DisclosuresController } from './disclosures.controller.js';
import { DisclosuresSchedule } from './disclosures.schedule.js';
import { DisclosuresService } from './disclosures.service.js';

const SERVICES = [
  DisclosuresService,
  DisclosureLinks,
  DisclosureFetches,
  DisclosurePackaging,
  DisclosureLoader,
  DisclosureMatterLoader,
  DisclosedLoader,
];

/** Packages for people outside: who decides on them, how they are fetched, what is on record of it. */
@Module({
  imports: [
    TypeOrmModule.forFeature([Disclosure, DisclosureItem, DisclosureFetch, DisclosureSending]),
    IdentityModule,
    EvidenceModule,
  ],
  providers: SERVICES,
  exports: SERVICES,
})
export class DisclosuresModule {}

/** The HTTP face, for the API only. */
@Module({ imports: [DisclosuresModule], controllers: [DisclosuresController, DisclosedController] })
export class DisclosuresHttpModule {}

/** Copies and schedules, for the worker only. */
@Module({
  imports: [DisclosuresModule, EvidenceWorkModule],
  providers: [DisclosureCopies, DisclosuresSchedule],
  exports: [DisclosuresModule, DisclosureCopies],
})
export class DisclosuresWorkModule {}
