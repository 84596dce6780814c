import { Body, Controller, Get, HttpCode, Inject, Param, Post, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { attribution, Asks, By, person, type Caller, type Incoming } from '#identity';
import { CONFIG, type Config } from '#platform';
import { PurposeName } from '../policy/access-policy.rules.js';
import { FootageLoader } from '../grants/footage.loader.js';
import { ViewingPlayback } from './viewing-playback.service.js';
import { HeadNotAnswered } from './viewing-problems.js';
import { ViewingLoader } from './viewing.loader.js';
import { ViewingsService, type ClosedViewing } from './viewings.service.js';

const OpenBody = z.strictObject({ purpose: PurposeName });
const SLOWEST_HEARTBEAT_SECONDS = 10;

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
  /** What moves over the picture while it plays: who watches, in which viewing, at whose agency. The player adds the time. */
  readonly overlay: { readonly viewer: string; readonly viewing: string; readonly agency: string };
  /** How often the player reports, at least: a viewing that gives no sign of life is closed. */
  readonly heartbeatSeconds: number;
}

@ApiTags('viewings')
@Controller('api')
export class ViewingsController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly playback: ViewingPlayback,
    private readonly viewings: ViewingsService,
  ) {}

  /** The viewer confirms the purpose of the grant. */
  @Post('recordings/:id/viewings')
  @Asks('viewing.open', FootageLoader)
  async open(
    @Param('id') id: string,
    @Body({ schema: OpenBody }) body: z.infer<typeof OpenBody>,
    @By() caller: Caller,
  ): Promise<OpenedView> {
    const viewer = person(caller);
    const { viewing, expiresAt, extras } = await this.playback.open(id, body.purpose, viewer, caller);
    const files = `/api/viewings/${viewing}/files`;
    return {
      viewing,
      recording: id,
      playlist: `${files}/playlist.m3u8`,
      poster: `${files}/poster.jpg`,
      sprite: extras.has('sprite.vtt') ? `${files}/sprite.vtt` : null,
      waveform: extras.has('waveform.json') ? `${files}/waveform.json` : null,
      expiresAt: expiresAt.toISOString(),
      overlay: {
        viewer: viewer.badge === null ? viewer.name : `${viewer.name} · ${viewer.badge}`,
        viewing,
        agency: this.config.AGENCY_NAME,
      },
      heartbeatSeconds: Math.min(SLOWEST_HEARTBEAT_SECONDS, Math.floor(this.config.VIEWING_IDLE_SECONDS / 3)),
    };
  }

  @Get('viewings/:id/files/:name')
  @ApiProduces('application/vnd.apple.mpegurl', 'video/mp4', 'image/jpeg', 'text/vtt', 'application/json')
  @Asks('viewing.watch', ViewingLoader)
  async file(
    @Param('id') id: string,
    @Param('name') name: string,
    @Req() { method }: Incoming,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: { header(name: string, value: string): unknown },
  ): Promise<StreamableFile> {
    if (method === 'HEAD') throw new HeadNotAnswered();
    const { stream, contentType, size } = await this.playback.file(id, name, caller);
    reply.header('Cache-Control', 'no-store');
    reply.header('X-Content-Type-Options', 'nosniff');
    return new StreamableFile(stream, { type: contentType, length: size });
  }

  /** Of a viewing of the original too. */
  @Post('viewings/:id/close')
  @HttpCode(200)
  @Asks('viewing.close', ViewingLoader)
  async close(@Param('id') id: string, @By() caller: Caller): Promise<{ viewing: string } & ClosedViewing> {
    return { viewing: id, ...(await this.viewings.close(id, 'viewer', attribution(caller))) };
  }
}
