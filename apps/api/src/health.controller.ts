import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult, type HealthIndicatorResult } from '@nestjs/terminus';
import { CustodyLog } from '#custody';
import { Asks } from '#identity';
import { UnitOfWork } from '#platform';
import { ObjectStore } from '#storage';

@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ObjectStore,
    private readonly log: CustodyLog,
  ) {}

  /** The process runs. */
  @Get('live')
  @Asks('health.read')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  /** It can do its work: what the API needs to answer is there. Redis is not: a fact never waits for it. */
  @Get('ready')
  @Asks('health.read')
  async ready(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.up('database', () => this.unitOfWork.reader.query('SELECT 1')),
      () => this.up('object store', () => this.store.ping()),
      () => this.custodyLog(),
    ]);
  }

  /** Up also while the log is frozen: docking and what releases nothing go on. The reason is for the worker's health, which is not public. */
  private async custodyLog(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('custody log');
    try {
      return indicator.up({ frozen: (await this.log.frozenBecause()) !== undefined });
    } catch {
      return indicator.down();
    }
  }

  private async up(name: string, ping: () => Promise<unknown>): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    try {
      await ping();
      return indicator.up();
    } catch {
      return indicator.down();
    }
  }
}
