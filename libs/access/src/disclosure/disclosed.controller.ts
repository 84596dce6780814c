import { Body, Controller, Get, Headers, HttpCode, Inject, Post, Req, Res, StreamableFile, UseGuards } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { ThrottlerGuard } from '@nestjs/throttler';
import { z } from 'zod';
import { Asks, By, Forbidden, RECIPIENT_COOKIE, type Caller } from '#identity';
import { CONFIG, type Config } from '#platform';
import { rangeOf } from './disclosure-fetch.rules.js';
import { DisclosureFetches } from './disclosure-fetches.service.js';
import { DisclosureLinks } from './disclosure-links.service.js';
import { DisclosurePackaging } from './disclosure-packaging.service.js';
import { FetchOnly, RangeBeyondEnd } from './disclosure-problems.js';
import { DisclosedLoader } from './disclosure.loader.js';
import { DisclosuresService, type DisclosureWithItems } from './disclosures.service.js';

const OpenBody = z.strictObject({
  token: z.string().min(1).max(200),
  // As people read it out, in groups.
  code: z
    .string()
    .min(1)
    .max(40)
    .transform((code) => code.replaceAll(/[\s-]/g, '')),
});
const ConfirmBody = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/, 'is not 64 lowercase hexadecimal digits') });

interface Reply {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
  setCookie(name: string, value: string, options: Record<string, unknown>): unknown;
}

/** What a recipient sees of it. */
interface DisclosedView {
  readonly disclosure: string;
  readonly agency: string;
  readonly recipient: { readonly name: string; readonly organisation: string };
  readonly legalBasis: string;
  readonly conditions: string;
  readonly form: string;
  readonly recordings: number;
  /** Bytes. */
  readonly size: number | null;
  readonly sha256: string | null;
  readonly until: string;
  readonly fetchesLeft: number;
  readonly confirmedAt: string | null;
}

function recipientOf({ actor }: Caller): string {
  if (actor.kind !== 'recipient') throw new Forbidden('role');
  return actor.id;
}

/** The door for people outside: a link and a code open it for one package and nothing else. */
@ApiTags('disclosed')
@Controller('api/disclosed')
export class DisclosedController {
  private readonly cookie: Record<string, unknown>;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly disclosures: DisclosuresService,
    private readonly links: DisclosureLinks,
    private readonly fetches: DisclosureFetches,
    private readonly packaging: DisclosurePackaging,
  ) {
    const secure = config.PUBLIC_URL.startsWith('https:');
    this.cookie = { httpOnly: true, sameSite: 'strict', path: '/api/disclosed', secure };
  }

  @Post('open')
  @HttpCode(200)
  @UseGuards(ThrottlerGuard)
  @Asks('disclosure.open')
  async open(
    @Body({ schema: OpenBody }) { token: link, code }: z.output<typeof OpenBody>,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<{ expiresAt: string }> {
    const { token, expiresAt } = await this.links.open(link, code, caller);
    reply.setCookie(RECIPIENT_COOKIE, token, { ...this.cookie, expires: expiresAt });
    return { expiresAt: expiresAt.toISOString() };
  }

  @Get()
  @Asks('disclosure.fetch', DisclosedLoader)
  async read(@By() caller: Caller): Promise<DisclosedView> {
    return this.view(await this.disclosures.get(recipientOf(caller)));
  }

  /** The package, whole or one range of it: whoever lost the connection goes on with the same fetch. RFC 9110 §14 */
  @Get('package')
  @ApiProduces('application/zip')
  @Asks('disclosure.fetch', DisclosedLoader)
  async package(
    @Req() { method }: { readonly method: string },
    @Headers('range') range: string | undefined,
    @Headers('if-range') ifRange: string | undefined,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<StreamableFile> {
    const id = recipientOf(caller);
    // What asks only for the headers would be counted as a fetch.
    if (method !== 'GET') throw new FetchOnly();
    const { size, sha256 } = await this.fetches.size(id);
    const etag = `"${sha256}"`;
    const asked = ifRange === undefined || ifRange === etag ? rangeOf(range, size) : undefined;
    if (asked === 'unsatisfiable') {
      reply.header('Content-Range', `bytes */${size}`);
      throw new RangeBeyondEnd(size);
    }
    const span = asked ?? { first: 0, last: size - 1 };
    const stream = await this.fetches.send(id, span, caller);
    reply.header('Accept-Ranges', 'bytes');
    reply.header('ETag', etag);
    reply.header('Cache-Control', 'no-store');
    reply.header('X-Content-Type-Options', 'nosniff');
    if (asked !== undefined) {
      reply.status(206);
      reply.header('Content-Range', `bytes ${span.first}-${span.last}/${size}`);
    }
    return new StreamableFile(stream, {
      type: 'application/zip',
      disposition: `attachment; filename="disclosure-${id}.zip"`,
      length: span.last - span.first + 1,
    });
  }

  /** package.proof.json: that the log holds the SHA-256 of the package. */
  @Get('proof')
  @ApiProduces('application/json')
  @Asks('disclosure.fetch', DisclosedLoader)
  async proof(@By() caller: Caller, @Res({ passthrough: true }) reply: Reply): Promise<StreamableFile> {
    const id = recipientOf(caller);
    const bytes = Buffer.from(await this.packaging.proof(id), 'utf8');
    reply.header('Cache-Control', 'no-store');
    const disposition = `attachment; filename="disclosure-${id}.proof.json"`;
    return new StreamableFile(bytes, { type: 'application/json', disposition, length: bytes.length });
  }

  /** "Received and verified." */
  @Post('confirm')
  @HttpCode(200)
  @Asks('disclosure.confirm', DisclosedLoader)
  async confirm(
    @Body({ schema: ConfirmBody }) { sha256 }: z.infer<typeof ConfirmBody>,
    @By() caller: Caller,
  ): Promise<{ confirmedAt: string }> {
    return { confirmedAt: (await this.links.confirm(recipientOf(caller), sha256, caller)).toISOString() };
  }

  private view({ disclosure: d, items }: DisclosureWithItems): DisclosedView {
    return {
      disclosure: d.id,
      agency: this.config.AGENCY_NAME,
      recipient: { name: d.recipient, organisation: d.organisation },
      legalBasis: d.legalBasis,
      conditions: d.conditions,
      form: d.form,
      recordings: items.length,
      size: d.size,
      sha256: d.sha256?.toString('hex') ?? null,
      until: d.until.toISOString(),
      fetchesLeft: d.fetches - d.fetchesBegun,
      confirmedAt: d.confirmedAt?.toISOString() ?? null,
    };
  }
}
