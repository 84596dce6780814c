import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller } from '#identity';
import { isFileName } from '#tlog';
import { SOURCES } from './hand-in.rules.js';
import { HandInsService, type HandedIn, type HandInStatus } from './hand-ins.service.js';

const NO_CONTROLS = /^\P{Cc}*$/u;
const FIRST_TIME = Date.UTC(1970);

const HandInBody = z.strictObject({
  files: z
    .array(
      z.strictObject({
        name: z.string().refine(isFileName, 'must be a file name without folders, of at most 255 bytes'),
        size: z.int().min(0),
        sha256: z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in lowercase hexadecimal'),
        recordedAt: z.iso
          .datetime({ offset: true })
          .refine((text) => new Date(text).getTime() >= FIRST_TIME, 'must not be before 1970'),
        clockOffsetMs: z.int().optional(),
        device: z.string().trim().min(1).max(128).regex(NO_CONTROLS, 'must be one line').optional(),
      }),
    )
    .min(1)
    .max(100),
  source: z.enum(SOURCES),
  from: z.string().trim().min(1).max(200).regex(NO_CONTROLS, 'must be one line'),
  note: z.string().trim().min(1).max(2000).optional(),
});

const ListQuery = z.strictObject({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});

@ApiTags('hand-ins')
@Controller('api/hand-ins')
export class HandInsController {
  constructor(private readonly handIns: HandInsService) {}

  /**
   * Announces files that come without a docking station. Parts, completion and receipt are those of docking, under /api/docking/recordings.
   * A file that is held already has the state `duplicate`.
   */
  @Post()
  @HttpCode(200)
  @Asks('upload.hand-in')
  async announce(
    @Body({ schema: HandInBody }) body: z.infer<typeof HandInBody>,
    @By() caller: Caller,
  ): Promise<{ files: HandInStatus[] }> {
    return { files: await this.handIns.announce(body, person(caller), caller) };
  }

  /** What the caller handed in, newest first, finished or not. */
  @Get()
  @Asks('upload.hand-in')
  async list(
    @Query({ schema: ListQuery }) { after, limit }: z.infer<typeof ListQuery>,
    @By() caller: Caller,
  ): Promise<{ files: HandedIn[]; next: string | null }> {
    return this.handIns.list(person(caller).id, after, limit);
  }
}
