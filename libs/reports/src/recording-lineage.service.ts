import { Injectable } from '@nestjs/common';
import { RecordingsService, type Recording } from '#evidence';
import { DocksService, type Dock } from '#identity';

/** A recording with what its story cannot be told without. */
export interface Lineage {
  readonly recording: Recording;
  /** What it was made from, nearest first; empty for an original. */
  readonly ancestors: readonly Recording[];
  /** Redactions made from it, oldest first. */
  readonly derived: readonly Recording[];
  /** The dock that handed in the original. */
  readonly dock: Dock | null;
}

@Injectable()
export class RecordingLineage {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly docks: DocksService,
  ) {}

  /** @throws NotFound */
  async of(recordingId: string): Promise<Lineage> {
    const recording = await this.recordings.get(recordingId);
    const ancestors: Recording[] = [];
    let original = recording;
    while (original.parentId !== null) {
      original = await this.recordings.get(original.parentId);
      ancestors.push(original);
    }
    return {
      recording,
      ancestors,
      derived: await this.recordings.derivedFrom(recordingId),
      dock: original.dockId === null ? null : await this.docks.get(original.dockId),
    };
  }
}
