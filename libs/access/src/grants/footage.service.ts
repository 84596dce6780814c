import { Injectable } from '@nestjs/common';
import type { FootageFacts } from '#identity';
import { NotFound, UnitOfWork, type Tx } from '#platform';
import type { ViewingOf } from '../viewing/viewing.entity.js';

/** What `footageFacts` needs of a recording `r`. In one statement with what else is asked: it is asked before every segment, twice. */
export const FOOTAGE_COLUMNS = `r.id AS recording, r.origin <> 'derived' OR r.released_at IS NOT NULL AS released,
  r.parent_id IS NULL AND EXISTS (SELECT FROM recordings d WHERE d.parent_id = r.id AND d.released_at IS NOT NULL) AS redacted,
  ARRAY(SELECT l.human_id FROM recording_locks l WHERE l.recording_id IN (r.id, r.parent_id) AND l.lifted_at IS NULL) AS "lockedAgainst"`;

export interface FootageRow {
  readonly recording: string;
  readonly released: boolean;
  /** A redacted copy may be asked for instead. */
  readonly redacted: boolean;
  readonly lockedAgainst: readonly string[];
}

export function footageFacts({ recording, released, redacted, lockedAgainst }: FootageRow, of: ViewingOf): FootageFacts {
  return { recording, needs: of === 'original' ? 'export' : redacted ? 'view-unredacted' : 'view', released, lockedAgainst };
}

/** What the rules need to know of footage, whoever asks for it. */
@Injectable()
export class Footage {
  constructor(private readonly unitOfWork: UnitOfWork) {}

  /** @param of the playback copy, or the original file itself. @throws NotFound */
  async facts(recordingId: string, of: ViewingOf = 'playback', tx: Tx = this.unitOfWork.reader): Promise<FootageFacts> {
    const [row] = await tx.query<FootageRow[]>(`SELECT ${FOOTAGE_COLUMNS} FROM recordings r WHERE r.id = $1`, [recordingId]);
    if (row === undefined) throw new NotFound('recording');
    return footageFacts(row, of);
  }
}
