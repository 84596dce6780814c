import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { Not } from 'typeorm';
import { Custody, type Attribution } from '#custody';
import { DocksService } from '#identity';
import { Clock, CONFIG, isUniqueViolation, NotFound, UnitOfWork, type Config, type Tx } from '#platform';
import { noteVerifier, openManifest, TlogError, type Manifest, type ManifestFile } from '#tlog';
import { DuplicateRecording, ManifestAltered, ManifestRefused } from './evidence-problems.js';
import { StoredManifest } from './manifest.entity.js';
import { receivingRecording } from './receiving-recording.js';
import { RecordingOfficers } from './recording-officers.service.js';
import { Recording } from './recording.entity.js';
import { UploadPrecedence } from './upload-precedence.service.js';
import { UploadsService, type UploadStatus } from './uploads.service.js';

type Announced = { readonly recording: Recording; readonly duplicate: boolean };

/** The beginning of docking: a signed manifest becomes recordings that are waited for. DESIGN.md §4 */
@Injectable()
export class ManifestsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly uploads: UploadsService,
    private readonly precedence: UploadPrecedence,
    private readonly docks: DocksService,
    private readonly officers: RecordingOfficers,
    private readonly clock: Clock,
  ) {}

  /** Idempotent: the same note again tells how far the upload is. @throws ManifestRefused, ManifestAltered, DuplicateRecording (every file is here already) */
  async announce(note: string, dockId: string, by: Attribution): Promise<{ manifest: string; files: UploadStatus[] }> {
    const manifest = await this.openManifest(note, dockId, by);
    const announced = await this.announceOnce(manifest, note, by).catch((error: unknown) => {
      // Another dock announced the same file at the same moment; now its row is there to be found.
      if (isUniqueViolation(error)) return this.announceOnce(manifest, note, by);
      throw error;
    });
    if (announced.every((file) => file.duplicate)) {
      throw new DuplicateRecording(
        announced.map(({ recording: { id, state, dockId: by } }) => ({ id, state, yours: by === dockId })),
      );
    }
    return { manifest: manifest.id, files: await Promise.all(announced.map((file) => this.answer(file, dockId))) };
  }

  /** A dock learns how far the holder is: only what is sealed is safe, and until then the dock must keep asking. */
  private async answer({ recording, duplicate }: Announced, dockId: string): Promise<UploadStatus> {
    const status = await this.uploads.status(recording, duplicate);
    return duplicate ? { ...status, heldAs: recording.state, yours: recording.dockId === dockId } : status;
  }

  private async openManifest(note: string, dockId: string, by: Attribution): Promise<Manifest> {
    const dock = await this.docks.get(dockId);
    if (dock === null) throw new NotFound('dock');
    const refuse = async (problem: string): Promise<never> => {
      await this.unitOfWork.run((tx) =>
        this.custody.append(
          tx,
          dockId,
          { type: 'manifest.refused', problem, sha256: createHash('sha256').update(note).digest('hex') },
          by,
        ),
      );
      throw new ManifestRefused(problem);
    };
    try {
      const manifest = openManifest(note, noteVerifier(`dock/${dockId}`, dock.publicKey));
      const problem = this.problemWith(manifest);
      return problem === undefined ? manifest : await refuse(problem);
    } catch (error) {
      if (error instanceof TlogError) return refuse(error.message);
      throw error;
    }
  }

  private problemWith(manifest: Manifest): string | undefined {
    const limit = this.config.MAX_FILE_GIB * 2 ** 30;
    const large = manifest.files.find((file) => file.size > limit);
    if (large !== undefined) return `${large.name} has ${large.size} bytes; at most ${limit} are accepted.`;
    if (new Set(manifest.files.map((file) => file.sha256)).size < manifest.files.length)
      return 'The manifest lists the same file twice.';
    return undefined;
  }

  private async announceOnce(manifest: Manifest, note: string, by: Attribution): Promise<Announced[]> {
    return this.unitOfWork.run(async (tx) => {
      const isNew = await this.keepNote(tx, manifest, note);
      const announced = new Map<string, Announced>();
      // In the order of their hashes: two docks that announce the same files in different orders must not wait for each other.
      for (const file of manifest.files.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)))
        announced.set(file.sha256, await this.announceFile(tx, manifest, file, isNew, by));
      return manifest.files.flatMap(({ sha256 }) => announced.get(sha256) ?? []);
    });
  }

  /** @returns whether it was not here before. @throws ManifestAltered */
  private async keepNote(tx: Tx, manifest: Manifest, note: string): Promise<boolean> {
    const before = await tx.findOneBy(StoredManifest, { id: manifest.id });
    if (before === null) {
      await tx.insert(StoredManifest, { id: manifest.id, dockId: manifest.dock, note, receivedAt: this.clock.now() });
      return true;
    }
    if (before.note !== note) throw new ManifestAltered();
    return false;
  }

  private async announceFile(
    tx: Tx,
    manifest: Manifest,
    file: ManifestFile,
    isNew: boolean,
    by: Attribution,
  ): Promise<Announced> {
    const digest = Buffer.from(file.sha256, 'hex');
    // In this manifest's own turn first: what it announced and was quarantined is not announced anew by sending it again. What was given
    // up is: nothing is wrong with it.
    const own = await tx.findOneBy(Recording, { manifestId: manifest.id, sha256: digest, state: Not('expired') });
    if (own !== null) return { recording: own, duplicate: false };
    const [known] = await tx
      .createQueryBuilder(Recording, 'r')
      .where("r.sha256 = :digest AND r.state NOT IN ('quarantined', 'expired') AND r.parent_id IS NULL", { digest })
      .getMany();
    if (known !== undefined && !(await this.precedence.makeWay(tx, known, manifest, by))) {
      // The same dock, still uploading it: it lost its place and goes on.
      if (known.dockId === manifest.dock && known.state !== 'sealed') return { recording: known, duplicate: false };
      const { name, sha256 } = file;
      // Once for each manifest: a dock that waits for the holder's end asks again and again.
      if (isNew) {
        const event = { type: 'upload.duplicate-refused', manifest: manifest.id, dock: manifest.dock, name, sha256 } as const;
        await this.custody.append(tx, known.id, event, by);
      }
      return { recording: known, duplicate: true };
    }
    return { recording: await this.register(tx, manifest, file, by), duplicate: false };
  }

  private async register(tx: Tx, manifest: Manifest, file: ManifestFile, by: Attribution): Promise<Recording> {
    const made = { camera: file.camera, recordedAt: new Date(file.recordedAt), clockOffsetMs: file.clockOffsetMs };
    const officer = await this.officers.of(tx, { ...made, badge: file.officer ?? null });
    const recording = receivingRecording(
      {
        manifestId: manifest.id,
        dockId: manifest.dock,
        name: file.name,
        size: file.size,
        sha256: Buffer.from(file.sha256, 'hex'),
        origin: 'dock',
        handedInBy: null,
        ...made,
        counter: file.counter ?? null,
        officerBadge: file.officer ?? null,
        officerId: officer?.id ?? null,
        preEventSeconds: file.preEventSeconds ?? null,
        category: file.category ?? null,
        flagged: file.flagged ?? false,
        gpsTrack: file.gpsTrack ?? null,
      },
      this.config,
      this.clock.now(),
    );
    await tx.insert(Recording, recording);
    const { sha256: digest, officer: badge, gpsTrack, ...said } = file;
    await this.custody.append(
      tx,
      recording.id,
      {
        type: 'recording.announced',
        manifest: manifest.id,
        dock: manifest.dock,
        ...said,
        officer: badge ?? null,
        ...(gpsTrack === undefined ? {} : { gpsPoints: gpsTrack.length }),
        sha256: digest,
      },
      by,
    );
    return recording;
  }
}
