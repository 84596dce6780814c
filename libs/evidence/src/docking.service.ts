import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody, CustodyLog, type Attribution } from '#custody';
import { DocksService, PeopleService } from '#identity';
import { Clock, CONFIG, isUniqueViolation, NotFound, Outbox, UnitOfWork, type Config, type Tx } from '#platform';
import { ObjectStore } from '#storage';
import { formatReceipt, noteVerifier, openManifest, TlogError, type Manifest, type ManifestFile } from '#tlog';
import {
  DuplicateRecording,
  ManifestAltered,
  ManifestRefused,
  NotReceiving,
  NotSealed,
  PartConflict,
  PartRefused,
  PartsMissing,
} from './evidence-problems.js';
import { StoredManifest } from './manifest.entity.js';
import { Recording, type RecordingState } from './recording.entity.js';
import { UploadPart } from './upload-part.entity.js';
import { expectedPartSize, missingParts, partSizeFor, sha256OfContentDigest } from './upload-parts.rules.js';

/** What a dock is told about one of its files. */
export interface UploadStatus {
  readonly recording: string;
  readonly name: string;
  readonly sha256: string;
  readonly size: number;
  readonly state: RecordingState | 'duplicate';
  readonly partSize: number;
  readonly partsReceived: readonly number[];
  readonly duplicateOf?: string;
  readonly reason?: string;
}

type Announced = { readonly recording: Recording; readonly duplicate: boolean };

function sha256(bytes: string | Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}

/** The service's side of the docking protocol: manifest, parts, completion, receipt. Any replica takes any part. DESIGN.md §4 */
@Injectable()
export class DockingService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly store: ObjectStore,
    private readonly docks: DocksService,
    private readonly people: PeopleService,
    private readonly outbox: Outbox,
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
    if (announced.every((file) => file.duplicate)) throw new DuplicateRecording(announced.map((file) => file.recording.id));
    return { manifest: manifest.id, files: await Promise.all(announced.map((file) => this.status(file))) };
  }

  async uploadStatus(recordingId: string): Promise<UploadStatus> {
    return this.status({ recording: await this.get(recordingId), duplicate: false });
  }

  /** Idempotent for equal bytes. @throws PartRefused (on record), PartConflict, NotReceiving */
  async receivePart(recordingId: string, part: number, body: Buffer, contentDigest: string, by: Attribution): Promise<void> {
    const recording = await this.get(recordingId);
    const digest = sha256OfContentDigest(contentDigest);
    if (digest === undefined)
      throw new PartRefused('digest-missing', 'Send Content-Digest with the SHA-256 of the part (RFC 9530).');
    const expected = expectedPartSize(recording.size, recording.partSize, part);
    if (expected === undefined)
      await this.refusePart(recording, part, by, new PartRefused('no-such-part', `The file has no part ${part}.`));
    if (body.length !== expected)
      await this.refusePart(
        recording,
        part,
        by,
        new PartRefused('part-size', `Part ${part} has ${body.length} bytes instead of ${expected}.`),
      );
    if (!sha256(body).equals(digest))
      await this.refusePart(
        recording,
        part,
        by,
        new PartRefused('digest-mismatch', `Part ${part} did not arrive as it was sent. Send it again.`),
      );

    const known = await this.unitOfWork.reader.findOneBy(UploadPart, { recordingId, part });
    if (known !== null) {
      if (!known.sha256.equals(digest)) throw new PartConflict(part);
      return;
    }
    if (recording.state !== 'receiving') throw new NotReceiving(recording.state);
    const at = { bucket: recording.bucket, key: recording.key, uploadId: await this.uploadIdOf(recording) };
    const { etag } = await this.store.putPart(at, part, body, digest.toString('hex'));
    await this.unitOfWork.reader
      .createQueryBuilder()
      .insert()
      .into(UploadPart)
      .values({ recordingId, part, sha256: digest, size: body.length, etag })
      .orIgnore()
      .execute();
  }

  /** From here on the worker seals. Idempotent. @throws PartsMissing */
  async complete(recordingId: string): Promise<UploadStatus> {
    await this.unitOfWork.run(async (tx) => {
      const recording = await tx.findOneOrFail(Recording, { where: { id: recordingId }, lock: { mode: 'pessimistic_write' } });
      if (recording.state !== 'receiving') return;
      const parts = await tx.findBy(UploadPart, { recordingId });
      const missing = missingParts(
        recording.size,
        recording.partSize,
        parts.map((row) => row.part),
      );
      if (missing.length > 0) throw new PartsMissing(missing);
      await tx.update(Recording, { id: recordingId }, { state: 'sealing', receivedAt: this.clock.now() });
      await this.outbox.add(tx, 'seal', recordingId);
    });
    return this.uploadStatus(recordingId);
  }

  /** The receipt's exact text. @throws NotSealed */
  async receipt(recordingId: string): Promise<string> {
    const recording = await this.get(recordingId);
    if (recording.state !== 'sealed' || recording.sealedEntry === null) throw new NotSealed(recording.state, recording.reason);
    const entry = await this.log.sequenced(recording.sealedEntry);
    return formatReceipt({
      format: 'custodiet/receipt/v1',
      recording: recording.id,
      sha256: recording.sha256.toString('hex'),
      header: entry.header,
      proof: await this.log.proofOf(entry),
    });
  }

  private async openManifest(note: string, dockId: string, by: Attribution): Promise<Manifest> {
    const dock = await this.docks.get(dockId);
    if (dock === null) throw new NotFound('dock');
    const refuse = async (problem: string): Promise<never> => {
      await this.unitOfWork.run((tx) =>
        this.custody.append(tx, dockId, { type: 'manifest.refused', problem, sha256: sha256(note).toString('hex') }, by),
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
      await tx
        .createQueryBuilder()
        .insert()
        .into(StoredManifest)
        .values({ id: manifest.id, dockId: manifest.dock, note, receivedAt: this.clock.now() })
        .orIgnore()
        .execute();
      const stored = await tx.findOneByOrFail(StoredManifest, { id: manifest.id });
      if (stored.note !== note) throw new ManifestAltered();
      const announced: Announced[] = [];
      for (const file of manifest.files) announced.push(await this.announceFile(tx, manifest, file, by));
      return announced;
    });
  }

  private async announceFile(tx: Tx, manifest: Manifest, file: ManifestFile, by: Attribution): Promise<Announced> {
    const digest = Buffer.from(file.sha256, 'hex');
    // In this manifest's own turn first: what it announced and was quarantined is not announced anew by sending it again.
    const own = await tx.findOneBy(Recording, { manifestId: manifest.id, sha256: digest });
    if (own !== null) return { recording: own, duplicate: false };
    const [known] = await tx
      .createQueryBuilder(Recording, 'r')
      .where("r.sha256 = :digest AND r.state <> 'quarantined' AND r.parent_id IS NULL", { digest })
      .getMany();
    if (known !== undefined) {
      // The same dock, still uploading it: it lost its place and goes on.
      if (known.dockId === manifest.dock && known.state !== 'sealed') return { recording: known, duplicate: false };
      const event = {
        type: 'upload.duplicate-refused',
        manifest: manifest.id,
        dock: manifest.dock,
        name: file.name,
        sha256: file.sha256,
      } as const;
      await this.custody.append(tx, known.id, event, by);
      return { recording: known, duplicate: true };
    }
    return { recording: await this.register(tx, manifest, file, by), duplicate: false };
  }

  private async register(tx: Tx, manifest: Manifest, file: ManifestFile, by: Attribution): Promise<Recording> {
    const id = uuidv7();
    const officer = file.officer === undefined ? null : await this.people.findByBadge(file.officer);
    const recording: Recording = {
      id,
      manifestId: manifest.id,
      dockId: manifest.dock,
      parentId: null,
      name: file.name,
      size: file.size,
      sha256: Buffer.from(file.sha256, 'hex'),
      origin: 'dock',
      handedInBy: null,
      camera: file.camera,
      counter: file.counter ?? null,
      officerBadge: file.officer ?? null,
      officerId: officer?.id ?? null,
      recordedAt: new Date(file.recordedAt),
      clockOffsetMs: file.clockOffsetMs,
      preEventSeconds: file.preEventSeconds ?? null,
      category: file.category ?? null,
      flagged: file.flagged ?? false,
      gpsTrack: file.gpsTrack ?? null,
      state: 'receiving',
      reason: null,
      bucket: this.config.S3_EVIDENCE_BUCKET,
      key: originalKey(id),
      uploadId: null,
      versionId: null,
      partSize: partSizeFor(file.size, this.config.PART_SIZE_MIB),
      probe: null,
      announcedAt: this.clock.now(),
      receivedAt: null,
      sealedAt: null,
      sealedEntry: null,
      fixityDueAt: null,
      fixityCheckedAt: null,
      fixityFailedAt: null,
    };
    await tx.insert(Recording, recording);
    const { sha256: digest, officer: badge, gpsTrack, ...said } = file;
    await this.custody.append(
      tx,
      id,
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

  private async uploadIdOf(recording: Recording): Promise<string> {
    if (recording.uploadId !== null) return recording.uploadId;
    const begun = await this.store.beginMultipart(recording.bucket, recording.key, 'application/octet-stream');
    await this.unitOfWork.reader.query('UPDATE recordings SET upload_id = $2 WHERE id = $1 AND upload_id IS NULL', [
      recording.id,
      begun,
    ]);
    const { uploadId } = await this.get(recording.id);
    // Several parts may arrive first at once: one upload wins, the others are given up.
    if (uploadId !== begun) await this.store.abortMultipart({ bucket: recording.bucket, key: recording.key, uploadId: begun });
    return uploadId ?? begun;
  }

  private async refusePart(recording: Recording, part: number, by: Attribution, refusal: PartRefused): Promise<never> {
    await this.unitOfWork.run((tx) =>
      this.custody.append(tx, recording.id, { type: 'upload.part-refused', part, problem: refusal.detail }, by),
    );
    throw refusal;
  }

  private async status({ recording, duplicate }: Announced): Promise<UploadStatus> {
    const parts =
      recording.state === 'receiving' && !duplicate
        ? await this.unitOfWork.reader.find(UploadPart, { where: { recordingId: recording.id }, order: { part: 'ASC' } })
        : [];
    return {
      recording: recording.id,
      name: recording.name,
      sha256: recording.sha256.toString('hex'),
      size: recording.size,
      state: duplicate ? 'duplicate' : recording.state,
      partSize: recording.partSize,
      partsReceived: parts.map((row) => row.part),
      ...(duplicate ? { duplicateOf: recording.id } : {}),
      ...(recording.reason === null ? {} : { reason: recording.reason }),
    };
  }

  private async get(id: string): Promise<Recording> {
    const recording = await this.unitOfWork.reader.findOneBy(Recording, { id });
    if (recording === null) throw new NotFound('recording');
    return recording;
  }
}

/** Unguessable and final: parts go straight to where the original will stay. */
export function originalKey(recordingId: string): string {
  return `originals/${recordingId}/${randomBytes(16).toString('hex')}`;
}
