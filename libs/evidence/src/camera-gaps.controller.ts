import { Controller, Get, Param, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, uuidOf } from '#identity';
import { InvalidRequest } from '#platform';
import type { CameraGaps, Period } from './camera-gap-report.rules.js';
import { CameraGapsService } from './camera-gaps.service.js';

/** RFC 3339 with its zone. */
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((at) => !Number.isNaN(at.getTime()), 'is no time');
const period = { from: instant.optional(), to: instant.optional() };
const serial = z.string().min(1).max(128);

const GapsQuery = z.strictObject(period);
const ListQuery = z.strictObject({
  ...period,
  serial: serial.optional(),
  after: serial.optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

/** [from, to). @throws InvalidRequest */
function periodOf({ from, to }: { readonly from?: Date | undefined; readonly to?: Date | undefined }): Period {
  if (from !== undefined && to !== undefined && to <= from)
    throw new InvalidRequest([{ path: 'to', message: 'must come after from' }]);
  return { from: from ?? null, until: to ?? null };
}

@ApiTags('cameras')
@Controller('api')
export class CameraGapsController {
  constructor(private readonly gaps: CameraGapsService) {}

  /** Which recordings of the camera never arrived. Without from and to it is about all of them. */
  @Get('cameras/:id/gaps')
  @Asks('camera-gaps.read')
  async read(@Param('id') id: string, @Query({ schema: GapsQuery }) query: z.output<typeof GapsQuery>): Promise<CameraGaps> {
    return this.gaps.of(uuidOf({ params: { id } }, 'id'), periodOf(query));
  }

  /** All cameras with gaps by serial number, registered or not. A page may be shorter than asked for while `next` says where to go on. */
  @Get('camera-gaps')
  @Asks('camera-gaps.read')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
  ): Promise<{ cameras: CameraGaps[]; next: string | null }> {
    const asked = periodOf(query);
    if (query.serial !== undefined) return { cameras: [await this.gaps.ofSerial(query.serial, asked)], next: null };
    return this.gaps.list(asked, { after: query.after ?? '', limit: query.limit });
  }
}
