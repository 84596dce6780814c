import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { AccessHttpModule } from '#access';
import { CustodyModule } from '#custody';
import { EvidenceHttpModule } from '#evidence';
import { IdentityHttpModule } from '#identity';
import { PlatformModule, type Config } from '#platform';
import { RedactionHttpModule } from '#redaction';
import { ReportsHttpModule } from '#reports';
import { StorageModule } from '#storage';
import { ConsoleController } from './console.controller.js';
import { ConsoleFiles } from './console-files.js';
import { HealthController } from './health.controller.js';

/** Composes the features' HTTP faces; nothing of its own but health and the console's files. */
@Module({})
export class ApiModule {
  static with(config: Config): DynamicModule {
    return {
      module: ApiModule,
      imports: [
        PlatformModule.with(config),
        StorageModule,
        CustodyModule,
        IdentityHttpModule,
        EvidenceHttpModule,
        AccessHttpModule,
        RedactionHttpModule,
        ReportsHttpModule,
        TerminusModule.forRoot({ logger: false }),
      ],
      controllers: [HealthController, ConsoleController],
      providers: [ConsoleFiles],
    };
  }
}
