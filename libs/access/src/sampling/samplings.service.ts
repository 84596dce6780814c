import { Injectable } from '@nestjs/common';
import { In, IsNull, LessThan, Not } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { attribution, Person, PersonUnknown, type Caller, type PersonActor } from '#identity';
import { Clock, InvalidRequest, NotFound, UnitOfWork, type Tx } from '#platform';
import { canonicalize } from '#tlog';
import { AccessPolicyService } from '../policy/access-policy.service.js';
import type { Purpose } from '../requests/access-request.rules.js';
import { DrawTooLarge, NothingToDraw, PopulationTooLarge } from './sampling-problems.js';
import { SampledRecording, Sampling, type SamplingFilter } from './sampling.entity.js';
import { faultOfDraw, fellByChance, LARGEST_POPULATION, listDigest, population, type Lot } from './sampling.rules.js';

export interface NewSampling {
  readonly purpose: Purpose;
  readonly filter: SamplingFilter;
  readonly draw: number;
}

/** All that somebody needs to draw again. */
export interface SamplingInFull {
  readonly sampling: Sampling;
  /** Ascending. */
  readonly recordings: readonly string[];
  /** In the order of drawing. */
  readonly drawn: readonly string[];
}

const MATCHING = `SELECT id FROM recordings
  WHERE state = 'sealed' AND origin <> 'derived'
    AND true_at >= $1 AND true_at < $2
    AND ($3::text IS NULL OR category = $3)
    AND ($4::uuid[] IS NULL OR officer_id = ANY($4))
  LIMIT ${LARGEST_POPULATION + 1}`;

/** The lots that a recording was in, oldest first, up to the last that fell on it. */
const LOTS = `SELECT s.population, s.draw, s.committed_at AS at, d.drawn_place IS NOT NULL AS drawn
  FROM samplings s JOIN sampling_recordings d ON d.sampling_id = s.id AND d.recording_id = $1
  WHERE s.purpose = $2 ORDER BY s.committed_at, s.id`;

/** Fixes what is drawn from, and puts that on record before anybody can know the lot. */
@Injectable()
export class SamplingsService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly policies: AccessPolicyService,
    private readonly clock: Clock,
  ) {}

  /** @throws NothingToDraw, DrawTooLarge, PopulationTooLarge, PersonUnknown */
  async commit(asked: NewSampling, actor: PersonActor, caller: Caller): Promise<Sampling> {
    const { purpose, filter, draw } = asked;
    const listed = this.policies.policy.purposes.map(({ name }) => name);
    if (!listed.includes(purpose))
      throw new InvalidRequest([{ path: 'purpose', message: `must be one of the agency's purposes: ${listed.join(', ')}` }]);
    return this.unitOfWork.run(async (tx) => {
      await this.refuseUnknown(tx, filter.officers ?? []);
      const ids = await this.matching(tx, filter);
      const fault = faultOfDraw(ids.length, draw);
      if (fault === 'empty') throw new NothingToDraw();
      if (fault === 'too-large') throw new PopulationTooLarge();
      if (fault === 'more-than-there-are') throw new DrawTooLarge(ids.length, draw);
      const id = uuidv7();
      const sha256 = listDigest(ids);
      const event = {
        type: 'sampling.committed',
        purpose,
        filter: canonicalize({ ...filter, ...(filter.officers === undefined ? {} : { officers: [...filter.officers] }) }),
        population: ids.length,
        draw,
        sha256,
      } as const;
      const sampling: Sampling = {
        ...{ id, purpose, filter, draw, population: ids.length, sha256: Buffer.from(sha256, 'hex') },
        committedBy: actor.id,
        committedAt: this.clock.now(),
        committedEntry: await this.custody.append(tx, id, event, attribution(caller)),
        ...{ checkpointSize: null, checkpoint: null, seed: null, drawnAt: null },
      };
      await tx.insert(Sampling, sampling);
      await tx.query('INSERT INTO sampling_recordings (sampling_id, recording_id) SELECT $1, unnest($2::uuid[])', [id, ids]);
      return sampling;
    });
  }

  /** Newest first. */
  async list(page: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<{ samplings: Sampling[]; next: string | null }> {
    const rows = await this.unitOfWork.reader.find(Sampling, {
      ...(page.after === undefined ? {} : { where: { id: LessThan(page.after) } }),
      order: { id: 'DESC' },
      take: page.limit + 1,
    });
    const samplings = rows.slice(0, page.limit);
    return { samplings, next: rows.length > page.limit ? (samplings.at(-1)?.id ?? null) : null };
  }

  /** @throws NotFound */
  async get(id: string, tx: Tx = this.unitOfWork.reader): Promise<SamplingInFull> {
    const sampling = await tx.findOneBy(Sampling, { id });
    if (sampling === null) throw new NotFound('sampling');
    const rows = await tx.findBy(SampledRecording, { samplingId: id });
    const drawn = rows.filter(({ drawnPlace }) => drawnPlace !== null);
    return {
      sampling,
      recordings: population(rows.map(({ recordingId }) => recordingId)),
      drawn: drawn.sort((a, b) => (a.drawnPlace ?? 0) - (b.drawnPlace ?? 0)).map(({ recordingId }) => recordingId),
    };
  }

  /** Whether the lot fell on the recording for this purpose, and that was left to chance. */
  async hasDrawn(recordingId: string, purpose: Purpose, tx: Tx): Promise<boolean> {
    if (!(await tx.existsBy(SampledRecording, { recordingId, drawnPlace: Not(IsNull()) }))) return false;
    return fellByChance(await tx.query<Lot[]>(LOTS, [recordingId, purpose]));
  }

  private async matching(tx: Tx, filter: SamplingFilter): Promise<string[]> {
    const { recordedFrom, recordedTo, category = null, officers = null } = filter;
    const rows = await tx.query<{ id: string }[]>(MATCHING, [recordedFrom, recordedTo, category, officers]);
    return population(rows.map(({ id }) => id));
  }

  /** A slip in an id would draw from fewer people than was meant. */
  private async refuseUnknown(tx: Tx, officers: readonly string[]): Promise<void> {
    const known = await tx.countBy(Person, { id: In([...officers]) });
    if (known < new Set(officers).size) throw new PersonUnknown();
  }
}
