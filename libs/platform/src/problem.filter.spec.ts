import { BadRequestException, Logger, NotFoundException, ServiceUnavailableException, type ArgumentsHost } from '@nestjs/common';
import { ProblemFilter } from './problem.filter.js';
import { InvalidRequest, Outage, Problem, Unavailable } from './problem.js';

interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What the filter answers to `thrown`; undefined when it sends nothing. */
function answerTo(thrown: unknown, begun = false): Sent | undefined {
  let status = 0;
  let sent: Sent | undefined;
  const headers: Record<string, string> = {};
  const reply = {
    sent: begun,
    status: (code: number) => ((status = code), reply),
    header: (name: string, value: string) => ((headers[name] = value), reply),
    send: (body: string) => (sent = { status, headers, body: JSON.parse(body) as Sent['body'] }),
  };
  new ProblemFilter().catch(thrown, { switchToHttp: () => ({ getResponse: () => reply }) } as unknown as ArgumentsHost);
  return sent;
}

describe('the answer to an error', () => {
  beforeAll(() => {
    Logger.overrideLogger(false);
  });

  it('is the problem itself, with its members, and is not to be cached', () => {
    expect(answerTo(new Problem(409, 'recording-on-hold', 'On hold', 'It is on hold.', { holds: 2 }))).toEqual({
      status: 409,
      headers: { 'Content-Type': 'application/problem+json; charset=utf-8', 'Cache-Control': 'no-store' },
      body: { type: 'urn:custodiet:recording-on-hold', title: 'On hold', status: 409, detail: 'It is on hold.', holds: 2 },
    });
  });

  it('names every field of a request that is not valid', () => {
    const errors = [
      { path: 'until', message: 'is not a time' },
      { path: 'purpose', message: 'is missing' },
    ];
    expect(answerTo(new InvalidRequest(errors))).toMatchObject({
      status: 400,
      body: { type: 'urn:custodiet:invalid-request', errors, detail: 'until: is not a time; purpose: is missing' },
    });
  });

  it('says of a failed health check which dependency is down', () => {
    const details = { database: { status: 'up' }, 'object store': { status: 'down' } };
    expect(answerTo(new ServiceUnavailableException({ status: 'error', info: {}, error: {}, details }))).toMatchObject({
      status: 503,
      body: { type: 'urn:custodiet:service-unavailable', dependencies: details },
    });
  });

  it('is to come back when something that it depends on does not answer, without a word of what it is', () => {
    for (const outage of [
      new Outage('The object store did not answer while storing secret-key'),
      Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' }),
    ]) {
      const answer = answerTo(outage);
      expect(answer).toMatchObject({ status: 503, body: { type: 'urn:custodiet:unavailable' } });
      expect(Number(answer?.headers['Retry-After'])).toBeGreaterThan(0);
      expect(JSON.stringify(answer)).not.toMatch(/secret-key|10\.0\.0\.1/);
    }
  });

  it('says when to come back, in the header too', () => {
    expect(answerTo(new Unavailable('The store does not answer.', 5))).toMatchObject({
      status: 503,
      headers: { 'Retry-After': '5' },
      body: { retryAfter: 5 },
    });
  });

  it("gives the framework's own refusals the same form", () => {
    expect(answerTo(new NotFoundException('Cannot GET /x'))).toMatchObject({
      status: 404,
      body: { type: 'urn:custodiet:not-found', title: 'Not Found' },
    });
    expect(answerTo(new BadRequestException('Bad'))).toMatchObject({ status: 400, body: { type: 'urn:custodiet:bad-request' } });
    const tooLarge = Object.assign(new Error('Request body is too large'), { statusCode: 413 });
    expect(answerTo(tooLarge)).toMatchObject({ status: 413, body: { status: 413, detail: 'Request body is too large' } });
  });

  it.each([
    ['an error', new Error('relation "people" does not exist at /srv/app.js')],
    ['an error that claims to be a server fault', Object.assign(new Error('secret'), { statusCode: 500 })],
    ['an object that only looks like a client fault', { statusCode: 404, message: 'secret' }],
    ['text', 'secret'],
    ['nothing', undefined],
    ['null', null],
  ])('tells nothing of the inside when %s was thrown, only an incident to ask about', (_, thrown) => {
    const answer = answerTo(thrown);
    const incident = answer?.body['incident'];
    expect(incident).toMatch(/^[0-9a-f-]{36}$/);
    expect(answer).toMatchObject({ status: 500, body: { type: 'urn:custodiet:internal', status: 500 } });
    expect(answer?.body['detail']).toContain(incident);
    expect(JSON.stringify(answer)).not.toMatch(/secret|people|srv/);
  });

  it('is not sent once another answer has begun', () => {
    expect(answerTo(new Error('too late'), true)).toBeUndefined();
  });
});
