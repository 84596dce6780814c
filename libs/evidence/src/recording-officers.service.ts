import { Injectable } from '@nestjs/common';
import { CamerasService, PeopleService, type Person } from '#identity';
import type { Tx } from '#platform';
import { trueTime } from './true-time.rules.js';

interface Made {
  readonly camera: string | null;
  readonly recordedAt: Date;
  readonly clockOffsetMs: number;
}

/** Whose recording it is: by the badge that the dock signed, else by who had the camera at the time. */
@Injectable()
export class RecordingOfficers {
  constructor(
    private readonly people: PeopleService,
    private readonly cameras: CamerasService,
  ) {}

  /** As it is known when the recording is announced; null when nobody is known. */
  async of(tx: Tx, file: Made & { readonly badge: string | null }): Promise<Person | null> {
    const named = file.badge === null ? null : await this.people.findByBadge(file.badge, tx);
    if (named !== null || file.camera === null) return named;
    return this.cameras.officerAt(file.camera, trueTime(file), tx);
  }

  /** The human beings whose conduct the recordings may show: whom the dock named, and who had the camera by what the register says now. */
  async shown(recordings: readonly (Made & { readonly officerId: string | null })[], tx: Tx): Promise<string[]> {
    const assigned = await this.assigned(recordings, tx);
    const accounts = [...recordings.map(({ officerId }) => officerId), ...assigned.map((person) => person?.id ?? null)];
    return this.people.humans(
      accounts.filter((id) => id !== null),
      tx,
    );
  }

  /** Who had the camera, by what the register says now (shift sheets are entered late), in the order of `recordings`. */
  async assigned(recordings: readonly Made[], tx?: Tx): Promise<(Person | null)[]> {
    const sightings = recordings.map((recording) => ({ serial: recording.camera ?? '', at: trueTime(recording) }));
    return this.cameras.officersAt(sightings, tx);
  }
}
