import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { Asks, By, person, uuidOf, type Caller } from '#identity';
import { PurposeName } from '../policy/access-policy.rules.js';
import type { Sampling, SamplingFilter } from './sampling.entity.js';
import { isByChance, LARGEST_DRAW, listDigest } from './sampling.rules.js';
import { SamplingsService, type SamplingInFull } from './samplings.service.js';

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text).toISOString());
const Filter = z
  .strictObject({
    recordedFrom: instant,
    /** Exclusive. */
    recordedTo: instant,
    category: z.string().trim().min(1).max(100).optional(),
    officers: z.array(z.uuid().toLowerCase()).min(1).max(500).optional(),
  })
  .refine(({ recordedFrom, recordedTo }) => Date.parse(recordedFrom) < Date.parse(recordedTo), {
    path: ['recordedTo'],
    message: 'must be after recordedFrom',
  });
const CommitBody = z.strictObject({ purpose: PurposeName, filter: Filter, draw: z.number().int().min(1).max(LARGEST_DRAW) });
const ListQuery = z.strictObject({
  after: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});

export interface SamplingView {
  readonly id: string;
  readonly state: 'committed' | 'drawn';
  readonly purpose: string;
  readonly filter: SamplingFilter;
  readonly draw: number;
  readonly population: number;
  /** Of the list of recordings, as it was put on record before the lot was known. */
  readonly populationSha256: string;
  /** Whether so few are drawn of so many that it is left to chance: then a standing rule of the policy may open what was drawn. */
  readonly byChance: boolean;
  readonly committedBy: string;
  readonly committedAt: string;
  readonly drawnAt: string | null;
}

/** All that somebody needs to draw again, without this service. */
export interface SamplingInFullView extends SamplingView {
  /** The custody entry that fixed the list. */
  readonly entry: string;
  /** Ascending: the list that the lot is drawn from. */
  readonly recordings: readonly string[];
  /** The signed note, with its cosignatures, whose root hash is the lot. */
  readonly checkpoint: string | null;
  readonly checkpointSize: string | null;
  readonly seed: string | null;
  /** In the order of drawing. */
  readonly drawn: readonly string[] | null;
  readonly drawnSha256: string | null;
}

function view(sampling: Sampling): SamplingView {
  return {
    id: sampling.id,
    state: sampling.drawnAt === null ? 'committed' : 'drawn',
    purpose: sampling.purpose,
    filter: sampling.filter,
    draw: sampling.draw,
    population: sampling.population,
    populationSha256: sampling.sha256.toString('hex'),
    byChance: isByChance(sampling.population, sampling.draw),
    committedBy: sampling.committedBy,
    committedAt: sampling.committedAt.toISOString(),
    drawnAt: sampling.drawnAt?.toISOString() ?? null,
  };
}

function viewInFull({ sampling, recordings, drawn }: SamplingInFull): SamplingInFullView {
  const waiting = sampling.drawnAt === null;
  return {
    ...view(sampling),
    entry: sampling.committedEntry,
    recordings,
    checkpoint: sampling.checkpoint,
    checkpointSize: sampling.checkpointSize,
    seed: sampling.seed?.toString('hex') ?? null,
    drawn: waiting ? null : drawn,
    drawnSha256: waiting ? null : listDigest(drawn),
  };
}

@ApiTags('samplings')
@Controller('api/samplings')
export class SamplingsController {
  constructor(private readonly samplings: SamplingsService) {}

  /** Fixes the list, with its digest on record; a later checkpoint of the log is the lot, so nobody chooses what is drawn. */
  @Post()
  @Asks('sampling.commit')
  async commit(@Body({ schema: CommitBody }) body: z.output<typeof CommitBody>, @By() caller: Caller): Promise<SamplingView> {
    const { category, officers, ...times } = body.filter;
    const filter: SamplingFilter = {
      ...times,
      ...(category === undefined ? {} : { category }),
      ...(officers === undefined ? {} : { officers: [...new Set(officers)].sort() }),
    };
    return view(await this.samplings.commit({ ...body, filter }, person(caller), caller));
  }

  /** Newest first. */
  @Get()
  @Asks('sampling.list')
  async list(
    @Query({ schema: ListQuery }) query: z.output<typeof ListQuery>,
  ): Promise<{ samplings: SamplingView[]; next: string | null }> {
    const { samplings, next } = await this.samplings.list(query);
    return { samplings: samplings.map(view), next };
  }

  @Get(':id')
  @Asks('sampling.list')
  async read(@Param('id') id: string): Promise<SamplingInFullView> {
    return viewInFull(await this.samplings.get(uuidOf({ params: { id } }, 'id')));
  }
}
