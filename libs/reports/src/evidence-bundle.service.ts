import { createHash } from 'node:crypto';
import { Injectable, Logger } from '@nestjs/common';
import { CustodyLog, LogBehind, type Attribution, type LoggedEntry } from '#custody';
import { NotSealed } from '#evidence';
import { system } from '#identity';
import { Problem } from '#platform';
import { bundleManifest, encodeZip, parseVerifier, verifyBundle } from '#tlog';
import { BundleAttachments } from './bundle-attachments.service.js';
import { BundleProofs } from './bundle-proofs.service.js';
import { bundleReadme } from './bundle-readme.js';
import { CheckedChains } from './checked-chains.service.js';
import { CustodyReports } from './custody-report.service.js';
import { ExportRecord } from './export-record.service.js';
import { LogInconsistent } from './log-inconsistent.js';
import type { Lineage } from './recording-lineage.service.js';

export class ErasedMeanwhile extends Problem {
  constructor() {
    super(
      503,
      'erased-meanwhile',
      'Something was erased meanwhile',
      'Nothing was handed out: particulars of this recording were erased while the bundle was being made. Ask for it again.',
      { retryAfter: 1 },
    );
  }
}

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
    private readonly proofs: BundleProofs,
  ) {}

  /**
   * The bundle, with its export on record, checked as its receiver will check it.
   * @throws NotFound, NotSealed, LogInconsistent, LogBehind, WitnessesBehind, ReleaseRefused, ErasedMeanwhile: then nothing is handed out
   */
  async export(recordingId: string, by: Attribution): Promise<Buffer> {
    const drawn = await this.reports.draw(recordingId);
    const { recording } = drawn.lineage;
    if (recording.state !== 'sealed') throw new NotSealed(recording.state, recording.reason);
    const relatedSubjects = await this.relatedSubjects(drawn.lineage);
    // Before the chains are read, so that every entry that the log vouches for is among them.
    const heads = await this.proofs.recordHeads(system('evidence-bundles'));
    const related = await this.relatedChains(relatedSubjects);
    const { logKey, alsoSignedBy } = await this.logKeys();

    const files = new Map<string, Uint8Array>([['report.pdf', drawn.pdf], ...(await this.attachments.of(drawn.lineage))]);
    const sha256 = recording.sha256.toString('hex');
    files.set('README.txt', utf8(bundleReadme({ report: drawn.report, sha256, logKey, paths: [...files.keys()] })));
    const subjects = [recordingId, ...related.keys()];
    const bundleJson = bundleManifest({
      log: parseVerifier(logKey).name,
      logKey,
      ...(alsoSignedBy.length === 0 ? {} : { alsoSignedBy }),
      recording: recordingId,
      subjects,
      heads: new Map([...related].map(([subject, { head }]) => [subject, head])),
      headsEntry: heads.entry.leaf,
      createdAt: drawn.report.madeAt.toISOString(),
      files,
    });
    const digest = createHash('sha256').update(bundleJson).digest('hex');
    const exported = await this.record.put(recordingId, { type: 'evidence-bundle.exported', sha256: digest }, by);

    files.set('bundle.json', utf8(bundleJson));
    // The chain is cut at the export: what came between report and export is in it, what came after is not.
    const whole = await this.log.chain(recordingId);
    const own = whole.filter((entry) => entry.seq <= exported.seq);
    // What was erased a moment ago would be missing without the entry that says so.
    if (whole.slice(own.length).some(({ type }) => type === 'payload.erased')) throw new ErasedMeanwhile();
    const entries = [...own, ...[...related.values()].flatMap(({ chain }) => chain)];
    const proving = await this.proofs.of({ entries, heads, subjects, through: exported.index });
    for (const [path, bytes] of proving) files.set(path, bytes);
    this.verify(recordingId, files, logKey);
    return Buffer.from(encodeZip(files));
  }

  /** What the recording's story cannot be told without; each has an entry in the log when this returns. */
  private async relatedSubjects({ ancestors, derived, dock }: Lineage): Promise<string[]> {
    // A redaction that was sealed a moment ago may still wait for its place in the log.
    for (const { sealedEntry } of [...ancestors, ...derived]) if (sealedEntry !== null) await this.log.sequenced(sealedEntry);
    const subjects = [...ancestors, ...derived, ...(dock === null ? [] : [dock])].map(({ id }) => id);
    for (const subject of subjects) await this.log.begun(subject);
    return subjects;
  }

  /** Their chains, each as it is now: bundle.json names where they end. */
  private async relatedChains(subjects: readonly string[]): Promise<Map<string, { chain: LoggedEntry[]; head: Buffer }>> {
    const related = new Map<string, { chain: LoggedEntry[]; head: Buffer }>();
    for (const subject of subjects) {
      const chain = await this.log.chain(subject);
      const head = chain.at(-1)?.leaf;
      if (head === undefined) throw new LogBehind();
      // Before the export goes on record, and not only when the whole bundle is verified after.
      await this.chains.check(subject, chain);
      related.set(subject, { chain, head });
    }
    return related;
  }

  private async logKeys(): Promise<{ logKey: string; alsoSignedBy: readonly string[] }> {
    const keys = await this.log.signingKeys();
    const logKey = keys.at(-1);
    if (logKey === undefined) throw new LogBehind();
    return { logKey, alsoSignedBy: keys.slice(0, -1) };
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
