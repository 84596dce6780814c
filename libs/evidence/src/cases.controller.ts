import { Body, Controller, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, uuidOf, type Caller } from '#identity';
import { CaseContentsService } from './case-contents.service.js';
import { SENSITIVITIES, type Case, type CasePerson } from './case.entity.js';
import { CaseLoader, CaseReadingLoader } from './case.loader.js';
import { CasesService } from './cases.service.js';

/** One line of readable text. */
const line = (least: number, most: number): z.ZodString =>
  z
    .string()
    .trim()
    .min(least)
    .max(most)
    .regex(/^[^\p{Cc}\u2028\u2029]*$/u, 'holds control characters');
const reason = z.string().trim().min(3).max(1000);
const ids = z.array(z.uuid()).min(1).max(10_000);

const OpenBody = z.strictObject({
  number: line(1, 60),
  title: line(3, 200),
  sensitivity: z.enum(SENSITIVITIES).default('normal'),
});
const ListQuery = z.strictObject({
  search: line(1, 200).optional(),
  state: z.enum(['open', 'closed']).optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const ChangeBody = z
  .strictObject({ title: line(3, 200).optional(), sensitivity: z.enum(SENSITIVITIES).optional(), reason })
  .refine(({ title, sensitivity }) => title !== undefined || sensitivity !== undefined, 'changes neither title nor sensitivity');
const ReasonBody = z.strictObject({ reason });
const AddBody = z.strictObject({ recordings: ids, reason: reason.optional() });
const RemoveBody = z.strictObject({ recordings: ids, reason });
const part = z
  .string()
  .regex(/^[a-z]+(-[a-z]+)*$/, 'is not a lowercase word')
  .max(40);
const PersonBody = z.union([z.strictObject({ person: z.uuid(), part }), z.strictObject({ name: line(1, 120), part })]);
const RemovePersonBody = z.strictObject({ id: z.uuid(), reason });

export interface CaseView {
  readonly id: string;
  readonly number: string;
  readonly title: string;
  readonly sensitivity: string;
  readonly state: 'open' | 'closed';
  readonly openedBy: string;
  readonly openedAt: string;
  readonly closedAt: string | null;
}

interface CasePersonView {
  readonly id: string;
  /** The account; null of somebody who has none. */
  readonly person: string | null;
  /** As it was when they were named. */
  readonly name: string;
  readonly part: string;
  readonly addedAt: string;
}

interface WholeCaseView extends CaseView {
  readonly recordingCount: number;
  /** Ids, newest first, the first thousand; GET /api/recordings?case= has all. */
  readonly recordings: readonly string[];
  readonly people: readonly CasePersonView[];
}

function view({ id, number, title, sensitivity, openedBy, openedAt, closedAt }: Case): CaseView {
  return {
    id,
    number,
    title,
    sensitivity,
    state: closedAt === null ? 'open' : 'closed',
    openedBy,
    openedAt: openedAt.toISOString(),
    closedAt: closedAt?.toISOString() ?? null,
  };
}

function viewPerson({ id, personId, name, part, addedAt }: CasePerson): CasePersonView {
  return { id, person: personId, name, part, addedAt: addedAt.toISOString() };
}

@ApiTags('cases')
@Controller('api/cases')
export class CasesController {
  constructor(
    private readonly cases: CasesService,
    private readonly contents: CaseContentsService,
  ) {}

  @Post()
  @Asks('case.open')
  async open(@Body({ schema: OpenBody }) body: z.output<typeof OpenBody>, @By() caller: Caller): Promise<CaseView> {
    return view(await this.cases.open(body, person(caller), caller));
  }

  /** Newest first, without those that the reader is named as the subject of; `search` is with what a number or a title begins. */
  @Get()
  @Asks('case.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
    @By() { actor }: Caller,
  ): Promise<{ cases: CaseView[]; next: string | null }> {
    const { cases, next } = await this.cases.list({ ...query, reader: actor.kind === 'person' ? actor.human : null });
    return { cases: cases.map(view), next };
  }

  @Get(':id')
  @Asks('case.read', CaseReadingLoader)
  async read(@Param('id') id: string): Promise<WholeCaseView> {
    return this.whole(await this.cases.get(uuidOf({ params: { id } }, 'id')));
  }

  @Patch(':id')
  @Asks('case.change', CaseLoader)
  async change(
    @Param('id') id: string,
    @Body({ schema: ChangeBody }) body: z.output<typeof ChangeBody>,
    @By() caller: Caller,
  ): Promise<CaseView> {
    return view(await this.cases.change(id, body, caller));
  }

  @Post(':id/close')
  @HttpCode(200)
  @Asks('case.change', CaseLoader)
  async close(
    @Param('id') id: string,
    @Body({ schema: ReasonBody }) body: z.output<typeof ReasonBody>,
    @By() caller: Caller,
  ): Promise<CaseView> {
    return view(await this.cases.close(id, body.reason, caller));
  }

  @Post(':id/reopen')
  @HttpCode(200)
  @Asks('case.change', CaseLoader)
  async reopen(
    @Param('id') id: string,
    @Body({ schema: ReasonBody }) body: z.output<typeof ReasonBody>,
    @By() caller: Caller,
  ): Promise<CaseView> {
    return view(await this.cases.reopen(id, body.reason, caller));
  }

  /** `added` are those that were not in it before. */
  @Post(':id/recordings')
  @HttpCode(200)
  @Asks('case.change', CaseLoader)
  async addRecordings(
    @Param('id') id: string,
    @Body({ schema: AddBody }) body: z.output<typeof AddBody>,
    @By() caller: Caller,
  ): Promise<{ added: readonly string[] }> {
    return { added: await this.contents.addRecordings(id, body.recordings, body.reason ?? null, person(caller), caller) };
  }

  /** `removed` are those that were in it. */
  @Post(':id/recordings/remove')
  @HttpCode(200)
  @Asks('case.change', CaseLoader)
  async removeRecordings(
    @Param('id') id: string,
    @Body({ schema: RemoveBody }) body: z.output<typeof RemoveBody>,
    @By() caller: Caller,
  ): Promise<{ removed: readonly string[] }> {
    return { removed: await this.contents.removeRecordings(id, body.recordings, body.reason, caller) };
  }

  /** Names an account, or somebody who has none. Whoever is named as `subject` changes nothing about the case. */
  @Post(':id/people')
  @HttpCode(200)
  @Asks('case.change', CaseLoader)
  async addPerson(
    @Param('id') id: string,
    @Body({ schema: PersonBody }) body: z.output<typeof PersonBody>,
    @By() caller: Caller,
  ): Promise<CasePersonView> {
    return viewPerson(await this.contents.addPerson(id, body, body.part, caller));
  }

  @Post(':id/people/remove')
  @HttpCode(204)
  @Asks('case.change', CaseLoader)
  async removePerson(
    @Param('id') id: string,
    @Body({ schema: RemovePersonBody }) body: z.output<typeof RemovePersonBody>,
    @By() caller: Caller,
  ): Promise<void> {
    await this.contents.removePerson(id, body.id, body.reason, caller);
  }

  private async whole(one: Case): Promise<WholeCaseView> {
    const contents = await this.contents.of(one.id);
    return { ...view(one), ...contents, people: contents.people.map(viewPerson) };
  }
}
