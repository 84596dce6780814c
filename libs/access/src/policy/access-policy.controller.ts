import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Asks } from '#identity';
import type { AccessPolicy } from './access-policy.rules.js';
import { AccessPolicyService } from './access-policy.service.js';

@ApiTags('access')
@Controller('api/access-policy')
export class AccessPolicyController {
  constructor(private readonly policies: AccessPolicyService) {}

  /** As it holds for what is asked for now; requests made before keep the rule they were made under. */
  @Get()
  @Asks('access-policy.read')
  read(): { sha256: string; policy: AccessPolicy } {
    return { sha256: this.policies.sha256, policy: this.policies.policy };
  }
}
