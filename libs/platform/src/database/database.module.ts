import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, type Config } from '../config.js';
import { UnitOfWork } from './unit-of-work.js';

/** Signs in as custodiet_app. Entities are registered by the features that own them; the schema changes by migrations only. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [CONFIG],
      useFactory: (config: Config) => ({
        type: 'postgres',
        url: config.DATABASE_URL,
        autoLoadEntities: true,
        synchronize: false,
        poolSize: config.DATABASE_POOL,
        applicationName: 'custodiet',
        retryAttempts: 30,
        retryDelay: 1000,
        extra: { connectionTimeoutMillis: 10_000, keepAlive: true },
      }),
    }),
  ],
  providers: [UnitOfWork],
  exports: [UnitOfWork],
})
export class DatabaseModule {}
