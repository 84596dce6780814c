import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller } from '#identity';
import type { RecordingLock } from './recording-lock.entity.js';
import { LockableRecordingLoader, RecordingLockLoader } from './recording-lock.loader.js';
import { RecordingLocksService } from './recording-locks.service.js';

const reason = z.string().trim().min(3).max(1000);
const SetBody = z.strictObject({ person: z.uuid(), reason });
const StatementBody = z.strictObject({ statement: z.string().trim().min(3).max(4000) });
const LiftBody = z.strictObject({ reason, override: z.boolean().default(false) });
const ListQuery = z.strictObject({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface RecordingLockView {
  readonly id: string;
  readonly recording: string;
  readonly person: string;
  readonly reason: string;
  readonly lockedBy: string;
  readonly lockedAt: string;
  /** Where the statement is to be found; null until one was made. */
  readonly statement: string | null;
  readonly statementAt: string | null;
  readonly liftedBy: string | null;
  readonly liftedAt: string | null;
  readonly liftReason: string | null;
}

function view(lock: RecordingLock): RecordingLockView {
  return {
    id: lock.id,
    recording: lock.recordingId,
    person: lock.personId,
    reason: lock.reason,
    lockedBy: lock.lockedBy,
    lockedAt: lock.lockedAt.toISOString(),
    statement: lock.statement,
    statementAt: lock.statementAt?.toISOString() ?? null,
    liftedBy: lock.liftedBy,
    liftedAt: lock.liftedAt?.toISOString() ?? null,
    liftReason: lock.liftReason,
  };
}

@ApiTags('locks')
@Controller('api')
export class RecordingLocksController {
  constructor(private readonly locks: RecordingLocksService) {}

  /** Keeps somebody, under whatever account, from the recording and its redactions until a statement is on record. */
  @Post('recordings/:id/locks')
  @Asks('lock.set', LockableRecordingLoader)
  async set(
    @Param('id') id: string,
    @Body({ schema: SetBody }) body: z.infer<typeof SetBody>,
    @By() caller: Caller,
  ): Promise<RecordingLockView> {
    return view(await this.locks.set(id, body.person, body.reason, person(caller), caller));
  }

  /** Open and lifted, newest first. */
  @Get('recordings/:id/locks')
  @Asks('lock.list', LockableRecordingLoader)
  async list(
    @Param('id') id: string,
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
  ): Promise<{ locks: RecordingLockView[]; next: string | null }> {
    const { locks, next } = await this.locks.list(id, query);
    return { locks: locks.map(view), next };
  }

  @Post('locks/:id/statement')
  @HttpCode(200)
  @Asks('lock.record-statement', RecordingLockLoader)
  async statement(
    @Param('id') id: string,
    @Body({ schema: StatementBody }) body: z.infer<typeof StatementBody>,
    @By() caller: Caller,
  ): Promise<RecordingLockView> {
    return view(await this.locks.recordStatement(id, body.statement, caller));
  }

  /** Internal affairs only; `override` where no statement was made, for a reason that stays on record. */
  @Post('locks/:id/lift')
  @HttpCode(200)
  @Asks('lock.lift', RecordingLockLoader)
  async lift(
    @Param('id') id: string,
    @Body({ schema: LiftBody }) body: z.output<typeof LiftBody>,
    @By() caller: Caller,
  ): Promise<RecordingLockView> {
    return view(await this.locks.lift(id, body.reason, body.override, person(caller), caller));
  }
}
