import { Injectable } from '@nestjs/common';
import { UnitOfWork, type Tx } from '#platform';
import type { Sensitivity } from './case.entity.js';

// A redacted copy is as sensitive as what it was made from: who has it approved decides whether it no longer is.
const SENSITIVE = `
  SELECT r.id FROM recordings r WHERE r.id = ANY($1) AND EXISTS (
    SELECT FROM case_recordings m JOIN cases c ON c.id = m.case_id
    WHERE m.recording_id IN (r.id, r.parent_id) AND c.closed_at IS NULL AND c.sensitivity = 'high')`;

/** How sensitive recordings are: as the most sensitive of the open cases they are in. */
@Injectable()
export class CaseSensitivity {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** Of each of them, by id. What is in no open case is normal. @param on the open transaction, if there is one */
  async of(recordingIds: readonly string[], on: Tx = this.unitOfWork.reader): Promise<Map<string, Sensitivity>> {
    if (recordingIds.length === 0) return new Map();
    const rows = await on.query<{ id: string }[]>(SENSITIVE, [[...recordingIds]]);
    const high = new Set(rows.map(({ id }) => id));
    return new Map(recordingIds.map((id) => [id, high.has(id) ? 'high' : 'normal']));
  }
}
