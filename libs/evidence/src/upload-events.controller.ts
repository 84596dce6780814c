import { Controller, Req, Res, Sse, SseSignal, type MessageEvent } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { EMPTY, type Observable } from 'rxjs';
import { In } from 'typeorm';
import { Asks, By, person, uuidOf, type Caller, type Incoming } from '#identity';
import { UnitOfWork } from '#platform';
import { ManifestLoader } from './manifest.loader.js';
import { Recording } from './recording.entity.js';
import { RecordingLoader } from './recording.loader.js';
import { RecordingsService } from './recordings.service.js';
import { UploadEvents } from './upload-events.service.js';
import type { Following } from './upload-stream.js';

/** Characters of events that may wait for a caller who does not read: a few states of an upload of ten thousand parts. */
const UNREAD = { maxPendingDataLength: 2 ** 19 };
/** Of one person's open uploads the newest so many are told of from the beginning, the others when something happens to them. */
const MOST_AT_FIRST = 200;

type Reply = { status(code: number): unknown };
type Answer = Promise<Observable<MessageEvent>>;

/**
 * Server-sent events: `state` with what GET /api/docking/recordings/{id} answers, first as it is and then whenever it changed. A stream ends when
 * nothing can change any more; 204 tells an EventSource that comes back for more to stay away. WHATWG HTML §9.2
 */
@ApiTags('docking')
@ApiProduces('text/event-stream')
@Controller('api')
export class UploadEventsController {
  constructor(
    private readonly events: UploadEvents,
    private readonly recordings: RecordingsService,
    private readonly recordingLoader: RecordingLoader,
    private readonly manifests: ManifestLoader,
    private readonly unitOfWork: UnitOfWork,
  ) {}

  @Sse('docking/recordings/:id/events', UNREAD)
  @Asks('upload.read', RecordingLoader)
  async recording(
    @Req() request: Incoming,
    @By() caller: Caller,
    @SseSignal() gone: AbortSignal,
    @Res({ passthrough: true }) reply: Reply,
  ): Answer {
    const resource = await this.recordingLoader.load(request);
    const find = async (): Promise<Recording[]> => [await this.recordings.get(uuidOf(request, 'id'))];
    return this.answer({ request, caller, action: 'upload.read', resource, find }, gone, reply);
  }

  /** Of all files of a manifest. */
  @Sse('docking/manifests/:id/events', UNREAD)
  @Asks('upload.read', ManifestLoader)
  async manifest(
    @Req() request: Incoming,
    @By() caller: Caller,
    @SseSignal() gone: AbortSignal,
    @Res({ passthrough: true }) reply: Reply,
  ): Answer {
    const resource = await this.manifests.load(request);
    const find = (): Promise<Recording[]> => this.manifests.uploads(uuidOf(request, 'id'));
    return this.answer({ request, caller, action: 'upload.read', resource, find }, gone, reply);
  }

  /** Of all files that the caller has begun to hand in, also those announced while it lasts. */
  @Sse('hand-ins/events', UNREAD)
  @Asks('upload.hand-in')
  async handIns(
    @Req() request: Incoming,
    @By() caller: Caller,
    @SseSignal() gone: AbortSignal,
    @Res({ passthrough: true }) reply: Reply,
  ): Answer {
    const { id: handedInBy } = person(caller);
    const find = (): Promise<Recording[]> =>
      this.unitOfWork.reader.find(Recording, {
        where: { handedInBy, state: In(['receiving', 'sealing']) },
        order: { id: 'DESC' },
        take: MOST_AT_FIRST,
      });
    const joins = (recording: Recording): boolean => recording.handedInBy === handedInBy;
    return this.answer({ request, caller, action: 'upload.hand-in', resource: { kind: 'none' }, find, joins }, gone, reply);
  }

  private async answer(following: Following, gone: AbortSignal, reply: Reply): Answer {
    const events = await this.events.open(following, gone);
    if (events !== undefined) return events;
    reply.status(204);
    return EMPTY;
  }
}
