import { Injectable } from '@nestjs/common';
import { Custody, CustodyLog, type LoggedEntry } from '#custody';
import { system } from '#identity';
import { Clock, NotFound, UnitOfWork } from '#platform';
import { formatDisclosureProof } from '#tlog';
import { DisclosureNotNow } from './disclosure-problems.js';
import { Disclosure } from './disclosure.entity.js';
import { step } from './disclosure.rules.js';
import { DisclosuresService, type DisclosureWithItems } from './disclosures.service.js';

const BY = system('disclosures');

/** A package as it lies in the store. */
export interface MadePackage {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  /** Bytes. */
  readonly size: number;
  readonly files: number;
  readonly sha256: Buffer;
  readonly manifestSha256: Buffer;
}

/** The making of packages, as far as it changes what is known of a disclosure; libs/reports makes them. */
@Injectable()
export class DisclosurePackaging {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly disclosures: DisclosuresService,
    private readonly clock: Clock,
  ) {}

  /** What is to be packed; undefined when there is nothing to do: it is made already, taken back, or its time is over. */
  async begin(id: string): Promise<DisclosureWithItems | undefined> {
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      if (step(disclosure.state, 'package') === undefined || disclosure.until <= this.clock.now()) return undefined;
      return { disclosure: await this.disclosures.take(tx, disclosure, 'package', { problem: null }), items };
    });
  }

  /** Whether it is still wanted: what is put into the store stays there. */
  async isWanted(id: string): Promise<boolean> {
    return (await this.disclosures.get(id)).disclosure.state === 'packaging';
  }

  /** A copy was made that names the recipient. On record before the recording's bundle, so that the bundle vouches for the copy. */
  async marked(
    { disclosure, items }: DisclosureWithItems,
    recordingId: string,
    made: { readonly recipe: string; readonly tool: string; readonly sha256: Buffer },
  ): Promise<void> {
    const { fromMs = null, toMs = null } = items.find((item) => item.recordingId === recordingId) ?? {};
    const { recipe, tool, sha256 } = made;
    const event = { disclosure: disclosure.id, recipe, tool, fromMs, toMs, sha256: sha256.toString('hex') } as const;
    const entry = await this.unitOfWork.run((tx) =>
      this.custody.append(tx, recordingId, { type: 'disclosure.marked', ...event }, BY),
    );
    await this.log.sequenced(entry);
  }

  /** What goes into the package is settled. @returns proof that the log holds the manifest, to go into the package. @throws LogBehind, WitnessesBehind */
  async listed(id: string, files: number, manifestSha256: Buffer): Promise<string> {
    const sha256 = manifestSha256.toString('hex');
    const entry = await this.unitOfWork.run((tx) =>
      this.custody.append(tx, id, { type: 'disclosure.listed', disclosure: id, files, sha256 }, BY),
    );
    return this.proofOf('manifest', id, await this.log.sequenced(entry));
  }

  /** @returns false when it was made already, taken back, or is over: then nobody gets it */
  async finish(id: string, { sha256, ...made }: MadePackage): Promise<boolean> {
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      if (step(disclosure.state, 'finish') === undefined) return false;
      const { size, files } = made;
      const event = { type: 'disclosure.packaged', disclosure: id, size, files, sha256: sha256.toString('hex') } as const;
      const packagedEntry = await this.custody.append(tx, id, event, BY);
      await this.disclosures.record(tx, items, event, BY);
      await this.disclosures.take(tx, disclosure, 'finish', { ...made, sha256, packagedEntry, packagedAt: this.clock.now() });
      return true;
    });
  }

  /** @param problem a sentence for people */
  async fail(id: string, problem: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      if (step(disclosure.state, 'fail') === undefined) return;
      await this.disclosures.take(tx, disclosure, 'fail', { problem });
      await this.disclosures.record(tx, items, { type: 'disclosure.failed', disclosure: id, problem }, BY);
    });
  }

  /** package.proof.json: that the log holds the SHA-256 of the whole package, which cannot stand in it. @throws DisclosureNotNow, LogBehind, WitnessesBehind */
  async proof(id: string): Promise<string> {
    const disclosure = await this.unitOfWork.reader.findOneBy(Disclosure, { id });
    if (disclosure === null) throw new NotFound('disclosure');
    if (disclosure.packagedEntry === null) throw new DisclosureNotNow(disclosure.state);
    return this.proofOf('package', id, await this.log.sequenced(disclosure.packagedEntry));
  }

  private async proofOf(of: 'package' | 'manifest', disclosure: string, entry: LoggedEntry): Promise<string> {
    const proof = await this.log.proofOf(entry);
    const { sha256 } = JSON.parse(entry.header) as { sha256: string };
    return formatDisclosureProof({ of, disclosure, sha256, header: entry.header, proof });
  }
}
