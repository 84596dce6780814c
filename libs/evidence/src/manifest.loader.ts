import { Injectable } from '@nestjs/common';
import { In } from 'typeorm';
import { uuidOf, type Incoming, type Resource, type ResourceLoader } from '#identity';
import { NotFound, UnitOfWork } from '#platform';
import { readManifest } from '#tlog';
import { StoredManifest } from './manifest.entity.js';
import { Recording } from './recording.entity.js';

/** The manifest named by the path's `:id`, as the uploads that its dock makes under it. */
@Injectable()
export class ManifestLoader implements ResourceLoader {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  async load(request: Incoming): Promise<Resource> {
    const manifest = await this.get(uuidOf(request, 'id'));
    const [first] = await this.uploadsOf(manifest);
    // A manifest of nothing but duplicates has no recording to put a refusal on; the dock's own record takes it.
    return {
      kind: 'recording',
      recording: first?.id ?? manifest.dockId,
      dock: manifest.dockId,
      officer: null,
      handedInBy: null,
      state: first?.state ?? 'receiving',
    };
  }

  /** Also what the same dock announced before under another manifest, and goes on with under this one. */
  async uploads(id: string): Promise<Recording[]> {
    return this.uploadsOf(await this.get(id));
  }

  private async uploadsOf({ id, dockId, note }: StoredManifest): Promise<Recording[]> {
    const announced = readManifest(note).files.map(({ sha256 }) => Buffer.from(sha256, 'hex'));
    return this.unitOfWork.reader.find(Recording, {
      where: [{ manifestId: id }, { dockId, sha256: In(announced), state: In(['receiving', 'sealing']) }],
      order: { id: 'ASC' },
    });
  }

  private async get(id: string): Promise<StoredManifest> {
    const manifest = await this.unitOfWork.reader.findOneBy(StoredManifest, { id });
    if (manifest === null) throw new NotFound('manifest');
    return manifest;
  }
}
