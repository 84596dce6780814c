import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Inject, Injectable } from '@nestjs/common';
import { DisclosureCopies, DisclosurePackaging, type DisclosureWithItems } from '#access';
import { CustodyLog, LogBehind } from '#custody';
import { PackageStore, RecordingsService, WorkSpace } from '#evidence';
import { system } from '#identity';
import { Clock, CONFIG, Hopeless, type Config, type JobContext, type JobHandler } from '#platform';
import {
  decodeZip,
  formatPackageManifest,
  PACKAGE_FILES,
  parseVerifier,
  type PackagedRecording,
  type PackageManifest,
} from '#tlog';
import { packageReadme } from './disclosure-package-readme.js';
import { writePackage, type PackageMember } from './disclosure-package.js';
import { EvidenceBundles } from './evidence-bundle.service.js';

const BY = system('disclosures');
/** Bundles, reports and the verifier, beside the footage. */
const SPARE_BYTES = 256 * 2 ** 20;
const VERIFIER = 'custodiet-verify.mjs';

interface Packed {
  readonly members: PackageMember[];
  readonly files: Map<string, { size: number; sha256: string }>;
  readonly recordings: PackagedRecording[];
}

/**
 * Job `disclose`: copies, bundles, reports and the verifier in one file, with a manifest that the log holds. A worker that dies begins it again;
 * whichever comes to its end first is the package, and another one is nobody's.
 */
@Injectable()
export class DisclosureProcessor implements JobHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly packaging: DisclosurePackaging,
    private readonly copies: DisclosureCopies,
    private readonly bundles: EvidenceBundles,
    private readonly recordings: RecordingsService,
    private readonly log: CustodyLog,
    private readonly workSpace: WorkSpace,
    private readonly packages: PackageStore,
    private readonly clock: Clock,
  ) {}

  async run(id: string, context: JobContext): Promise<void> {
    const work = await this.packaging.begin(id);
    if (work === undefined) return;
    const bytes = SPARE_BYTES + (await this.copies.room(work));
    await this.workSpace.with((folder) => this.make(work, folder, context), { bytes, signal: context.signal });
  }

  async gaveUp(id: string, error: Error): Promise<void> {
    await this.packaging.fail(
      id,
      error instanceof Hopeless ? error.message : 'The package could not be made; the worker log says why.',
    );
  }

  private async make(work: DisclosureWithItems, folder: string, { signal, progress }: JobContext): Promise<void> {
    const { id } = work.disclosure;
    const packed = await this.pack(work, folder, signal, progress);
    const manifest = Buffer.from(await this.manifest(work, packed), 'utf8');
    const manifestSha256 = createHash('sha256').update(manifest).digest();
    // What is put into the store stays there: not for somebody who has meanwhile had it taken back.
    if (!(await this.packaging.isWanted(id))) return;
    const proof = await this.packaging.listed(id, packed.files.size, manifestSha256);
    const proving: PackageMember[] = [
      { path: PACKAGE_FILES.manifest, from: manifest },
      { path: PACKAGE_FILES.proof, from: Buffer.from(proof, 'utf8') },
    ];
    const path = join(folder, 'package.zip');
    const { sha256, size } = await writePackage(path, [...proving, ...packed.members], signal);
    progress(95);
    const { bucket, key, versionId } = await this.packages.put(id, path, sha256, signal);
    await this.packaging.finish(id, { bucket, key, versionId, size, files: packed.files.size, sha256, manifestSha256 });
  }

  private async pack(
    work: DisclosureWithItems,
    folder: string,
    signal: AbortSignal,
    progress: (percent: number) => void,
  ): Promise<Packed> {
    const packed: Packed = { members: [], files: new Map(), recordings: [] };
    const media: PackageMember[] = [];
    for (const [i, item] of work.items.entries()) {
      const done = (percent: number): void => progress(Math.floor((80 * (i + percent / 100)) / work.items.length));
      const recording = await this.recordings.get(item.recordingId);
      const file = join(folder, `copy-${i}`);
      const copy = await this.copies.make(work, item, file, { signal, onProgress: done });
      const bundle = await this.bundles.export(item.recordingId, BY);
      const report = decodeZip(bundle).get('report.pdf');
      if (report === undefined) throw new Error('an evidence bundle has no report');
      // Nothing of what people or cameras called it: a name could lead out of the folder, or read backwards.
      const paths = {
        media: `media/${item.recordingId}.${copy.extension}`,
        bundle: `bundles/${item.recordingId}.zip`,
        report: `reports/${item.recordingId}.pdf`,
      };
      packed.files.set(paths.media, { size: copy.size, sha256: copy.sha256.toString('hex') });
      media.push({ path: paths.media, from: { file, size: copy.size } });
      await this.add(packed, paths.bundle, bundle, join(folder, `bundle-${i}`));
      await this.add(packed, paths.report, Buffer.from(report), join(folder, `report-${i}`));
      const sha256 = recording.sha256.toString('hex');
      packed.recordings.push({
        ...{ recording: item.recordingId, name: recording.name.toWellFormed(), sha256, ...paths },
        ...{ fromMs: item.fromMs, toMs: item.toMs },
      });
      done(100);
    }
    await this.add(packed, VERIFIER, await verifierProgram(), join(folder, VERIFIER));
    const readme = packageReadme(await this.head(work, packed));
    await this.add(packed, 'README.txt', Buffer.from(readme, 'utf8'), join(folder, 'README.txt'));
    packed.members.sort((a, b) => (a.path < b.path ? -1 : 1));
    packed.members.push(...media);
    return packed;
  }

  /** On disk until it is packed: of a hundred recordings the bundles alone are more than a worker's memory. */
  private async add({ members, files }: Packed, path: string, bytes: Buffer, file: string): Promise<void> {
    await writeFile(file, bytes);
    members.push({ path, from: { file, size: bytes.length } });
    files.set(path, { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  }

  private async manifest(work: DisclosureWithItems, packed: Packed): Promise<string> {
    return formatPackageManifest({ ...(await this.head(work, packed)), files: packed.files });
  }

  private async head({ disclosure }: DisclosureWithItems, { recordings }: Packed): Promise<Omit<PackageManifest, 'files'>> {
    const logKey = (await this.log.signingKeys()).at(-1);
    if (logKey === undefined) throw new LogBehind();
    const { id, recipient: name, organisation, kind, legalBasis, conditions, until, form } = disclosure;
    return {
      ...{ disclosure: id, log: parseVerifier(logKey).name, logKey, agency: this.config.AGENCY_NAME },
      ...{ createdAt: this.clock.now().toISOString(), recipient: { name, organisation, kind } },
      ...{ legalBasis, conditions, until: until.toISOString(), form, recordings },
    };
  }
}

/** Beside the folders of the build. */
async function verifierProgram(): Promise<Buffer> {
  return readFile(fileURLToPath(new URL(`../../../${VERIFIER}`, import.meta.url)));
}
