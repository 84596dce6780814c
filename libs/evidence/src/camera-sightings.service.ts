import { Injectable } from '@nestjs/common';
import { UnitOfWork } from '#platform';

/** The camera's youngest recording, by its own clock. */
export interface LastRecording {
  readonly recording: string;
  readonly counter: number | null;
  readonly recordedAt: string;
  readonly state: string;
}

interface LastRow {
  serial: string;
  id: string | null;
  counter: string | null;
  recordedAt: Date | null;
  state: string | null;
}

// By the camera's own clock, because that is what the index recordings_camera is sorted by: one look into it for each camera.
const LAST = `LEFT JOIN LATERAL (
    SELECT r.id, r.counter, r.recorded_at AS "recordedAt", r.state FROM recordings r
    WHERE r.camera = asked.serial AND r.parent_id IS NULL ORDER BY r.recorded_at DESC LIMIT 1
  ) last ON true`;

/** Every serial number after $1 that any recording names, by leaping through the index from one to the next. */
const UNREGISTERED = `
  WITH RECURSIVE asked (serial) AS (
    (SELECT camera FROM recordings WHERE camera > $1 ORDER BY camera LIMIT 1)
    UNION ALL
    SELECT (SELECT camera FROM recordings WHERE camera > asked.serial ORDER BY camera LIMIT 1) FROM asked WHERE asked.serial IS NOT NULL
  )
  SELECT asked.serial, last.* FROM asked ${LAST}
  WHERE asked.serial IS NOT NULL AND NOT EXISTS (SELECT FROM cameras c WHERE c.serial = asked.serial)
  LIMIT $2`;

/** What cameras were heard of through their recordings. */
@Injectable()
export class CameraSightings {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** By serial number. */
  async lastOf(serials: readonly string[]): Promise<Map<string, LastRecording>> {
    const rows = await this.unitOfWork.reader.query<LastRow[]>(
      `SELECT asked.serial, last.* FROM unnest($1::text[]) AS asked (serial) ${LAST}`,
      [[...serials]],
    );
    return new Map(rows.flatMap((row) => toEntry(row)));
  }

  /** Cameras that recorded and stand in no register, by serial number. */
  async unregistered(
    after: string,
    limit: number,
  ): Promise<{ cameras: { serial: string; lastRecording: LastRecording | null }[]; next: string | null }> {
    const rows = await this.unitOfWork.reader.query<LastRow[]>(UNREGISTERED, [after, limit + 1]);
    const cameras = rows.slice(0, limit).map((row) => ({ serial: row.serial, lastRecording: toEntry(row)[0]?.[1] ?? null }));
    return { cameras, next: rows.length > limit ? (cameras.at(-1)?.serial ?? null) : null };
  }
}

function toEntry({ serial, id, counter, recordedAt, state }: LastRow): [string, LastRecording][] {
  if (id === null || recordedAt === null || state === null) return [];
  return [
    [serial, { recording: id, counter: counter === null ? null : Number(counter), recordedAt: recordedAt.toISOString(), state }],
  ];
}
