import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type Config } from '#platform';
import type { Actor, Caller } from './actor.js';
import { Forbidden, NotSignedIn, type Incoming } from './authorization.js';
import { DocksService } from './docks.service.js';
import { RecipientSessions } from './recipient-sessions.service.js';
import { ServiceTokensService } from './service-tokens.service.js';
import { SessionsService } from './sessions.service.js';

export const SESSION_COOKIE = 'custodiet_session';
/** Sent below /api/disclosed only. */
export const RECIPIENT_COOKIE = 'custodiet_recipient';
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);

function single(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

/** Finds out who a request comes from. New ways to sign in are added here and change nothing behind it. */
@Injectable()
export class Authenticator {
  private readonly ownOrigin: string;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly sessions: SessionsService,
    private readonly tokens: ServiceTokensService,
    private readonly docks: DocksService,
    private readonly recipients: RecipientSessions,
  ) {
    this.ownOrigin = new URL(config.PUBLIC_URL).origin;
  }

  /** @throws NotSignedIn when a credential is given but not good: a bad credential is never treated as none. */
  async identify(request: Incoming): Promise<Caller> {
    const caller = { address: request.ip, userAgent: single(request.headers['user-agent']).slice(0, 300) };
    return { ...caller, actor: await this.actor(request) };
  }

  private async actor(request: Incoming): Promise<Actor> {
    const [scheme = '', credential = ''] = single(request.headers['authorization']).split(' ', 2);
    if (scheme.toLowerCase() === 'bearer') {
      const actor = credential.includes('.')
        ? await this.docks.authenticate(credential)
        : await this.tokens.authenticate(credential);
      if (actor === undefined) throw new NotSignedIn('The token is unknown, expired or revoked.');
      return actor;
    }
    const actor = await this.withCookie(request.cookies ?? {});
    if (actor === undefined) return { kind: 'anonymous' };
    if (!SAFE_METHODS.has(request.method) && this.isCrossSite(request)) throw new Forbidden('role');
    return actor;
  }

  /** Where a recipient's cookie is sent at all, they are who acts, though somebody else be signed in here too. */
  private async withCookie(cookies: NonNullable<Incoming['cookies']>): Promise<Actor | undefined> {
    const [recipient, cookie] = [cookies[RECIPIENT_COOKIE], cookies[SESSION_COOKIE]];
    const actor = recipient === undefined ? undefined : await this.recipients.authenticate(recipient);
    return actor ?? (cookie === undefined ? undefined : this.sessions.authenticate(cookie));
  }

  /** A browser says where a request comes from; another site's page must not act with our cookie. OWASP CSRF, Fetch Metadata */
  private isCrossSite(request: Incoming): boolean {
    const site = single(request.headers['sec-fetch-site']);
    if (site !== '') return site !== 'same-origin' && site !== 'none';
    const origin = single(request.headers['origin']);
    return origin !== '' && origin !== this.ownOrigin;
  }
}
