import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { system } from '#identity';
import { MediaError, PLAYBACK_RECIPE, readMade, toolVersion, transcodeForPlayback, type PlaybackFile } from '#media';
import { Clock, CONFIG, Hopeless, UnitOfWork, type Config, type JobContext, type JobHandler, type Tx } from '#platform';
import { ObjectStore } from '#storage';
import { canonicalize } from '#tlog';
import { Recording } from './recording.entity.js';
import { Rendition, RenditionFile } from './rendition.entity.js';
import { renditionKey } from './rendition.rules.js';
import { WorkSpace } from './work-space.js';

const BY = system('transcoding');

/** Beside the source: segments that wait to be stored while the encoder goes on, and those that are being tried. */
const OUTPUT_BYTES = 512 * 2 ** 20;
/** The same bytes fail the same way: trying again is for faults of the machine. */
const LASTING = ['unreadable', 'no-video', 'truncated', 'over-limit', 'failed'];

/**
 * Job `transcode`: the playback rendition, under keys made of the source's version and the recipe, so that doing it twice makes the same. Files go
 * to the store while the encoder goes on; that they belong to a rendition is written when all are there and have been checked.
 */
@Injectable()
export class TranscodeProcessor implements JobHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly store: ObjectStore,
    private readonly workSpace: WorkSpace,
    private readonly clock: Clock,
  ) {}

  async run(recordingId: string, { signal, progress }: JobContext): Promise<void> {
    const recording = await this.unitOfWork.reader.findOneByOrFail(Recording, { id: recordingId });
    const { probe, versionId } = recording;
    if (recording.state !== 'sealed' || probe === null || versionId === null) return;
    const rendition = await this.begin(recording);
    if (rendition.state === 'ready') return;
    if (probe.problem !== undefined) throw new Hopeless(probe.problem);
    const work = async (folder: string): Promise<void> => {
      const file = join(folder, 'original');
      const read = await this.workSpace.fetch({ ...recording, versionId }, file, signal);
      // People watch the copy and take it for the original.
      if (!read.sha256.equals(recording.sha256)) throw new Hopeless('The stored original no longer has its SHA-256.');
      const stored = new Map<string, RenditionFile>();
      const take = async (made: PlaybackFile): Promise<void> => {
        stored.set(made.name, await this.put(rendition, versionId, made));
      };
      const made = await this.transcode({ file, probe, outDir: join(folder, 'playback'), take, onProgress: progress, signal });
      const files = made.flatMap(({ name }) => stored.get(name) ?? []);
      await this.finish(rendition, files, await toolVersion(this.workSpace.tools));
    };
    await this.workSpace.with(work, { bytes: recording.size + OUTPUT_BYTES, signal });
  }

  async gaveUp(recordingId: string, error: Error): Promise<void> {
    const problem =
      error instanceof Hopeless || error instanceof MediaError
        ? error.message
        : 'It could not be transcoded; the worker log says why.';
    await this.unitOfWork.run(async (tx) => {
      await this.add(tx, recordingId); // it may have been cancelled before it began
      const rendition = await this.lock(tx, recordingId);
      if (rendition?.state !== 'pending') return;
      await tx.update(Rendition, { id: rendition.id }, { state: 'failed', reason: problem });
      await this.custody.append(tx, recordingId, { type: 'rendition.failed', recipe: rendition.recipe, problem }, BY);
    });
  }

  private async transcode(input: Parameters<typeof transcodeForPlayback>[1]): Promise<PlaybackFile[]> {
    try {
      return await transcodeForPlayback(this.workSpace.tools, input);
    } catch (error) {
      if (error instanceof MediaError && LASTING.includes(error.code)) throw new Hopeless(error.message, { cause: error });
      throw error;
    }
  }

  private async begin(recording: Recording): Promise<Rendition> {
    const made = { recordingId: recording.id, recipe: PLAYBACK_RECIPE };
    return this.unitOfWork.run(async (tx) => {
      await this.add(tx, recording.id);
      // It failed, and somebody had it tried again.
      await tx.update(Rendition, { ...made, state: 'failed' }, { state: 'pending', reason: null });
      return tx.findOneByOrFail(Rendition, made);
    });
  }

  private async add(tx: Tx, recordingId: string): Promise<void> {
    await tx
      .createQueryBuilder()
      .insert()
      .into(Rendition)
      .values({ id: uuidv7(), recordingId, recipe: PLAYBACK_RECIPE, state: 'pending', createdAt: this.clock.now() })
      .orIgnore()
      .execute();
  }

  /** Read once: what is hashed is what is stored. A segment is some megabytes, so memory does not grow with the recording. */
  private async put(rendition: Rendition, versionId: string, made: PlaybackFile): Promise<RenditionFile> {
    const { name, path, contentType } = made;
    const bytes = await readMade(path);
    const key = renditionKey(rendition.recordingId, versionId, rendition.recipe, name);
    const { bucket } = await this.store.put(this.config.S3_RENDITION_BUCKET, key, bytes, contentType);
    const round = (ms: number | undefined): number | null => (ms === undefined ? null : Math.round(ms));
    const place = { startMs: round(made.startMs), durationMs: round(made.durationMs) };
    const sha256 = createHash('sha256').update(bytes).digest();
    return { renditionId: rendition.id, name, bucket, key, contentType, size: bytes.length, sha256, ...place };
  }

  private async finish(rendition: Rendition, files: RenditionFile[], tool: string): Promise<void> {
    const listing = canonicalize(files.map(({ name, size, sha256 }) => ({ name, size, sha256: sha256.toString('hex') })));
    await this.unitOfWork.run(async (tx) => {
      const current = await this.lock(tx, rendition.recordingId);
      if (current?.state !== 'pending') return;
      await tx.insert(RenditionFile, files);
      await tx.update(Rendition, { id: rendition.id }, { state: 'ready', readyAt: this.clock.now() });
      await this.custody.append(
        tx,
        rendition.recordingId,
        {
          type: 'rendition.published',
          rendition: rendition.id,
          recipe: rendition.recipe,
          files: files.length,
          tool,
          sha256: createHash('sha256').update(listing).digest('hex'),
        },
        BY,
      );
    });
  }

  private async lock(tx: Tx, recordingId: string): Promise<Rendition | null> {
    return tx.findOne(Rendition, { where: { recordingId, recipe: PLAYBACK_RECIPE }, lock: { mode: 'pessimistic_write' } });
  }
}
