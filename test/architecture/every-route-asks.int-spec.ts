import 'reflect-metadata';
import { Controller, Get, type INestApplication, Module, RequestMethod } from '@nestjs/common';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { Question } from '#identity';
import type { Config } from '#platform';
import { testEnvironment, type TestEnvironment } from '../support/stack.js';

// Loaded after Nest itself: the throttler is CommonJS, and jest cannot let it require an ES module that is still being linked.
const { CustodyModule } = await import('#custody');
const { ACTIONS, IdentityModule, QUESTION } = await import('#identity');
const { JOB_NAMES, loadConfig, PlatformModule, ProblemFilter } = await import('#platform');
const { createApi } = await import('../../apps/api/src/http-server.js');

interface Route {
  readonly name: string;
  readonly verb: string;
  readonly path: string;
  readonly question: Question | undefined;
}

function routesOf(app: INestApplication): Route[] {
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) => [...module.controllers.values()]);
  return controllers.flatMap(({ metatype }) => {
    const prototype = (metatype as { prototype: Record<string, object> }).prototype;
    return Object.getOwnPropertyNames(prototype)
      .filter((method) => method !== 'constructor' && Reflect.hasMetadata('path', prototype[method] ?? {}))
      .map((method) => {
        const handler = prototype[method] ?? {};
        return {
          name: `${(metatype as { name: string }).name}.${method}`,
          verb: RequestMethod[Reflect.getMetadata('method', handler) as number] ?? '',
          path: `/${String(Reflect.getMetadata('path', metatype as object))}/${String(Reflect.getMetadata('path', handler))}`
            .replaceAll(/\/+/g, '/')
            .replace(/\/$/, ''),
          question: Reflect.getMetadata(QUESTION, handler) as Question | undefined,
        };
      });
  });
}

/** "GET /api/people" of everything the HTTP server answers, whoever registered it. */
function served(app: INestApplication): string[] {
  // With common prefixes: without them every route that ends in a wildcard would be printed as "*".
  const lines = (app.getHttpAdapter().getInstance() as { printRoutes(): string }).printRoutes().split('\n');
  const found: string[] = [];
  const parents: string[] = [];
  for (const line of lines) {
    const match = /^([│├└─\s]*)(\S.*?)(?: \(([A-Z, ]+)\))?$/u.exec(line);
    if (match === null) continue;
    const depth = (match[1] ?? '').length / 4;
    parents.length = Math.max(0, depth - 1);
    const path = parents.join('') + (match[2] ?? '');
    parents[depth - 1] = match[2] ?? '';
    for (const verb of (match[3] ?? '').split(', '))
      if (verb !== '' && verb !== 'HEAD' && verb !== 'OPTIONS') found.push(`${verb} ${path.replace(/\/$/, '')}`);
  }
  return found;
}

describe('every route asks decide()', () => {
  let environment: TestEnvironment;
  let config: Config;
  let app: INestApplication;

  beforeAll(async () => {
    environment = await testEnvironment();
    config = loadConfig('api', { ...environment.env });
    app = await createApi(config);
    await app.init();
  });

  afterAll(async () => {
    await app.close();
    await environment.dispose();
  });

  it('finds the routes at all', () => {
    expect(routesOf(app).length).toBeGreaterThan(25);
    expect(served(app)).toEqual(expect.arrayContaining(['POST /api/session', 'GET /log/tile/:level/*']));
  });

  it('has no route without a question, and no question that the rules do not know', () => {
    const faulty = routesOf(app).filter(({ question }) => question === undefined || !ACTIONS.includes(question.action));
    expect(faulty.map(({ name }) => name)).toEqual([]);
  });

  it('serves nothing beside its controllers but the documentation, which asks in a hook of its own', () => {
    const known = new Set(routesOf(app).map(({ verb, path }) => `${verb} ${path}`));
    const others = served(app).filter((route) => !known.has(route));
    expect(others.filter((route) => !/^GET \/api\/(docs|openapi\.json)/.test(route))).toEqual([]);
  });

  it('has an action for every job', () => {
    expect(JOB_NAMES.filter((job) => !ACTIONS.includes(`job.${job}`))).toEqual([]);
  });

  it('refuses a route whose author forgot to ask', async () => {
    @Controller('forgotten')
    class ForgottenController {
      @Get()
      read(): string {
        return 'should never be seen';
      }
    }
    @Module({ imports: [PlatformModule.with(config), CustodyModule, IdentityModule], controllers: [ForgottenController] })
    class ForgetfulModule {}
    const forgetful = await NestFactory.create(ForgetfulModule, new FastifyAdapter(), { logger: false });
    forgetful.useGlobalFilters(new ProblemFilter());
    await forgetful.listen(0, '127.0.0.1');
    try {
      const answer = await fetch(`${await forgetful.getUrl()}/forgotten`);
      expect(answer.status).toBe(403);
      expect(await answer.json()).toMatchObject({ type: 'urn:custodiet:forbidden', reason: 'unknown-action' });
    } finally {
      await forgetful.close();
    }
  });
});
