import { Global, Module, type DynamicModule } from '@nestjs/common';
import { Clock } from './clock.js';
import { CONFIG, type Config } from './config.js';
import { DatabaseModule } from './database/database.module.js';
import { Notifications } from './database/notifications.js';
import { JobBoard } from './jobs/job-board.js';
import { Outbox } from './jobs/outbox.js';

@Global()
@Module({})
export class PlatformModule {
  static with(config: Config): DynamicModule {
    return {
      module: PlatformModule,
      imports: [DatabaseModule],
      providers: [{ provide: CONFIG, useValue: config }, Clock, Notifications, Outbox, JobBoard],
      exports: [CONFIG, Clock, Notifications, Outbox, JobBoard, DatabaseModule],
    };
  }
}
