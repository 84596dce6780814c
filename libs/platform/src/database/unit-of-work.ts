import { Injectable } from '@nestjs/common';
import { InjectDataSource } from '@nestjs/typeorm';
import { DataSource, QueryFailedError, type EntityManager } from 'typeorm';

/** The open transaction. Passed explicitly: whoever has no `tx` is not inside one. */
export type Tx = EntityManager;

const DEADLOCK = '40P01';
const SERIALIZATION_FAILURE = '40001';
const UNIQUE_VIOLATION = '23505';
const ATTEMPTS = 5;

function sqlState(error: unknown): string | undefined {
  return error instanceof QueryFailedError ? (error.driverError as { code?: string }).code : undefined;
}

/** True when `error` says that a unique index (named, if given) already holds the value. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (sqlState(error) !== UNIQUE_VIOLATION) return false;
  return (
    constraint === undefined || ((error as QueryFailedError).driverError as { constraint?: string }).constraint === constraint
  );
}

/** One transaction: state, custody entry and outbox commit together or not at all. Deadlocks are retried from the start. */
@Injectable()
export class UnitOfWork {
  constructor(@InjectDataSource() private readonly dataSource: DataSource) {}

  async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.dataSource.transaction(work);
      } catch (error) {
        const state = sqlState(error);
        if ((state !== DEADLOCK && state !== SERIALIZATION_FAILURE) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Reads outside a transaction. */
  get reader(): Tx {
    return this.dataSource.manager;
  }
}
