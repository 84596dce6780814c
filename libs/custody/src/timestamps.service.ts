import { createHash } from 'node:crypto';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { Clock, CONFIG, UnitOfWork, type Config } from '#platform';
import type { SignedCheckpoint } from './custody-log.service.js';
import { askForTimestamp, authorityName } from './timestamp-authority.js';

const PATIENCE_MS = 5000;

/** A timestamp of one signed note, on record. */
export interface LogTimestamp {
  /** URL of the authority, without user name and password. */
  readonly authority: string;
  /** TimeStampResp in DER. RFC 3161 §2.4.2 */
  readonly response: Buffer;
  /** When it was put on record, by our clock; when the checkpoint was seen, by the authority's, is in the response. */
  readonly at: Date;
}

/**
 * Timestamps of checkpoints by the authorities in TIMESTAMP_AUTHORITIES: that the log was this far, and no other, when they saw it. What is
 * timestamped is the note with all its signatures, byte for byte; the same checkpoint with further cosignatures is another note.
 */
@Injectable()
export class LogTimestamps {
  private readonly logger = new Logger('LogTimestamps');
  /** URLs by the names under which their timestamps are stored. */
  private readonly authorities: ReadonlyMap<string, string>;

  constructor(
    @Inject(CONFIG) { TIMESTAMP_AUTHORITIES }: Pick<Config, 'TIMESTAMP_AUTHORITIES'>,
    private readonly unitOfWork: UnitOfWork,
    private readonly clock: Clock,
  ) {
    this.authorities = new Map(TIMESTAMP_AUTHORITIES.map((url) => [authorityName(url), url]));
  }

  /**
   * All that are on record for this very note, by the authorities' names. Those that have given none yet are asked now, for five seconds at
   * most: one that fails is logged and left out, because evidence must not wait for strangers.
   */
  async of(checkpoint: SignedCheckpoint): Promise<readonly LogTimestamp[]> {
    const stored = await this.stored(checkpoint);
    const missing = [...this.authorities.keys()].filter((name) => !stored.some(({ authority }) => authority === name));
    if (missing.length === 0) return stored;
    await Promise.all(missing.map((authority) => this.obtain(authority, checkpoint)));
    // Another process may have been faster: what is on record counts.
    return this.stored(checkpoint);
  }

  /** Whether no authority that is still asked has given any timestamp in the last `seconds`; false when there is nobody to ask. */
  async due(seconds: number): Promise<boolean> {
    if (this.authorities.size === 0) return false;
    const now = this.clock.now();
    // One of the future says nothing: the clock was put back.
    const recent = await this.unitOfWork.reader.query<unknown[]>(
      'SELECT 1 FROM log_timestamps WHERE authority = ANY($1) AND at > $2 AND at <= $3 LIMIT 1',
      [[...this.authorities.keys()], new Date(now.getTime() - seconds * 1000), now],
    );
    return recent.length === 0;
  }

  private async stored({ size, note }: SignedCheckpoint): Promise<LogTimestamp[]> {
    return this.unitOfWork.reader.query<LogTimestamp[]>(
      'SELECT authority, response, at FROM log_timestamps WHERE size = $1 AND note_sha256 = $2 ORDER BY authority COLLATE "C"',
      [size.toString(), digestOf(note)],
    );
  }

  private async obtain(authority: string, { size, note }: SignedCheckpoint): Promise<void> {
    const answer = await askForTimestamp(this.authorities.get(authority) ?? authority, Buffer.from(note, 'utf8'), PATIENCE_MS);
    if (answer.kind === 'refused') {
      this.logger.warn(
        { authority, size: size.toString() },
        `the checkpoint of ${size} entries has no timestamp of ${authority}: ${answer.why}`,
      );
      return;
    }
    await this.unitOfWork.run((tx) =>
      tx.query(
        `INSERT INTO log_timestamps (size, authority, note, note_sha256, response, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (size, authority, note_sha256) DO NOTHING`,
        [size.toString(), authority, note, digestOf(note), answer.response, this.clock.now()],
      ),
    );
  }
}

function digestOf(note: string): Buffer {
  return createHash('sha256').update(note, 'utf8').digest();
}
