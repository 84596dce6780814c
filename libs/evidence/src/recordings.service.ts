import { Injectable } from '@nestjs/common';
import { In, IsNull, Not } from 'typeorm';
import { NotFound, UnitOfWork, type Tx } from '#platform';
import { StoredManifest } from './manifest.entity.js';
import { Recording } from './recording.entity.js';
import { Rendition } from './rendition.entity.js';
import { currentOf } from './rendition.rules.js';

@Injectable()
export class RecordingsService {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** @throws NotFound */
  async get(id: string, tx: Tx = this.unitOfWork.reader): Promise<Recording> {
    const recording = await tx.findOneBy(Recording, { id });
    if (recording === null) throw new NotFound('recording');
    return recording;
  }

  async getMany(ids: readonly string[]): Promise<Recording[]> {
    return this.unitOfWork.reader.findBy(Recording, { id: In([...ids]) });
  }

  /** Redactions made from it, oldest first. */
  async derivedFrom(parentId: string): Promise<Recording[]> {
    return this.unitOfWork.reader.find(Recording, { where: { parentId }, order: { id: 'ASC' } });
  }

  /** Whether a redacted copy of it may be asked for instead. */
  async hasReleasedRedaction(parentId: string, tx: Tx): Promise<boolean> {
    return tx.existsBy(Recording, { parentId, releasedAt: Not(IsNull()) });
  }

  async renditionOf(recordingId: string): Promise<Rendition | null> {
    return currentOf(await this.unitOfWork.reader.findBy(Rendition, { recordingId }));
  }

  async renditionsOf(recordingIds: readonly string[]): Promise<Map<string, Rendition>> {
    const rows = await this.unitOfWork.reader.findBy(Rendition, { recordingId: In([...recordingIds]) });
    const byRecording = Map.groupBy(rows, ({ recordingId }) => recordingId);
    return new Map(
      [...byRecording].flatMap(([id, its]) => [currentOf(its)].flatMap((current) => (current ? [[id, current]] : []))),
    );
  }

  /** Lets a redaction out: from now on others than those who make and review it may ask for it. */
  async release(tx: Tx, id: string, at: Date): Promise<void> {
    await tx.update(Recording, { id, origin: 'derived', releasedAt: IsNull() }, { releasedAt: at });
  }

  /** The dock's signed manifest, to the letter; null for a recording that no dock announced. */
  async manifestOf(recording: Recording): Promise<StoredManifest | null> {
    if (recording.manifestId === null) return null;
    return this.unitOfWork.reader.findOneBy(StoredManifest, { id: recording.manifestId });
  }
}
