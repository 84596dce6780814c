import { Inject, Injectable } from '@nestjs/common';
import { Custody } from '#custody';
import { attribution, decide, type Caller, type PersonActor } from '#identity';
import { Clock, CONFIG, isUniqueViolation, Problem, UnitOfWork, type Config, type Tx } from '#platform';
import { deviceAsStated, faultOfHandIn, type FileHandedIn, type Source } from './hand-in.rules.js';
import { receivingRecording } from './receiving-recording.js';
import { Recording } from './recording.entity.js';
import { factsOf } from './recording.loader.js';
import { UploadsService, type UploadStatus } from './uploads.service.js';

/** Others may announce the same files at the same moment; each try finds what they left. */
const ATTEMPTS = 5;

export class HandInRefused extends Problem {
  constructor(detail: string) {
    super(422, 'hand-in-refused', 'The files cannot be accepted', detail);
  }
}

export interface HandIn {
  readonly files: readonly FileHandedIn[];
  readonly source: Source;
  /** Who it came from. */
  readonly from: string;
  readonly note?: string | undefined;
}

/** `recording` is null where the file is held already, in a recording that the person may not know of. */
export type HandInStatus = Omit<UploadStatus, 'recording'> & { readonly recording: string | null };

export interface HandedIn extends UploadStatus {
  readonly recordedAt: string;
  readonly announcedAt: string;
  readonly sealedAt: string | null;
}

type Announced = { readonly file: FileHandedIn; readonly recording: Recording; readonly duplicate: boolean };

/** Files that come without a dock: a person vouches for them, by name. From here on they take the way of every other upload. */
@Injectable()
export class HandInsService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly uploads: UploadsService,
    private readonly clock: Clock,
  ) {}

  /** Idempotent: what the same person announced before and has not finished goes on. @throws HandInRefused */
  async announce(handIn: HandIn, actor: PersonActor, caller: Caller): Promise<HandInStatus[]> {
    const fault = faultOfHandIn(handIn.files, this.config.MAX_FILE_GIB * 2 ** 30);
    if (fault !== undefined) throw new HandInRefused(fault);
    const announced = await this.announceAll(handIn, actor, caller);
    const statuses: HandInStatus[] = [];
    for (const each of announced)
      statuses.push(each.duplicate ? this.duplicate(each, actor) : await this.uploads.status(each.recording));
    return statuses;
  }

  /** The person's own, newest first. */
  async list(person: string, after: string | undefined, limit: number): Promise<{ files: HandedIn[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Recording, 'r')
      .where('r.handed_in_by = :person', { person })
      .orderBy('r.id', 'DESC')
      .limit(limit + 1);
    if (after !== undefined) query.andWhere('r.id < :after', { after });
    const rows = await query.getMany();
    const files: HandedIn[] = [];
    for (const row of rows.slice(0, limit))
      files.push({
        ...(await this.uploads.status(row)),
        recordedAt: row.recordedAt.toISOString(),
        announcedAt: row.announcedAt.toISOString(),
        sealedAt: row.sealedAt?.toISOString() ?? null,
      });
    return { files, next: rows.length > limit ? (files.at(-1)?.recording ?? null) : null };
  }

  private async announceAll(handIn: HandIn, actor: PersonActor, caller: Caller): Promise<Announced[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.unitOfWork.run(async (tx) => {
          const announced = new Map<string, Announced>();
          // Two who announce the same files wait for each other at a file's unique row: all in one order, or they would wait for ever.
          for (const file of handIn.files.toSorted((a, b) => (a.sha256 < b.sha256 ? -1 : 1)))
            announced.set(file.sha256, await this.announceFile(tx, handIn, file, actor, caller));
          return handIn.files.flatMap((file) => announced.get(file.sha256) ?? []);
        });
      } catch (error) {
        if (!isUniqueViolation(error) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  private async announceFile(tx: Tx, handIn: HandIn, file: FileHandedIn, actor: PersonActor, caller: Caller): Promise<Announced> {
    const known = await this.held(tx, file.sha256);
    if (known === null) return { file, recording: await this.register(tx, handIn, file, actor, caller), duplicate: false };
    if (known.handedInBy === actor.id && known.state !== 'sealed') {
      if (known.size !== file.size)
        throw new HandInRefused(`${file.name} was announced before with ${known.size} bytes; a file has one size only.`);
      // A page that was lost, or another browser: it goes on where it was.
      return { file, recording: known, duplicate: false };
    }
    const event = { type: 'access.refused', action: 'upload.hand-in', reason: 'duplicate-recording' } as const;
    await this.custody.append(tx, known.id, event, attribution(caller));
    return { file, recording: known, duplicate: true };
  }

  /** The recording that has this content, of which there is one at most: what was quarantined or given up may come again. */
  private async held(tx: Tx, sha256: string): Promise<Recording | null> {
    return tx
      .createQueryBuilder(Recording, 'r')
      .where("r.sha256 = :digest AND r.state NOT IN ('quarantined', 'expired') AND r.parent_id IS NULL", {
        digest: Buffer.from(sha256, 'hex'),
      })
      .getOne();
  }

  private async register(
    tx: Tx,
    { source, from, note }: HandIn,
    file: FileHandedIn,
    actor: PersonActor,
    caller: Caller,
  ): Promise<Recording> {
    const { name, size, sha256 } = file;
    const recordedAt = new Date(file.recordedAt);
    const recording = receivingRecording(
      {
        manifestId: null,
        dockId: null,
        name,
        size,
        sha256: Buffer.from(sha256, 'hex'),
        origin: 'handed-in',
        handedInBy: actor.id,
        camera: null,
        counter: null,
        officerBadge: null,
        officerId: null,
        recordedAt,
        clockOffsetMs: file.clockOffsetMs ?? 0,
        preEventSeconds: null,
        category: null,
        flagged: false,
        gpsTrack: null,
      },
      this.config,
      this.clock.now(),
    );
    await tx.insert(Recording, recording);
    const event = {
      type: 'recording.handed-in',
      ...{ name, size, source, from, sha256 },
      device: deviceAsStated(file),
      note: note ?? null,
      recordedAt: recordedAt.toISOString(),
    } as const;
    await this.custody.append(tx, recording.id, event, attribution(caller));
    return recording;
  }

  /** An officer does not learn of others' recordings by handing in their files: only that the file is held. */
  private duplicate({ file, recording }: Announced, actor: PersonActor): HandInStatus {
    const may = decide(actor, 'recording.read', factsOf(recording), { now: this.clock.now() }).allowed;
    const told = may || recording.handedInBy === actor.id;
    return {
      recording: told ? recording.id : null,
      name: file.name,
      sha256: file.sha256,
      size: file.size,
      state: 'duplicate',
      partSize: recording.partSize,
      partsReceived: [],
      ...(told ? { duplicateOf: recording.id } : {}),
      reason: told
        ? `This file was received before, as recording ${recording.id}. Nothing was stored twice.`
        : 'This file is held already, as a recording that you may not see. Nothing was stored twice; ask a custodian about it.',
    };
  }
}
