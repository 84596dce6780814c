import { STATUS_CODES } from 'node:http';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { isDatabaseOutage } from './database/database-outage.js';
import { Outage, Problem, Unavailable } from './problem.js';

/** The little of Fastify's reply that an error needs. */
export interface ProblemReply {
  sent: boolean;
  status(code: number): ProblemReply;
  header(name: string, value: string): ProblemReply;
  send(body: string): unknown;
}

interface ClientFault {
  statusCode: number;
  message: string;
}

/** Faults that Fastify raises itself before a controller is reached: oversized or malformed bodies. */
function isClientFault(error: unknown): error is ClientFault {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return error instanceof Error && typeof status === 'number' && status >= 400 && status < 500;
}

function kebab(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z]+/g, '-');
}

function fromStatus(status: number, detail: string, members: Readonly<Record<string, unknown>> = {}): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return new Problem(status, kebab(title), title, detail, members);
}

/** Seconds. Not the same for all, or all would come back at once. */
function comeBackAfter(): number {
  return 3 + Math.floor(Math.random() * 5);
}

/** What a failed health check says of each dependency: whoever asks wants to know which one is down. */
function healthOf(error: HttpException): Readonly<Record<string, unknown>> {
  const response = error.getResponse();
  return typeof response === 'object' && 'details' in response ? { dependencies: response.details } : {};
}

/** Turns whatever was thrown into one problem document; internals stay in the log under an incident id. RFC 9457. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger('Problem');

  catch(error: unknown, host: ArgumentsHost): void {
    this.answer(error, host.switchToHttp().getResponse<ProblemReply>());
  }

  /** For what fails before Nest has a route to filter. */
  answer(error: unknown, reply: ProblemReply): void {
    if (reply.sent) {
      this.logger.error({ err: error }, 'failed after the answer had begun');
      return;
    }
    const problem = this.toProblem(error);
    const retryAfter = problem.members['retryAfter'];
    if (typeof retryAfter === 'number') reply.header('Retry-After', String(retryAfter));
    reply
      .status(problem.status)
      .header('Content-Type', 'application/problem+json; charset=utf-8')
      .header('Cache-Control', 'no-store')
      .send(
        JSON.stringify({
          type: `urn:custodiet:${problem.code}`,
          title: problem.title,
          status: problem.status,
          detail: problem.detail,
          ...problem.members,
        }),
      );
  }

  private toProblem(error: unknown): Problem {
    if (error instanceof Problem) return error;
    if (error instanceof HttpException) return fromStatus(error.getStatus(), error.message, healthOf(error));
    if (isClientFault(error)) return fromStatus(error.statusCode, error.message);
    if (error instanceof Outage || isDatabaseOutage(error)) {
      this.logger.warn({ err: error }, 'a service that this one depends on does not answer');
      return new Unavailable('The service cannot do this at the moment. Nothing is lost; try again shortly.', comeBackAfter());
    }
    const incident = uuidv7();
    this.logger.error({ err: error, incident }, 'unexpected failure');
    return new Problem(
      500,
      'internal',
      'Something went wrong on our side',
      `Nothing was changed unless you were told so. Give incident ${incident} to the administrator.`,
      {
        incident,
      },
    );
  }
}
