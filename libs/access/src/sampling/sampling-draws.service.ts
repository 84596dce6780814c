import { Injectable } from '@nestjs/common';
import { IsNull } from 'typeorm';
import { Custody, CustodyLog, type SignedCheckpoint } from '#custody';
import { decide, system } from '#identity';
import { Clock, UnitOfWork, type Tx } from '#platform';
import { decodeHeader, openCheckpoint, parseVerifier } from '#tlog';
import { NoticesService } from '../notices/notices.service.js';
import { SampledRecording, Sampling } from './sampling.entity.js';
import { draw, listDigest, seedOf } from './sampling.rules.js';
import { SamplingsService } from './samplings.service.js';

const NAME = 'sampling-draws';
const AT_ONCE = 20;

/** Draws the lot of a sampling, once, from a checkpoint that covers the entry which fixed what is drawn from. */
@Injectable()
export class SamplingDraws {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly samplings: SamplingsService,
    private readonly notices: NoticesService,
    private readonly clock: Clock,
  ) {}

  /** Ids of samplings whose lot has not been drawn yet, oldest first. */
  async waiting(): Promise<string[]> {
    const rows = await this.unitOfWork.reader.find(Sampling, {
      select: { id: true },
      where: { drawnAt: IsNull() },
      order: { id: 'ASC' },
      take: AT_ONCE,
    });
    return rows.map(({ id }) => id);
  }

  /**
   * Idempotent. @returns false while there is no such checkpoint yet, or another process is at it
   * @throws Error when the list is no longer the one on record: then nothing is drawn, whoever changed it
   */
  async drawWhenDue(id: string): Promise<boolean> {
    const now = this.clock.now();
    if (!decide({ kind: 'system', name: NAME }, 'sampling.draw', { kind: 'none' }, { now }).allowed) return false;
    const entry = await this.committed(id);
    if (entry === undefined) return false;
    const checkpoint = await this.log.firstTrusted(entry.index);
    if (checkpoint === undefined) return false;
    const { root } = openCheckpoint(checkpoint.note, ((await this.log.identity())?.vkeys ?? []).map(parseVerifier));
    return this.unitOfWork.run(async (tx) => {
      const held = await tx.findOne(Sampling, {
        where: { id, drawnAt: IsNull() },
        lock: { mode: 'pessimistic_write', onLocked: 'skip_locked' },
      });
      if (held === null) return false;
      const { recordings } = await this.samplings.get(id, tx);
      const sha256 = listDigest(recordings);
      if (sha256 !== entry.sha256 || sha256 !== held.sha256.toString('hex'))
        throw new Error(`the list of sampling ${id} is not the one whose digest is on record`);
      const seed = seedOf(root, id);
      await this.write(tx, held, checkpoint, seed, draw(seed, recordings, held.draw));
      return true;
    });
  }

  private async write(
    tx: Tx,
    sampling: Sampling,
    checkpoint: SignedCheckpoint,
    seed: Buffer,
    drawn: readonly string[],
  ): Promise<void> {
    const { id, committedBy, population } = sampling;
    const checkpointSize = checkpoint.size.toString();
    await tx.update(Sampling, { id }, { checkpointSize, checkpoint: checkpoint.note, seed, drawnAt: this.clock.now() });
    for (const [i, recordingId] of drawn.entries())
      await tx.update(SampledRecording, { samplingId: id, recordingId }, { drawnPlace: i + 1 });
    const event = {
      type: 'sampling.drawn',
      checkpointSize,
      seed: seed.toString('hex'),
      drawn,
      sha256: listDigest(drawn),
    } as const;
    await this.custody.append(tx, id, event, system(NAME));
    const text = `The lot has been drawn: ${drawn.length} of ${population} recordings are to be reviewed.`;
    await this.notices.send(tx, [committedBy], 'sampling-drawn', id, text);
  }

  /** The entry that fixed the list, once it has its place; its header as it was hashed, not as some row says. */
  private async committed(id: string): Promise<{ index: bigint; sha256: string | undefined } | undefined> {
    const [row] = await this.log.query<{ index: string; header: Buffer }>(
      'SELECT e.index, e.header FROM samplings s JOIN custody_entries e ON e.id = s.committed_entry WHERE s.id = $1',
      [id],
    );
    return row === undefined ? undefined : { index: BigInt(row.index), sha256: decodeHeader(row.header).sha256 };
  }
}
