import { QueryFailedError } from 'typeorm';
import { isDatabaseOutage } from './database-outage.js';

function coded(code: string, message = 'x'): Error {
  return Object.assign(new Error(message), { code });
}

describe('an outage of the database', () => {
  it.each([
    ['refused connections', coded('ECONNREFUSED')],
    ['a cut connection', new Error('Connection terminated unexpectedly')],
    ['a pool without a connection', new Error('timeout exceeded when trying to connect')],
    ['a server that is shut down', new QueryFailedError('SELECT 1', [], coded('57P01'))],
    ['a server that is starting', coded('57P03')],
    ['a server with too many clients', coded('53300')],
    ['a query whose connection failed', new QueryFailedError('SELECT 1', [], coded('08006'))],
    ['a name with two addresses, both refusing', new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')])],
  ])('is %s', (_, error) => {
    expect(isDatabaseOutage(error)).toBe(true);
  });

  it.each([
    ['a violated constraint', new QueryFailedError('INSERT', [], coded('23505'))],
    ['a missing permission', new QueryFailedError('DELETE', [], coded('42501'))],
    ['a full disk', coded('ENOSPC')],
    ['a fault of ours', new TypeError('Connection is not a function')],
    ['no error at all', 'ECONNREFUSED'],
    ['an aggregate of nothing', new AggregateError([])],
  ])('is not %s', (_, error) => {
    expect(isDatabaseOutage(error)).toBe(false);
  });
});
