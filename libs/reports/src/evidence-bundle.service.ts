import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { CustodyLog, LogBehind, type Attribution, type LoggedEntry } from '#custody';
import { NotSealed } from '#evidence';
import { bundleEntryLine, bundleManifest, bundleProofLine, encodeZip, parseVerifier, verifyBundle } from '#tlog';
import { BundleAttachments } from './bundle-attachments.service.js';
import { bundleReadme } from './bundle-readme.js';
import { CheckedChains } from './checked-chains.service.js';
import { CustodyReports } from './custody-report.service.js';
import { ExportRecord } from './export-record.service.js';
import { LogInconsistent } from './log-inconsistent.js';
import type { Lineage } from './recording-lineage.service.js';

/** Evidence bundles: a ZIP that proves the custody of one recording to people who trust nobody here. Format: libs/tlog/README.md */
@Injectable()
export class EvidenceBundles {
  private readonly logger = new Logger('EvidenceBundles');

  constructor(
    private readonly reports: CustodyReports,
    private readonly chains: CheckedChains,
    private readonly attachments: BundleAttachments,
    private readonly record: ExportRecord,
    private readonly log: CustodyLog,
  ) {}

  /**
   * The bundle, with its export on record, checked as its receiver will check it.
   * @throws NotFound, NotSealed, LogInconsistent (then nothing is handed out), LogBehind
   */
  async export(recordingId: string, by: Attribution): Promise<Buffer> {
    const drawn = await this.reports.draw(recordingId);
    const { recording } = drawn.lineage;
    if (recording.state !== 'sealed') throw new NotSealed(recording.state, recording.reason);
    const related = await this.relatedChains(drawn.lineage);
    const logKey = await this.logKey();

    const files = new Map<string, Uint8Array>([['report.pdf', drawn.pdf], ...(await this.attachments.of(drawn.lineage))]);
    const sha256 = recording.sha256.toString('hex');
    files.set('README.txt', utf8(bundleReadme({ report: drawn.report, sha256, logKey, paths: [...files.keys()] })));
    const bundleJson = bundleManifest({
      log: parseVerifier(logKey).name,
      logKey,
      recording: recordingId,
      subjects: [recordingId, ...related.keys()],
      heads: new Map([...related].map(([subject, { head }]) => [subject, head])),
      createdAt: drawn.report.madeAt.toISOString(),
      files,
    });
    const digest = createHash('sha256').update(bundleJson).digest('hex');
    const exported = await this.record.put(recordingId, { type: 'evidence-bundle.exported', sha256: digest }, by);

    files.set('bundle.json', utf8(bundleJson));
    // The chain is cut at the export: what came between report and export is in it, what came after is not.
    const own = (await this.log.chain(recordingId)).filter((entry) => entry.seq <= exported.seq);
    await this.prove(files, [...own, ...[...related.values()].flatMap(({ chain }) => chain)], exported.index);
    this.verify(recordingId, files, logKey);
    return Buffer.from(encodeZip(files));
  }

  /** The chains of what the recording's story cannot be told without, each as it is now: bundle.json names where they end. */
  private async relatedChains({
    ancestors,
    derived,
    dock,
  }: Lineage): Promise<Map<string, { chain: LoggedEntry[]; head: Buffer }>> {
    // A redaction that was sealed a moment ago may still wait for its place in the log.
    for (const { sealedEntry } of [...ancestors, ...derived]) if (sealedEntry !== null) await this.log.sequenced(sealedEntry);
    const subjects = [...ancestors, ...derived, ...(dock === null ? [] : [dock])].map(({ id }) => id);
    const related = new Map<string, { chain: LoggedEntry[]; head: Buffer }>();
    for (const subject of subjects) {
      await this.log.begun(subject);
      const chain = await this.log.chain(subject);
      const head = chain.at(-1)?.leaf;
      if (head === undefined) throw new LogBehind();
      // Before the export goes on record, and not only when the whole bundle is verified after.
      await this.chains.check(subject, chain);
      related.set(subject, { chain, head });
    }
    return related;
  }

  private async logKey(): Promise<string> {
    const newest = (await this.log.identity())?.vkeys.at(-1);
    if (newest === undefined) throw new LogBehind();
    return newest;
  }

  private async prove(files: Map<string, Uint8Array>, entries: readonly LoggedEntry[], through: bigint): Promise<void> {
    const { note, size } = await this.log.checkpointCovering(through);
    const inOrder = entries.toSorted((a, b) => (a.index < b.index ? -1 : 1));
    const proofs = await this.log.inclusionProofs(
      inOrder.map(({ index }) => index),
      size,
    );
    const lines = inOrder.map((entry) => bundleEntryLine({ ...entry, header: utf8(entry.header) }));
    files.set('entries.jsonl', utf8(lines.join('')));
    files.set('proofs.jsonl', utf8(inOrder.map(({ index }, i) => bundleProofLine({ index, hashes: proofs[i] ?? [] })).join('')));
    files.set('checkpoint', utf8(note));
  }

  private verify(recording: string, files: ReadonlyMap<string, Uint8Array>, logKey: string): void {
    const { ok, checks } = verifyBundle(files, { logKey: parseVerifier(logKey) });
    if (ok) return;
    const failed = checks.find((check) => !check.ok);
    const fault = [failed?.where, failed?.detail].filter((part) => part !== undefined).join(': ');
    this.logger.error({ recording, check: failed?.name, fault }, 'an evidence bundle did not verify and was not handed out');
    throw new LogInconsistent(failed?.name ?? 'bundle', fault);
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
