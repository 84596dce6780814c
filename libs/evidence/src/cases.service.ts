import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody, type Attribution } from '#custody';
import { attribution, type Caller, type PersonActor } from '#identity';
import { Clock, CONFIG, isUniqueViolation, NotFound, UnitOfWork, type Config, type Tx } from '#platform';
import { CaseNumberFaulty, CaseNumberTaken, CaseStateDiffers } from './case-problems.js';
import { fitsCaseNumber } from './case-number.js';
import { Case, type Sensitivity } from './case.entity.js';

export interface CaseFilter {
  /** With what the number or the title begins. */
  readonly search?: string | undefined;
  readonly state?: 'open' | 'closed' | undefined;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** The human being who is told: of no case that names them as its subject. Null for a service. */
  readonly reader: string | null;
}

/** SQL: whether the human being in `parameter` is named as the subject of the case `c`, under whatever account. */
export function isNamedSubject(parameter: string): string {
  return `EXISTS (SELECT FROM case_people cp JOIN people a ON a.id = cp.person_id
    WHERE cp.case_id = c.id AND cp.part = 'subject' AND coalesce(a.same_as, a.id) = ${parameter})`;
}

export interface CaseChange {
  readonly title?: string | undefined;
  readonly sensitivity?: Sensitivity | undefined;
  readonly reason: string;
}

/** Cases as such. Who and what is in them: case-contents.service.ts */
@Injectable()
export class CasesService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** @throws CaseNumberFaulty, CaseNumberTaken */
  async open(
    asked: { readonly number: string; readonly title: string; readonly sensitivity: Sensitivity },
    actor: PersonActor,
    caller: Caller,
  ): Promise<Case> {
    const { number, title, sensitivity } = asked;
    if (!fitsCaseNumber(number, this.config.CASE_NUMBER_PATTERN))
      throw new CaseNumberFaulty(number, this.config.CASE_NUMBER_PATTERN);
    const opened = { id: uuidv7(), number, title, sensitivity, openedBy: actor.id, openedAt: this.clock.now(), closedAt: null };
    try {
      await this.unitOfWork.run(async (tx) => {
        await tx.insert(Case, opened);
        await this.custody.append(tx, opened.id, { type: 'case.opened', number, title, sensitivity }, attribution(caller));
      });
    } catch (error) {
      if (isUniqueViolation(error, 'cases_number_once')) throw new CaseNumberTaken(number);
      throw error;
    }
    return opened;
  }

  /** @throws NotFound */
  async get(id: string, on: Tx = this.unitOfWork.reader): Promise<Case> {
    const found = await on.findOneBy(Case, { id });
    if (found === null) throw new NotFound('case');
    return found;
  }

  /** Newest first. */
  async list({ search, state, after, limit, reader }: CaseFilter): Promise<{ cases: Case[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Case, 'c')
      .orderBy('c.id', 'DESC')
      .limit(limit + 1);
    if (search !== undefined)
      query.andWhere('(lower(c.number) LIKE lower(:begins) OR lower(c.title) LIKE lower(:begins))', {
        begins: `${search.replaceAll(/[\\%_]/g, '\\$&')}%`,
      });
    if (state !== undefined) query.andWhere(state === 'open' ? 'c.closed_at IS NULL' : 'c.closed_at IS NOT NULL');
    if (after !== undefined) query.andWhere('c.id < :after', { after });
    if (reader !== null) query.andWhere(`NOT ${isNamedSubject(':reader')}`, { reader });
    const rows = await query.getMany();
    const cases = rows.slice(0, limit);
    return { cases, next: rows.length > limit ? (cases.at(-1)?.id ?? null) : null };
  }

  /** Nothing to change is no change, and no entry. @throws NotFound, CaseStateDiffers */
  async change(id: string, { title, sensitivity, reason }: CaseChange, caller: Caller): Promise<Case> {
    return this.unitOfWork.run(async (tx) => {
      const was = await this.lockOpen(tx, id);
      const now = { ...was, title: title ?? was.title, sensitivity: sensitivity ?? was.sensitivity };
      if (now.title === was.title && now.sensitivity === was.sensitivity) return was;
      await tx.update(Case, { id }, { title: now.title, sensitivity: now.sensitivity });
      await this.custody.append(
        tx,
        id,
        {
          type: 'case.changed',
          number: was.number,
          title: now.title,
          sensitivity: now.sensitivity,
          was: { title: was.title, sensitivity: was.sensitivity },
          reason,
        },
        attribution(caller),
      );
      return now;
    });
  }

  /** From then on its sensitivity counts no more. @throws NotFound, CaseStateDiffers */
  async close(id: string, reason: string, caller: Caller): Promise<Case> {
    return this.turn(id, 'closed', reason, attribution(caller));
  }

  /** @throws NotFound, CaseStateDiffers */
  async reopen(id: string, reason: string, caller: Caller): Promise<Case> {
    return this.turn(id, 'open', reason, attribution(caller));
  }

  private async turn(id: string, to: 'open' | 'closed', reason: string, by: Attribution): Promise<Case> {
    return this.unitOfWork.run(async (tx) => {
      const was = await this.lock(tx, id);
      if ((was.closedAt === null ? 'open' : 'closed') === to) throw new CaseStateDiffers(was.number, to);
      const closedAt = to === 'closed' ? this.clock.now() : null;
      await tx.update(Case, { id }, { closedAt });
      const { number, title } = was;
      const type = to === 'closed' ? 'case.closed' : 'case.reopened';
      await this.custody.append(tx, id, { type, number, title, reason }, by);
      return { ...was, closedAt };
    });
  }

  /** Whoever changes a case, or what is in it, does so one after the other. @throws NotFound, CaseStateDiffers */
  async lockOpen(tx: Tx, id: string): Promise<Case> {
    const locked = await this.lock(tx, id);
    if (locked.closedAt !== null) throw new CaseStateDiffers(locked.number, 'closed');
    return locked;
  }

  private async lock(tx: Tx, id: string): Promise<Case> {
    const found = await tx.findOne(Case, { where: { id }, lock: { mode: 'pessimistic_write' } });
    if (found === null) throw new NotFound('case');
    return found;
  }
}
