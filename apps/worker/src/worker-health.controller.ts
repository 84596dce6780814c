import { Controller, Get } from '@nestjs/common';
import { HealthCheckService, HealthIndicatorService, type HealthCheckResult, type HealthIndicatorResult } from '@nestjs/terminus';
import { Sequencer } from '#custody';
import { FixityChecks, WorkSpace } from '#evidence';
import { Asks } from '#identity';
import { JobHost, UnitOfWork } from '#platform';
import { ObjectStore } from '#storage';

@Controller('health')
export class WorkerHealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ObjectStore,
    private readonly jobs: JobHost,
    private readonly sequencer: Sequencer,
    private readonly fixity: FixityChecks,
    private readonly workSpace: WorkSpace,
  ) {}

  @Get('live')
  @Asks('health.read')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Asks('health.read')
  async ready(): Promise<HealthCheckResult> {
    return this.health.check([
      () => this.up('database', () => this.unitOfWork.reader.query('SELECT 1')),
      () => this.up('object store', () => this.store.ping()),
      () => this.up('queue', () => this.jobs.ping()),
      () => this.notFrozen(),
      () => this.mirroring(),
      () => this.cosigning(),
      () => this.hashingAgain(),
      () => this.shuttingToolsIn(),
    ]);
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

  /** Down when checks are late. What they found is not the worker's health: it is told, and has an alert of its own. */
  private async hashingAgain(): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check('fixity');
    try {
      const { failed, overdue } = await this.fixity.standing();
      return overdue > 0 ? indicator.down({ failed, overdue }) : indicator.up({ failed, overdue });
    } catch {
      return indicator.down();
    }
  }

  /** Up in every mode: a machine without bubblewrap is a choice to know of, not a fault to wake anybody for. */
  private async shuttingToolsIn(): Promise<HealthIndicatorResult> {
    const { mode, sentence } = await this.workSpace.isolation();
    return this.indicators.check('video tools').up({ sandbox: mode, sentence });
  }

  private notFrozen(): HealthIndicatorResult {
    const indicator = this.indicators.check('custody log');
    const { frozen, failing } = this.sequencer;
    if (frozen !== undefined) return indicator.down({ frozen });
    return failing ? indicator.down({ sequencing: 'fails' }) : indicator.up();
  }

  private mirroring(): HealthIndicatorResult {
    const indicator = this.indicators.check('custody log mirror');
    return this.sequencer.mirrored.failing ? indicator.down() : indicator.up();
  }

  private cosigning(): HealthIndicatorResult {
    const indicator = this.indicators.check('witnesses');
    const { quorate, health } = this.sequencer.witnesses;
    const failing = Object.fromEntries(health.flatMap(({ alias, failing: why }) => (why === undefined ? [] : [[alias, why]])));
    return quorate ? indicator.up(failing) : indicator.down(failing);
  }
}
