import { Global, Module } from '@nestjs/common';
import { CONFIG } from '#platform';
import { CustodyLog } from './custody-log.service.js';
import { Custody } from './custody.service.js';
import { Erasure } from './erasure.service.js';
import { LogHeads } from './heads.service.js';
import { LogTimestamps } from './timestamps.service.js';
import { readPolicyFile, WITNESS_POLICY } from './witness-policy-file.js';

@Global()
@Module({
  providers: [
    Custody,
    CustodyLog,
    LogHeads,
    LogTimestamps,
    Erasure,
    { provide: WITNESS_POLICY, inject: [CONFIG], useFactory: readPolicyFile },
  ],
  exports: [Custody, CustodyLog, LogHeads, LogTimestamps, Erasure, WITNESS_POLICY],
})
export class CustodyModule {}
