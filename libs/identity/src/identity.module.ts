import { Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { TypeOrmModule } from '@nestjs/typeorm';
import { CONFIG, JOB_GATE, type Config } from '#platform';
import { Authenticator } from './authenticator.js';
import { AuthorizationGuard } from './authorization.guard.js';
import { CameraAssignment } from './camera-assignment.entity.js';
import { CameraAssignments } from './camera-assignments.service.js';
import { Camera } from './camera.entity.js';
import { CamerasController } from './cameras.controller.js';
import { CamerasService } from './cameras.service.js';
import { Dock } from './dock.entity.js';
import { DocksController } from './docks.controller.js';
import { DocksService } from './docks.service.js';
import { DecidingJobGate } from './job-gate.js';
import { PeopleController } from './people.controller.js';
import { PeopleService } from './people.service.js';
import { Person } from './person.entity.js';
import { ServiceToken } from './service-token.entity.js';
import { ServiceTokensController } from './service-tokens.controller.js';
import { ServiceTokensService } from './service-tokens.service.js';
import { RecipientSession } from './recipient-session.entity.js';
import { RecipientSessions } from './recipient-sessions.service.js';
import { Session } from './session.entity.js';
import { SessionsController } from './sessions.controller.js';
import { SessionsService } from './sessions.service.js';

const services = [
  PeopleService,
  SessionsService,
  ServiceTokensService,
  DocksService,
  CamerasService,
  CameraAssignments,
  RecipientSessions,
  Authenticator,
];

/** Who people and machines are, and what they may do. */
@Module({
  imports: [TypeOrmModule.forFeature([Person, Session, RecipientSession, ServiceToken, Dock, Camera, CameraAssignment])],
  providers: [
    ...services,
    { provide: APP_GUARD, useClass: AuthorizationGuard },
    { provide: JOB_GATE, useClass: DecidingJobGate },
  ],
  exports: [...services, JOB_GATE],
})
export class IdentityModule {}

/** The HTTP face, for the API only. */
@Module({
  imports: [
    IdentityModule,
    ThrottlerModule.forRootAsync({
      inject: [CONFIG],
      useFactory: (config: Config) => [{ ttl: 60_000, limit: config.SIGN_IN_ATTEMPTS_PER_MINUTE }],
    }),
  ],
  controllers: [PeopleController, SessionsController, ServiceTokensController, DocksController, CamerasController],
})
export class IdentityHttpModule {}
