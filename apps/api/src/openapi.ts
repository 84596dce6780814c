import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { decide, SESSION_COOKIE } from '#identity';
import { Clock } from '#platform';

const PAGE = 'api/docs';
const DOCUMENT = 'api/openapi.json';

interface Hooks {
  addHook(
    name: 'onRequest',
    hook: (request: { url: string }, reply: { status(code: number): { send(): unknown } }, done: () => void) => void,
  ): unknown;
}

/** `/api/openapi.json` for machines, `/api/docs` for people. These routes are not a controller's, so they ask `decide` in a hook. */
export function documentApi(app: INestApplication, fastify: Hooks): void {
  const clock = app.get(Clock);
  fastify.addHook('onRequest', (request, reply, done) => {
    const documentation = request.url.startsWith(`/${PAGE}`) || request.url.startsWith(`/${DOCUMENT}`);
    const asked = (): boolean =>
      decide({ kind: 'anonymous' }, 'documentation.read', { kind: 'none' }, { now: clock.now() }).allowed;
    if (documentation && !asked()) reply.status(403).send();
    else done();
  });
  const description = new DocumentBuilder()
    .setTitle('Custodiet')
    .setDescription(
      'Body-camera evidence from the docking station to the courtroom. Every error is an RFC 9457 problem document.',
    )
    .setVersion('0.1.0')
    .addCookieAuth(SESSION_COOKIE)
    .addBearerAuth()
    .build();
  SwaggerModule.setup(PAGE, app, () => SwaggerModule.createDocument(app, description), { jsonDocumentUrl: DOCUMENT });
}
