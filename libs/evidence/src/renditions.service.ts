import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { NotFound, UnitOfWork } from '#platform';
import { ObjectStore } from '#storage';
import { NoRendition } from './evidence-problems.js';
import { Rendition, RenditionFile } from './rendition.entity.js';

/** Playback files for those who have passed the door: only libs/access opens them. */
@Injectable()
export class RenditionsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ObjectStore,
  ) {}

  /** @throws NoRendition when there is none to play, saying why */
  async playable(recordingId: string): Promise<Rendition> {
    const rendition = await this.unitOfWork.reader.findOne(Rendition, { where: { recordingId }, order: { createdAt: 'DESC' } });
    if (rendition === null || rendition.state === 'pending') throw new NoRendition('The playback copy is still being made.');
    if (rendition.state === 'failed')
      throw new NoRendition(`No playback copy could be made: ${rendition.reason ?? 'unknown reason'}`);
    return rendition;
  }

  /** @throws NotFound */
  async file(renditionId: string, name: string): Promise<RenditionFile> {
    const file = await this.unitOfWork.reader.findOneBy(RenditionFile, { renditionId, name });
    if (file === null) throw new NotFound('file');
    return file;
  }

  async open(file: RenditionFile): Promise<Readable> {
    return (await this.store.open(file)).stream;
  }
}
