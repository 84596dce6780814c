import type { IncomingMessage } from 'node:http';
import { Controller, Get, Header, Headers, HttpCode, Param, Post, Put, Req } from '@nestjs/common';
import { ApiBody, ApiConsumes, ApiTags } from '@nestjs/swagger';
import { attribution, Asks, By, Forbidden, uuidOf, type Caller } from '#identity';
import { InvalidRequest } from '#platform';
import { ManifestsService } from './manifests.service.js';
import { RecordingLoader } from './recording.loader.js';
import { UploadPartsService } from './upload-parts.service.js';
import { UploadsService, type UploadStatus } from './uploads.service.js';

const BINARY = { schema: { type: 'string', format: 'binary' } } as const;

@ApiTags('docking')
@Controller('api/docking')
export class DockingController {
  constructor(
    private readonly manifests: ManifestsService,
    private readonly uploads: UploadsService,
    private readonly parts: UploadPartsService,
  ) {}

  @Post('manifests')
  @HttpCode(200)
  @ApiConsumes('text/plain')
  @ApiBody({ schema: { type: 'string' }, description: 'A signed note, custodiet/manifest/v1' })
  @Asks('manifest.announce')
  async announce(@Req() request: { body: unknown }, @By() caller: Caller): Promise<{ manifest: string; files: UploadStatus[] }> {
    if (typeof request.body !== 'string')
      throw new InvalidRequest([{ path: 'body', message: 'must be a signed note sent as text/plain' }]);
    if (caller.actor.kind !== 'dock') throw new Forbidden('role');
    return this.manifests.announce(request.body, caller.actor.id, attribution(caller));
  }

  @Get('recordings/:id')
  @Asks('upload.read', RecordingLoader)
  async status(@Param('id') id: string): Promise<UploadStatus> {
    return this.uploads.uploadStatus(id);
  }

  @Put('recordings/:id/parts/:part')
  @HttpCode(204)
  @ApiConsumes('application/octet-stream')
  @ApiBody(BINARY)
  @Asks('upload.send', RecordingLoader)
  async part(
    @Param('id') id: string,
    @Param('part') part: string,
    @Headers('content-digest') contentDigest: string | undefined,
    @Headers('content-length') contentLength: string | undefined,
    @Headers('content-type') contentType: string | undefined,
    @Req() { raw: body }: { raw: IncomingMessage },
    @By() caller: Caller,
  ): Promise<void> {
    if (!/^application\/octet-stream *(;|$)/i.test(contentType ?? ''))
      throw new InvalidRequest([{ path: 'body', message: 'must be application/octet-stream' }]);
    if (!/^[1-9][0-9]{0,4}$/.test(part)) throw new InvalidRequest([{ path: 'part', message: 'must be a part number from 1' }]);
    const length = contentLength === undefined ? undefined : Number(contentLength);
    await this.parts.receive(
      uuidOf({ params: { id } }, 'id'),
      { number: Number(part), body, length, contentDigest: contentDigest ?? '' },
      attribution(caller),
    );
  }

  @Post('recordings/:id/complete')
  @HttpCode(202)
  @Asks('upload.send', RecordingLoader)
  async complete(@Param('id') id: string): Promise<UploadStatus> {
    return this.uploads.complete(id);
  }

  @Get('recordings/:id/receipt')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Asks('receipt.read', RecordingLoader)
  async receipt(@Param('id') id: string): Promise<string> {
    return this.uploads.receipt(id);
  }
}
