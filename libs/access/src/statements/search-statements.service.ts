import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody, CustodyLog } from '#custody';
import { inWords, RecordingSearches, type RecordingSearch, type SearchCriteria } from '#evidence';
import { attribution, type Caller, type PersonActor } from '#identity';
import { Clock, CONFIG, NotFound, Outage, UnitOfWork, type Config } from '#platform';
import { formatProvenStatement, formatStatement, type Json, type SearchCoverage, type SearchStatement } from '#tlog';
import { SearchFindsSomething } from './search-statement-problems.js';
import { SearchCoverages } from './search-statement-coverage.js';
import { StatedSearch } from './search-statement.entity.js';

export interface MadeStatement {
  readonly statement: SearchStatement;
  /** Lowercase hexadecimal, of its canonical JSON. */
  readonly sha256: string;
  readonly throughIndex: string;
}

const MOST_COUNTED = 10_000;

interface Looked {
  readonly log: { readonly origin: string; readonly size: string };
  readonly coverage: readonly SearchCoverage[];
}

/** Statements that there is no recording of something, for whoever asks in vain: on record, and proven to outsiders. */
@Injectable()
export class SearchStatements {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly searches: RecordingSearches,
    private readonly coverages: SearchCoverages,
    private readonly clock: Clock,
  ) {}

  /** @throws SearchFindsSomething */
  async make(search: RecordingSearch, actor: PersonActor, caller: Caller): Promise<MadeStatement> {
    const { log, coverage } = await this.look(search);
    const madeAt = this.clock.now();
    const searchInWords = inWords(search);
    const statement: SearchStatement = {
      format: 'custodiet/search-statement/v1',
      id: uuidv7(),
      agency: this.config.AGENCY_NAME,
      madeAt: madeAt.toISOString(),
      roles: actor.roles,
      log,
      search: search.map(asJson),
      searchInWords,
      coverage,
    };
    const text = formatStatement(statement);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const throughIndex = (BigInt(log.size) - 1n).toString();
    await this.unitOfWork.run(async (tx) => {
      const event = { type: 'search.nothing-found', search: searchInWords, throughIndex, sha256 } as const;
      const entry = await this.custody.append(tx, statement.id, event, attribution(caller));
      await tx.insert(StatedSearch, { id: statement.id, entry, text, madeBy: actor.id, madeAt });
    });
    return { statement, sha256, throughIndex };
  }

  /** The statement, the header of its entry, and the proof under a trusted checkpoint: canonical JSON. @throws NotFound, LogBehind, WitnessesBehind */
  async proven(id: string): Promise<string> {
    const stated = await this.unitOfWork.reader.findOneBy(StatedSearch, { id });
    if (stated === null) throw new NotFound('statement');
    const entry = await this.log.sequenced(stated.entry);
    return formatProvenStatement({
      format: 'custodiet/proven-statement/v1',
      statement: stated.text,
      header: entry.header,
      proof: await this.log.proofOf(entry),
    });
  }

  /**
   * What the search finds, and how much of the log that speaks of, in one snapshot: whatever is sealed by an entry below that size is seen, and what
   * is sealed meanwhile has its entry above it.
   */
  private async look(search: RecordingSearch): Promise<Looked> {
    return this.unitOfWork.run(async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const [log] = await tx.query<{ origin: string; size: string }[]>('SELECT origin, size FROM log_state');
      if (log === undefined) throw new Outage('there is no custody log yet: has the worker started?');
      const found = await this.searches.matching(search, { states: ['sealed'] }, MOST_COUNTED + 1, tx);
      if (found.length > 0) throw new SearchFindsSomething(found.length, MOST_COUNTED);
      const coverage: SearchCoverage[] = [];
      for (const criteria of search) coverage.push(await this.coverages.of(criteria, tx));
      return { log: { origin: log.origin, size: log.size }, coverage };
    });
  }
}

function asJson({ near, ...words }: SearchCriteria): Readonly<Record<string, Json>> {
  const said = Object.entries(words).flatMap(([name, value]): [string, Json][] => (value === undefined ? [] : [[name, value]]));
  return { ...Object.fromEntries(said), ...(near === undefined ? {} : { near: { ...near } }) };
}
