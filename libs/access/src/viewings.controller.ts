import { Body, Controller, Get, HttpCode, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { attribution, Asks, By, person, type Caller } from '#identity';
import { PURPOSES } from './access-request.rules.js';
import { FootageLoader } from './footage.loader.js';
import { ViewingLoader } from './viewing.loader.js';
import type { Delivered } from './viewing-ranges.rules.js';
import { ViewingsService } from './viewings.service.js';

const OpenBody = z.strictObject({ purpose: z.enum(PURPOSES) });

interface OpenedView {
  readonly viewing: string;
  readonly recording: string;
  readonly playlist: string;
  readonly poster: string;
  /** WebVTT with the stills of a seek bar; null in copies that were made before there were any. */
  readonly sprite: string | null;
  /** The loudness of each tenth of a second; null where there is no sound. */
  readonly waveform: string | null;
  readonly expiresAt: string;
}

@ApiTags('viewings')
@Controller('api')
export class ViewingsController {
  constructor(private readonly viewings: ViewingsService) {}

  /** The viewer confirms the purpose of the grant. */
  @Post('recordings/:id/viewings')
  @Asks('viewing.open', FootageLoader)
  async open(
    @Param('id') id: string,
    @Body({ schema: OpenBody }) body: z.infer<typeof OpenBody>,
    @By() caller: Caller,
  ): Promise<OpenedView> {
    const { viewing, expiresAt, extras } = await this.viewings.open(id, body.purpose, person(caller), caller);
    const files = `/api/viewings/${viewing.id}/files`;
    return {
      viewing: viewing.id,
      recording: id,
      playlist: `${files}/playlist.m3u8`,
      poster: `${files}/poster.jpg`,
      sprite: extras.has('sprite.vtt') ? `${files}/sprite.vtt` : null,
      waveform: extras.has('waveform.json') ? `${files}/waveform.json` : null,
      expiresAt: expiresAt.toISOString(),
    };
  }

  @Get('viewings/:id/files/:name')
  @ApiProduces('application/vnd.apple.mpegurl', 'video/mp4', 'image/jpeg', 'text/vtt', 'application/json')
  @Asks('viewing.watch', ViewingLoader)
  async file(
    @Param('id') id: string,
    @Param('name') name: string,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: { header(name: string, value: string): unknown },
  ): Promise<StreamableFile> {
    const { stream, contentType, size } = await this.viewings.deliver(id, name, caller);
    reply.header('Cache-Control', 'no-store');
    reply.header('X-Content-Type-Options', 'nosniff');
    return new StreamableFile(stream, { type: contentType, length: size });
  }

  @Post('viewings/:id/close')
  @HttpCode(200)
  @Asks('viewing.close', ViewingLoader)
  async close(@Param('id') id: string, @By() caller: Caller): Promise<{ viewing: string } & Delivered> {
    return { viewing: id, ...(await this.viewings.close(id, 'viewer', attribution(caller))) };
  }
}
