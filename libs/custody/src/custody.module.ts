import { Global, Module } from '@nestjs/common';
import { CustodyLog } from './custody-log.service.js';
import { Custody } from './custody.service.js';

@Global()
@Module({ providers: [Custody, CustodyLog], exports: [Custody, CustodyLog] })
export class CustodyModule {}
