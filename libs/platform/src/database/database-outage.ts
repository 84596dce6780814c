import { types } from 'node:util';
import { QueryFailedError } from 'typeorm';

/**
 * SQLSTATE classes and codes that say nothing about the statement, only that the server could not serve it now: connection exceptions,
 * too many connections, shutting down, crashed, starting up. PostgreSQL, appendix A.
 */
const OUTAGE_STATE = /^(08...|53300|57P0[123])$/;
const NETWORK_FAULT = /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/;
/** What pg and its pool say, without a code. */
const LOST_CONNECTION =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client has encountered a connection error|Query read timeout|Client was closed)/;

/** True when `error` means that the database cannot be reached or will not serve anybody at the moment: repeating it later is worth it. */
export function isDatabaseOutage(error: unknown): boolean {
  if (error instanceof QueryFailedError) return isDatabaseOutage(error.driverError);
  // Of an address that has several, each failed
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isDatabaseOutage);
  // Not by instanceof: the network's errors are made in another realm where modules run in one of their own
  if (!types.isNativeError(error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return OUTAGE_STATE.test(code) || NETWORK_FAULT.test(code) || LOST_CONNECTION.test(error.message);
}
