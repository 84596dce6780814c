import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller } from '#identity';
import { DisclosureLinks } from './disclosure-links.service.js';
import { DisclosureLoader, DisclosureMatterLoader } from './disclosure.loader.js';
import { COPY_FORMS, DISCLOSURE_STATES, RECIPIENT_KINDS } from './disclosure.rules.js';
import { DisclosuresService, type DisclosureWithItems } from './disclosures.service.js';

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));
/** No line breaks, nothing that turns text round or hides it; joiners are letters in some scripts. */
const line = (most: number): z.ZodString =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^(?!.*[^\P{C}\u200c\u200d])/u, 'holds characters that cannot be seen');
const text = (least: number, most: number): z.ZodString => z.string().trim().min(least).max(most);

const Item = z
  .strictObject({
    recording: z.uuid(),
    fromMs: z.int().min(0).optional(),
    toMs: z.int().min(1).optional(),
  })
  .refine(({ fromMs, toMs }) => (fromMs === undefined) === (toMs === undefined), 'fromMs and toMs go together')
  .refine(({ fromMs, toMs }) => fromMs === undefined || toMs === undefined || fromMs < toMs, 'toMs has to come after fromMs');
const ProposeBody = z.strictObject({
  items: z
    .array(Item)
    .min(1)
    .max(100)
    .refine((items) => new Set(items.map(({ recording }) => recording)).size === items.length, 'names a recording twice'),
  recipient: z.strictObject({
    name: line(200),
    organisation: line(200),
    kind: z.enum(RECIPIENT_KINDS),
    email: z.email().max(254).optional(),
  }),
  legalBasis: text(3, 1000),
  conditions: z.string().trim().max(4000).default(''),
  until: instant,
  fetches: z.int().min(1).max(100).default(3),
  form: z.enum(COPY_FORMS),
  overrideRedaction: z.strictObject({ reason: text(3, 1000) }).optional(),
});
const ApproveBody = z.strictObject({ note: text(1, 1000).optional() });
const ReasonBody = z.strictObject({ reason: text(3, 1000) });
const ListQuery = z.strictObject({
  state: z.enum(DISCLOSURE_STATES).optional(),
  recording: z.uuid().optional(),
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface DisclosureView {
  readonly id: string;
  readonly state: string;
  readonly items: readonly { readonly recording: string; readonly fromMs: number | null; readonly toMs: number | null }[];
  readonly recipient: {
    readonly name: string;
    readonly organisation: string;
    readonly kind: string;
    readonly email: string | null;
  };
  readonly legalBasis: string;
  readonly conditions: string;
  readonly form: string;
  readonly overrideReason: string | null;
  readonly until: string;
  readonly fetches: number;
  readonly fetchesBegun: number;
  readonly proposedBy: string;
  readonly createdAt: string;
  readonly decidedBy: string | null;
  readonly decidedAt: string | null;
  readonly note: string | null;
  /** Why there is no package. */
  readonly problem: string | null;
  readonly package: { readonly size: number; readonly files: number; readonly sha256: string } | null;
  readonly linkIssuedAt: string | null;
  readonly linkLocked: boolean;
  readonly confirmedAt: string | null;
  readonly endedAt: string | null;
  readonly endReason: string | null;
}

function view({ disclosure: d, items }: DisclosureWithItems): DisclosureView {
  return {
    id: d.id,
    state: d.state,
    items: items.map(({ recordingId: recording, fromMs, toMs }) => ({ recording, fromMs, toMs })),
    recipient: { name: d.recipient, organisation: d.organisation, kind: d.kind, email: d.email },
    legalBasis: d.legalBasis,
    conditions: d.conditions,
    form: d.form,
    overrideReason: d.overrideReason,
    until: d.until.toISOString(),
    fetches: d.fetches,
    fetchesBegun: d.fetchesBegun,
    proposedBy: d.proposedBy,
    createdAt: d.createdAt.toISOString(),
    decidedBy: d.decidedBy,
    decidedAt: d.decidedAt?.toISOString() ?? null,
    note: d.decisionNote,
    problem: d.problem,
    package:
      d.size === null || d.files === null || d.sha256 === null
        ? null
        : { size: d.size, files: d.files, sha256: d.sha256.toString('hex') },
    linkIssuedAt: d.linkIssuedAt?.toISOString() ?? null,
    linkLocked: DisclosureLinks.isLocked(d),
    confirmedAt: d.confirmedAt?.toISOString() ?? null,
    endedAt: d.endedAt?.toISOString() ?? null,
    endReason: d.endReason,
  };
}

/** For custodians and auditors: what leaves the house, and who decided it. */
@ApiTags('disclosures')
@Controller('api/disclosures')
export class DisclosuresController {
  constructor(
    private readonly disclosures: DisclosuresService,
    private readonly links: DisclosureLinks,
  ) {}

  @Post()
  @Asks('disclosure.propose')
  async propose(
    @Body({ schema: ProposeBody }) body: z.output<typeof ProposeBody>,
    @By() caller: Caller,
  ): Promise<DisclosureView> {
    const { items, recipient, overrideRedaction, ...rest } = body;
    const asked = {
      ...rest,
      items: items.map(({ recording, fromMs = null, toMs = null }) => ({ recording, fromMs, toMs })),
      recipient: { ...recipient, email: recipient.email ?? null },
      overrideReason: overrideRedaction?.reason ?? null,
    };
    return view(await this.disclosures.propose(asked, person(caller), caller));
  }

  /** Newest first. */
  @Get()
  @Asks('disclosure.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
  ): Promise<{ disclosures: DisclosureView[]; next: string | null }> {
    const { disclosures, next } = await this.disclosures.list(query);
    return { disclosures: disclosures.map(view), next };
  }

  @Get(':id')
  @Asks('disclosure.read', DisclosureLoader)
  async read(@Param('id') id: string): Promise<DisclosureView> {
    return view(await this.disclosures.get(id));
  }

  /** By a second person; the package is then made. */
  @Post(':id/approve')
  @HttpCode(200)
  @Asks('disclosure.decide', DisclosureLoader)
  async approve(
    @Param('id') id: string,
    @Body({ schema: ApproveBody }) body: z.infer<typeof ApproveBody>,
    @By() caller: Caller,
  ): Promise<DisclosureView> {
    return view(await this.disclosures.decide(id, true, body.note ?? null, caller));
  }

  @Post(':id/refuse')
  @HttpCode(200)
  @Asks('disclosure.decide', DisclosureLoader)
  async refuse(
    @Param('id') id: string,
    @Body({ schema: ReasonBody }) body: z.infer<typeof ReasonBody>,
    @By() caller: Caller,
  ): Promise<DisclosureView> {
    return view(await this.disclosures.decide(id, false, body.reason, caller));
  }

  /** Takes it back, at any point, also in the middle of a fetch. */
  @Post(':id/revoke')
  @HttpCode(200)
  @Asks('disclosure.revoke', DisclosureMatterLoader)
  async revoke(
    @Param('id') id: string,
    @Body({ schema: ReasonBody }) body: z.infer<typeof ReasonBody>,
    @By() caller: Caller,
  ): Promise<DisclosureView> {
    return view(await this.disclosures.revoke(id, body.reason, person(caller), caller));
  }

  /** The link for the recipient, shown this once. A link from before ends. */
  @Post(':id/link')
  @Asks('disclosure.issue', DisclosureMatterLoader)
  async link(@Param('id') id: string, @By() caller: Caller): Promise<{ link: string; token: string; until: string }> {
    const { link, token, until } = await this.links.issueLink(id, caller);
    return { link, token, until: until.toISOString() };
  }

  /** The code that goes with the link, shown this once: send it another way than the link. */
  @Post(':id/code')
  @Asks('disclosure.issue', DisclosureMatterLoader)
  async code(@Param('id') id: string, @By() caller: Caller): Promise<{ code: string }> {
    return this.links.issueCode(id, caller);
  }
}
