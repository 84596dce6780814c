import { Controller, Get, Header, Query } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { CustodyLog } from '#custody';
import { Asks } from '#identity';
import { NotFound } from '#platform';
import { formatProof } from '#tlog';

export const ProofQuery = z.strictObject({
  index: z
    .string()
    .regex(/^(0|[1-9]\d{0,17})$/, 'is not the index of an entry: decimal, without leading zeroes')
    .transform(BigInt),
});

/** Proofs for whoever holds an entry, or only its hash, and does not want to read tiles. */
@ApiTags('log')
@Controller('log')
export class LogProofController {
  constructor(private readonly log: CustodyLog) {}

  /**
   * That the entry with that index is in the log: its inclusion proof under the newest checkpoint, signed, and cosigned if there is a witness policy.
   * Says nothing of what is in the entry. C2SP tlog-proof
   */
  @Get('proof')
  @Header('Content-Type', 'text/plain; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=5')
  @ApiProduces('text/plain')
  @Asks('log.read')
  async proof(@Query({ schema: ProofQuery }) { index }: z.infer<typeof ProofQuery>): Promise<string> {
    const checkpoint = await this.log.newestTrusted(index);
    if (checkpoint === undefined) throw new NotFound('entry under the newest checkpoint');
    const [hashes = []] = await this.log.inclusionProofs([index], checkpoint.size);
    return formatProof({ index, hashes, checkpoint: checkpoint.note });
  }
}
