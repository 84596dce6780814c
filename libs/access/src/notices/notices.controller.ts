import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller } from '#identity';
import type { Notice } from './notice.entity.js';
import { NoticeLoader } from './notice.loader.js';
import { NoticesService } from './notices.service.js';

const ListQuery = z.strictObject({
  unread: z.enum(['true', 'false']).default('false'),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface NoticeView {
  readonly id: string;
  readonly kind: string;
  /** The id of the request, recording or sampling it is about. */
  readonly about: string;
  readonly text: string;
  readonly sentAt: string;
  readonly readAt: string | null;
}

function view({ id, kind, about, text, sentAt, readAt }: Notice): NoticeView {
  return { id, kind, about, text, sentAt: sentAt.toISOString(), readAt: readAt?.toISOString() ?? null };
}

@ApiTags('notices')
@Controller('api/notices')
export class NoticesController {
  constructor(private readonly notices: NoticesService) {}

  /** One's own, newest first. */
  @Get()
  @Asks('notice.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
    @By() caller: Caller,
  ): Promise<{ notices: NoticeView[]; next: string | null }> {
    const { notices, next } = await this.notices.list(person(caller).id, { ...query, unread: query.unread === 'true' });
    return { notices: notices.map(view), next };
  }

  @Post(':id/read')
  @HttpCode(200)
  @Asks('notice.read', NoticeLoader)
  async read(@Param('id') id: string): Promise<NoticeView> {
    return view(await this.notices.markRead(id));
  }
}
