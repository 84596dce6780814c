import { Injectable } from '@nestjs/common';
import { RecordingsService, RenditionsService } from '#evidence';
import type { Caller, PersonActor } from '#identity';
import { NotFound } from '#platform';
import type { Purpose } from '../requests/access-request.rules.js';
import { ViewingDeliveries, type DeliveredFile } from './viewing-deliveries.service.js';
import { ViewingOpening, type OpenedViewing } from './viewing-opening.service.js';
import { isStill } from './viewing-ranges.rules.js';
import { ViewingsService } from './viewings.service.js';

export interface OpenedPlayback extends OpenedViewing {
  /** Names of files beside playlist and poster that this copy has. */
  readonly extras: ReadonlySet<string>;
}

/** Viewings of playback copies. */
@Injectable()
export class ViewingPlayback {
  constructor(
    private readonly opening: ViewingOpening,
    private readonly viewings: ViewingsService,
    private readonly deliveries: ViewingDeliveries,
    private readonly recordings: RecordingsService,
    private readonly renditions: RenditionsService,
  ) {}

  /** @throws NoRendition, and what ViewingOpening throws */
  async open(recording: string, purpose: Purpose, actor: PersonActor, caller: Caller): Promise<OpenedPlayback> {
    const { id: renditionId } = await this.renditions.playable(recording);
    const extras = await this.renditions.having(renditionId, ['sprite.vtt', 'waveform.json']);
    return { ...(await this.opening.open({ recording, of: 'playback', renditionId, purpose }, actor, caller)), extras };
  }

  /** One file of the playback copy. @throws NotFound, Forbidden */
  async file(id: string, name: string, caller: Caller): Promise<DeliveredFile> {
    const { renditionId, recordingId } = await this.viewings.get(id);
    if (renditionId === null) throw new NotFound('file');
    const file = await this.renditions.file(renditionId, name);
    // Copies made before stills had a place show some part of the recording all the same: which, nobody knows any more.
    const whole = isStill(name) && file.startMs === null ? await this.lengthOf(recordingId) : null;
    const sent = whole === null ? file : { ...file, startMs: 0, durationMs: whole };
    return this.deliveries.send(id, sent, () => this.renditions.open(file), caller);
  }

  private async lengthOf(recordingId: string): Promise<number | null> {
    return (await this.recordings.get(recordingId)).probe?.durationMs ?? null;
  }
}
