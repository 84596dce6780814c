import type { Readable } from 'node:stream';
import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { NotFound, UnitOfWork } from '#platform';
import { ObjectStore } from '#storage';
import { NoRendition } from './evidence-problems.js';
import { Rendition, RenditionFile } from './rendition.entity.js';
import { currentOf } from './rendition.rules.js';

/** Playback files for those who have passed the door: only libs/access opens them. */
@Injectable()
export class RenditionsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ObjectStore,
  ) {}

  /** @throws NoRendition when there is none to play, saying why */
  async playable(recordingId: string): Promise<Rendition> {
    const rendition = currentOf(await this.unitOfWork.reader.findBy(Rendition, { recordingId }));
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

  /** Which of these files a rendition has. */
  async having(renditionId: string, names: readonly string[]): Promise<ReadonlySet<string>> {
    const found = await this.unitOfWork.reader.findBy(RenditionFile, { renditionId, name: In([...names]) });
    return new Set(found.map(({ name }) => name));
  }

  async open(file: RenditionFile): Promise<Readable> {
    return (await this.store.open(file)).stream;
  }
}
