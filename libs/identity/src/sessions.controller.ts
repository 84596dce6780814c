import { Body, Controller, Delete, Get, HttpCode, Inject, Post, Res, UseGuards } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { ThrottlerGuard } from '@nestjs/throttler';
import { z } from 'zod';
import { CONFIG, type Config } from '#platform';
import type { Caller } from './actor.js';
import { SESSION_COOKIE } from './authenticator.js';
import { Asks, By, person } from './authorization.js';
import { viewPerson, type PersonView } from './people.controller.js';
import { SessionsService } from './sessions.service.js';

const SignInBody = z.strictObject({ username: z.string().min(1).max(64), password: z.string().min(1).max(200) });

interface CookieReply {
  setCookie(name: string, value: string, options: Record<string, unknown>): unknown;
  clearCookie(name: string, options: Record<string, unknown>): unknown;
}

@ApiTags('session')
@Controller('api/session')
export class SessionsController {
  private readonly cookie: Record<string, unknown>;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly sessions: SessionsService,
  ) {
    this.cookie = { httpOnly: true, sameSite: 'strict', path: '/', secure: config.PUBLIC_URL.startsWith('https:') };
  }

  @Post()
  @HttpCode(200)
  @UseGuards(ThrottlerGuard)
  @Asks('session.open')
  async open(
    @Body({ schema: SignInBody }) body: z.infer<typeof SignInBody>,
    @By() caller: Caller,
    @Res({ passthrough: true }) reply: CookieReply,
  ): Promise<{ person: PersonView; expiresAt: string }> {
    const { person, token, expiresAt } = await this.sessions.open(body.username, body.password, caller);
    reply.setCookie(SESSION_COOKIE, token, { ...this.cookie, expires: expiresAt });
    return { person: viewPerson(person), expiresAt: expiresAt.toISOString() };
  }

  @Get()
  @Asks('session.read')
  read(@By() caller: Caller): { person: Omit<PersonView, 'username' | 'sameAs'> } {
    const { id, name, badge, roles } = person(caller);
    return { person: { id, name, badge, roles } };
  }

  @Delete()
  @HttpCode(204)
  @Asks('session.close')
  async close(@By() caller: Caller, @Res({ passthrough: true }) reply: CookieReply): Promise<void> {
    await this.sessions.close(person(caller), caller);
    reply.clearCookie(SESSION_COOKIE, this.cookie);
  }
}
