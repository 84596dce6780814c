import { Body, Controller, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { ROLES, type Caller } from './actor.js';
import { Asks, By, person } from './authorization.js';
import { ServiceTokensService } from './service-tokens.service.js';

const NewTokenBody = z.strictObject({
  name: z.string().trim().min(1).max(100),
  roles: z.array(z.enum(ROLES)).min(1),
  days: z.number().int().min(1).max(366).default(90),
});

@ApiTags('service tokens')
@Controller('api/service-tokens')
export class ServiceTokensController {
  constructor(private readonly tokens: ServiceTokensService) {}

  @Post()
  @Asks('service-token.issue')
  async issue(
    @Body({ schema: NewTokenBody }) body: z.infer<typeof NewTokenBody>,
    @By() caller: Caller,
  ): Promise<{ id: string; name: string; secret: string; expiresAt: string }> {
    const { token, secret } = await this.tokens.issue(body.name, body.roles, body.days, person(caller), caller);
    return { id: token.id, name: token.name, secret, expiresAt: token.expiresAt.toISOString() };
  }
}
