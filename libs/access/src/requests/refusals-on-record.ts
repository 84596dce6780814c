import { Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { attribution, Forbidden, type Action, type Caller, type Refusal } from '#identity';
import { UnitOfWork } from '#platform';

/** Thrown inside a transaction, which it undoes: what the guard could not know to refuse. `subject` is whose record it goes on. */
export class Refused extends Error {
  constructor(readonly refusals: readonly { readonly subject: string; readonly reason: Refusal }[]) {
    super('refused');
  }
}

/** What is refused behind the guard goes on record as the guard's refusals do. */
@Injectable()
export class RefusalsOnRecord {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
  ) {}

  /** Does `work`; a refusal in it is written in a transaction of its own, because it has undone the one it came up in. @throws Forbidden */
  async of<T>(action: Action, caller: Caller, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const entries = error.refusals.map(({ subject, reason }) => {
        return { subject, event: { type: 'access.refused', action, reason } as const };
      });
      await this.unitOfWork.run((tx) => this.custody.appendAll(tx, entries, attribution(caller)));
      throw new Forbidden(error.refusals[0]?.reason ?? 'role');
    }
  }
}
