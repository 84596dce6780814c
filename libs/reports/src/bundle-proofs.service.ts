import { Injectable } from '@nestjs/common';
import { CustodyLog, LogHeads, LogTimestamps, type Attribution, type LoggedEntry, type RecordedHeads } from '#custody';
import { bundleEntryLine, bundleHeads, bundleProofLine, timestampPath } from '#tlog';

/** The files of an evidence bundle that prove its story; they cannot be listed in bundle.json, which the log holds the hash of. */
@Injectable()
export class BundleProofs {
  constructor(
    private readonly log: CustodyLog,
    private readonly heads: LogHeads,
    private readonly timestamps: LogTimestamps,
  ) {}

  /** Has the log say where every chain ends. Chains that are read after this hold all that it says. @throws LogBehind, ReleaseRefused */
  async recordHeads(by: Attribution): Promise<RecordedHeads> {
    return this.heads.record(by);
  }

  /**
   * By path: the entries, what proves them and the heads of `subjects` under one checkpoint that covers the entry at `through`, and its timestamps.
   * @throws LogBehind, WitnessesBehind
   */
  async of(args: {
    readonly entries: readonly LoggedEntry[];
    readonly heads: RecordedHeads;
    readonly subjects: readonly string[];
    readonly through: bigint;
  }): Promise<Map<string, Uint8Array>> {
    const { heads, subjects, through } = args;
    const checkpoint = await this.log.checkpointCovering(through);
    const entries = args.entries.toSorted((a, b) => (a.index < b.index ? -1 : 1));
    const indexes = [heads.entry.index, ...entries.map(({ index }) => index)];
    const [ofHeads = [], ...proofs] = await this.log.inclusionProofs(indexes, checkpoint.size);
    const entry = { index: heads.entry.index, header: Buffer.from(heads.entry.header), hashes: ofHeads };
    const texts: readonly (readonly [path: string, text: string])[] = [
      ['entries.jsonl', entries.map((each) => bundleEntryLine({ ...each, header: Buffer.from(each.header) })).join('')],
      ['proofs.jsonl', entries.map(({ index }, i) => bundleProofLine({ index, hashes: proofs[i] ?? [] })).join('')],
      ['heads.jsonl', bundleHeads({ ...heads, entry, size: heads.map.size, subjects })],
      ['checkpoint', checkpoint.note],
    ];
    const timestamps = await this.timestamps.of(checkpoint);
    return new Map([
      ...texts.map(([path, text]) => [path, Buffer.from(text, 'utf8')] as const),
      ...timestamps.map(({ response }, i) => [timestampPath(i + 1), response] as const),
    ]);
  }
}
