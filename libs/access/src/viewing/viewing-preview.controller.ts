import { Body, Controller, HttpCode, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, type Caller } from '#identity';
import { RedactionPlanSchema } from '#media';
import { ViewingLoader } from './viewing.loader.js';
import { ViewingPreviews } from './viewing-preview.service.js';

const LONGEST_MS = 4000;
const ms = z
  .number()
  .int()
  .min(0)
  .max(2 ** 31);
const outline = z.boolean().default(false);

const Still = z.strictObject({ plan: RedactionPlanSchema, atMs: ms, outline });
const Span = z
  .strictObject({ plan: RedactionPlanSchema, fromMs: ms, toMs: ms, outline })
  .refine(({ fromMs, toMs }) => toMs > fromMs && toMs - fromMs <= LONGEST_MS, {
    path: ['toMs'],
    message: `must be after fromMs, and at most ${LONGEST_MS} ms after`,
  });
const PreviewBody = z.union([Still, Span]);

/** The little of Fastify's reply that a preview needs. */
interface Reply {
  header(name: string, value: string): unknown;
  readonly raw: { readonly writableFinished: boolean; once(event: 'close', listener: () => void): unknown };
}

@ApiTags('viewings')
@Controller('api')
export class ViewingPreviewController {
  constructor(private readonly previews: ViewingPreviews) {}

  /** A redaction plan as it would be drawn: `atMs` gives a JPEG, `fromMs` and `toMs` (at most 4 s) an MP4 without sound. `outline` shows where regions lie. */
  @Post('viewings/:id/preview')
  @HttpCode(200)
  @ApiProduces('image/jpeg', 'video/mp4')
  @Asks('viewing.watch', ViewingLoader)
  async preview(
    @Param('id') id: string,
    @Body({ schema: PreviewBody }) body: z.infer<typeof PreviewBody>,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: Reply,
  ): Promise<StreamableFile> {
    const gone = new AbortController();
    reply.raw.once('close', () => {
      if (!reply.raw.writableFinished) gone.abort();
    });
    const of = 'atMs' in body ? { atMs: body.atMs } : { fromMs: body.fromMs, toMs: body.toMs };
    const { stream, contentType, size } = await this.previews.render(
      id,
      { plan: body.plan, of, outline: body.outline },
      caller,
      gone.signal,
    );
    reply.header('Cache-Control', 'no-store');
    reply.header('X-Content-Type-Options', 'nosniff');
    return new StreamableFile(stream, { type: contentType, length: size });
  }
}
