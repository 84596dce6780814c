import { Body, Controller, Get, HttpStatus, Param, Post, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, type Caller, type Incoming } from '#identity';
import { PurposeName } from '../policy/access-policy.rules.js';
import { attachment } from './original-range.rules.js';
import { OriginalLoader, OriginalViewingLoader } from './original.loader.js';
import { Originals, type OriginalPart } from './originals.service.js';
import { BeyondTheEnd, HeadNotAnswered } from './viewing-problems.js';

const OpenBody = z.strictObject({ purpose: PurposeName });

interface OpenedOriginalView {
  readonly viewing: string;
  readonly recording: string;
  /** Where the bytes are fetched: ranges are answered (RFC 9110 §14). */
  readonly file: string;
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  readonly sha256: string;
  /** False when the stored bytes, hashed again, were not what was sealed. */
  readonly intact: boolean;
  readonly expiresAt: string;
}

/** The little of Fastify's reply that is needed. */
interface Reply {
  status(code: number): unknown;
  header(name: string, value: string): unknown;
}

@ApiTags('viewings')
@Controller('api')
export class OriginalsController {
  constructor(private readonly originals: Originals) {}

  /** Takes a grant for export, and as long as the witnesses need to cosign. Not of the playback copy, but of the very file that was sealed. */
  @Post('recordings/:id/originals')
  @Asks('original.open', OriginalLoader)
  async open(
    @Param('id') id: string,
    @Body({ schema: OpenBody }) body: z.infer<typeof OpenBody>,
    @By() caller: Caller,
  ): Promise<OpenedOriginalView> {
    const { viewing, recording, expiresAt } = await this.originals.open(id, body.purpose, person(caller), caller);
    return {
      viewing,
      recording: id,
      file: `/api/viewings/${viewing}/original`,
      name: recording.name,
      size: recording.size,
      sha256: recording.sha256.toString('hex'),
      intact: recording.fixityFailedAt === null,
      expiresAt: expiresAt.toISOString(),
    };
  }

  /** One range or the whole file; the entity tag is the SHA-256 that was sealed. */
  @Get('viewings/:id/original')
  @ApiProduces('application/octet-stream')
  @Asks('original.fetch', OriginalViewingLoader)
  async fetch(
    @Param('id') id: string,
    @Req() { headers, method }: Incoming,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<StreamableFile> {
    if (method === 'HEAD') throw new HeadNotAnswered();
    const asked = { range: textOf(headers['range']), ifRange: textOf(headers['if-range']) };
    const found = await this.originals.part(id, asked, caller).catch((error: unknown) => {
      if (error instanceof BeyondTheEnd) reply.header('Content-Range', `bytes */${error.size}`);
      throw error;
    });
    const { stream, contentType, size } = await found.open();
    for (const [name, value] of headersOf(found)) reply.header(name, value);
    reply.status(found.part === null ? HttpStatus.OK : HttpStatus.PARTIAL_CONTENT);
    return new StreamableFile(stream, { type: contentType, length: size, disposition: attachment(found.recording.name) });
  }
}

function textOf(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : undefined;
}

function headersOf({ recording, etag, part }: OriginalPart): [string, string][] {
  return [
    ['Cache-Control', 'no-store'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Accept-Ranges', 'bytes'],
    ...(etag === null ? [] : [['ETag', etag] satisfies [string, string]]),
    ...(part === null
      ? []
      : [['Content-Range', `bytes ${part.first}-${part.last}/${recording.size}`] satisfies [string, string]]),
  ];
}
