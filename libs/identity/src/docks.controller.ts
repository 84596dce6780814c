import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CustodyLog } from '#custody';
import type { Caller } from './actor.js';
import { Asks, By, person, uuidOf } from './authorization.js';
import type { Dock } from './dock.entity.js';
import { DocksService } from './docks.service.js';

const EnrolBody = z.strictObject({
  name: z.string().trim().min(1).max(100),
  publicKey: z
    .string()
    .regex(/^[A-Za-z0-9+/]{43}=$/, 'must be the base64 of a raw 32-byte Ed25519 public key')
    .meta({ description: 'What custodiet-dock enrol printed' }),
});
const RevokeBody = z.strictObject({ reason: z.string().trim().min(3).max(500) });

interface DockView {
  readonly id: string;
  readonly name: string;
  readonly publicKey: string;
  readonly enrolledAt: string;
  readonly revokedAt: string | null;
}

function view(dock: Dock): DockView {
  return {
    id: dock.id,
    name: dock.name,
    publicKey: dock.publicKey.toString('base64'),
    enrolledAt: dock.enrolledAt.toISOString(),
    revokedAt: dock.revokedAt?.toISOString() ?? null,
  };
}

@ApiTags('docks')
@Controller('api/docks')
export class DocksController {
  constructor(
    private readonly docks: DocksService,
    private readonly log: CustodyLog,
  ) {}

  /** `logKey` is what the dock pins: receipts must be signed by it. */
  @Post()
  @Asks('dock.enrol')
  async enrol(
    @Body({ schema: EnrolBody }) body: z.infer<typeof EnrolBody>,
    @By() caller: Caller,
  ): Promise<DockView & { logKey: string | null }> {
    const dock = await this.docks.enrol(body.name, Buffer.from(body.publicKey, 'base64'), person(caller), caller);
    return { ...view(dock), logKey: (await this.log.identity())?.vkeys.at(-1) ?? null };
  }

  @Get()
  @Asks('dock.list')
  async list(): Promise<{ docks: DockView[] }> {
    return { docks: (await this.docks.list()).map(view) };
  }

  @Post(':id/revoke')
  @HttpCode(204)
  @Asks('dock.revoke')
  async revoke(
    @Param('id') id: string,
    @Body({ schema: RevokeBody }) body: z.infer<typeof RevokeBody>,
    @By() caller: Caller,
  ): Promise<void> {
    await this.docks.revoke(uuidOf({ params: { id } }, 'id'), body.reason, caller);
  }
}
