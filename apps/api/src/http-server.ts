import fastifyCookie from '@fastify/cookie';
import { Logger, StandardSchemaValidationPipe, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { createPino, InvalidRequest, PinoLogger, ProblemFilter, type Config, type ProblemReply } from '#platform';
import { ApiModule } from './api.module.js';
import { documentApi } from './openapi.js';
import { StorableInput } from './storable-input.pipe.js';
import { passOver } from './unread-body.js';

const LARGEST_JSON = 2 ** 20;

interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

function toFieldError(issue: SchemaIssue): { path: string; message: string } {
  const path = (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.');
  return { path: path === '' ? 'body' : path, message: issue.message };
}

/** The API as it runs in production, not yet listening. */
export async function createApi(config: Config): Promise<INestApplication> {
  const pino = createPino(config, 'api');
  const problems = new ProblemFilter();
  const adapter = new FastifyAdapter({
    loggerInstance: pino,
    disableRequestLogging: config.LOG_LEVEL !== 'debug' && config.LOG_LEVEL !== 'trace',
    trustProxy: config.TRUST_PROXY,
    bodyLimit: LARGEST_JSON,
    routerOptions: { maxParamLength: 200 },
    // Idle keep-alive connections must not hold up a shutdown.
    forceCloseConnections: 'idle',
    // An address that cannot be decoded fails before there is a route, and so outside Nest's filters.
    frameworkErrors: (error: unknown, _request: unknown, reply: unknown) => problems.answer(error, reply as ProblemReply),
  });
  const app = await NestFactory.create<NestFastifyApplication>(ApiModule.with(config), adapter, {
    logger: new PinoLogger(pino),
    abortOnError: false,
  });
  const fastify = adapter.getInstance();
  // A body of bytes is left unread: whoever asked for it reads it from the raw request, once the sender is known and there is room for it
  // (libs/evidence). To every other route it is no body.
  fastify.addContentTypeParser('application/octet-stream', (_request, _body, done) => {
    done(null, undefined);
  });
  fastify.addHook('onResponse', (request, _reply, done) => {
    passOver(request.raw);
    done();
  });
  await app.register(fastifyCookie);
  app.useGlobalPipes(
    new StorableInput(),
    new StandardSchemaValidationPipe({
      exceptionFactory: (issues: readonly SchemaIssue[]) => new InvalidRequest(issues.map(toFieldError)),
    }),
  );
  app.useGlobalFilters(problems);
  app.enableShutdownHooks();
  documentApi(app, fastify);
  return app;
}

export async function listen(app: INestApplication, config: Config): Promise<void> {
  await app.listen(config.PORT, config.HOST);
  new Logger('Api').log(`listening at ${await app.getUrl()}`);
}
