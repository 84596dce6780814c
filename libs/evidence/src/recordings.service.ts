import { Injectable } from '@nestjs/common';
import { In, IsNull, Not } from 'typeorm';
import { NotFound, UnitOfWork, type Tx } from '#platform';
import { StoredManifest } from './manifest.entity.js';
import { Recording, type RecordingState } from './recording.entity.js';
import { Rendition } from './rendition.entity.js';
import { currentOf } from './rendition.rules.js';

export interface RecordingFilter {
  readonly state?: RecordingState | undefined;
  readonly camera?: string | undefined;
  readonly fixity?: 'failed' | undefined;
  /** Only this officer's own. */
  readonly officer?: string | undefined;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

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

  /** Newest first; ids are UUIDv7, so their order is the order of arrival. */
  async list(filter: RecordingFilter): Promise<{ recordings: Recording[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Recording, 'r')
      .orderBy('r.id', 'DESC')
      .limit(filter.limit + 1);
    if (filter.state !== undefined) query.andWhere('r.state = :state', { state: filter.state });
    if (filter.camera !== undefined) query.andWhere('r.camera = :camera', { camera: filter.camera });
    // By their alerts, which are few: nothing else finds a handful among a million.
    if (filter.fixity !== undefined) query.andWhere("r.id IN (SELECT recording_id FROM alerts WHERE kind = 'fixity-failed')");
    if (filter.officer !== undefined) query.andWhere('r.officer_id = :officer', { officer: filter.officer });
    if (filter.after !== undefined) query.andWhere('r.id < :after', { after: filter.after });
    const rows = await query.getMany();
    const recordings = rows.slice(0, filter.limit);
    return { recordings, next: rows.length > filter.limit ? (recordings.at(-1)?.id ?? null) : null };
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
