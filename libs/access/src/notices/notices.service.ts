import { Injectable } from '@nestjs/common';
import { IsNull, LessThan } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Clock, NotFound, UnitOfWork, type Tx } from '#platform';
import { Notice, type NoticeKind } from './notice.entity.js';

const INSERT_AT_ONCE = 500;

export interface NoticeFilter {
  readonly unread: boolean;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

@Injectable()
export class NoticesService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {}

  /** In the transaction of what it tells of: nobody is told of what did not happen. Everybody once, however often they are named. */
  async send(tx: Tx, personIds: readonly string[], kind: NoticeKind, about: string, text: string): Promise<void> {
    const sentAt = this.clock.now();
    const notices = [...new Set(personIds)].map((personId): Notice => ({
      id: uuidv7(),
      personId,
      kind,
      about,
      text,
      sentAt,
      readAt: null,
    }));
    for (let i = 0; i < notices.length; i += INSERT_AT_ONCE) await tx.insert(Notice, notices.slice(i, i + INSERT_AT_ONCE));
  }

  /** One person's, newest first. */
  async list(personId: string, { unread, after, limit }: NoticeFilter): Promise<{ notices: Notice[]; next: string | null }> {
    const rows = await this.unitOfWork.reader.find(Notice, {
      where: { personId, ...(unread ? { readAt: IsNull() } : {}), ...(after === undefined ? {} : { id: LessThan(after) }) },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const notices = rows.slice(0, limit);
    return { notices, next: rows.length > limit ? (notices.at(-1)?.id ?? null) : null };
  }

  /** @throws NotFound */
  async get(id: string): Promise<Notice> {
    const notice = await this.unitOfWork.reader.findOneBy(Notice, { id });
    if (notice === null) throw new NotFound('notice');
    return notice;
  }

  /** Idempotent: the first reading stays. @throws NotFound */
  async markRead(id: string): Promise<Notice> {
    await this.unitOfWork.reader.update(Notice, { id, readAt: IsNull() }, { readAt: this.clock.now() });
    return this.get(id);
  }
}
