import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Inject, Injectable } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { system } from '#identity';
import { MediaError, PLAYBACK_RECIPE, toolVersion, transcodeForPlayback, type PlaybackFile } from '#media';
import { Clock, CONFIG, Hopeless, UnitOfWork, type Config, type JobContext, type JobHandler, type Tx } from '#platform';
import { ObjectStore } from '#storage';
import { canonicalize } from '#tlog';
import { Recording } from './recording.entity.js';
import { Rendition, RenditionFile } from './rendition.entity.js';
import { WorkSpace } from './work-space.js';

const BY = system('transcoding');

/** Job `transcode`: HLS with a poster under a key made of recording and recipe, so that doing it twice makes the same. */
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
    if (rendition.state !== 'pending') return;
    await this.workSpace.with(async (folder) => {
      const file = join(folder, 'original');
      await this.workSpace.fetch({ ...recording, versionId }, file, signal);
      const made = await this.transcode({ file, probe, outDir: folder, onProgress: progress, signal });
      const files = await this.publish(rendition, made);
      await this.finish(rendition, files, await toolVersion(this.workSpace.tools));
    });
  }

  async gaveUp(recordingId: string, error: Error): Promise<void> {
    const problem =
      error instanceof Hopeless || error instanceof MediaError
        ? error.message
        : 'It could not be transcoded; the worker log says why.';
    await this.unitOfWork.run(async (tx) => {
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
      // The same bytes fail the same way: trying again is for faults of the machine.
      if (error instanceof MediaError && ['unreadable', 'no-video', 'truncated', 'failed'].includes(error.code))
        throw new Hopeless(error.message);
      throw error;
    }
  }

  private async begin(recording: Recording): Promise<Rendition> {
    return this.unitOfWork.run(async (tx) => {
      await tx
        .createQueryBuilder()
        .insert()
        .into(Rendition)
        .values({
          id: uuidv7(),
          recordingId: recording.id,
          recipe: PLAYBACK_RECIPE,
          state: 'pending',
          createdAt: this.clock.now(),
        })
        .orIgnore()
        .execute();
      return tx.findOneByOrFail(Rendition, { recordingId: recording.id, recipe: PLAYBACK_RECIPE });
    });
  }

  private async publish(rendition: Rendition, made: readonly PlaybackFile[]): Promise<RenditionFile[]> {
    const files: RenditionFile[] = [];
    let startMs = 0;
    for (const { name, path, contentType, durationMs } of made) {
      const key = `renditions/${rendition.recordingId}/${rendition.recipe}/${name}`;
      const sha256 = createHash('sha256')
        .update(await readFile(path))
        .digest();
      const { bucket } = await this.store.putFile(this.config.S3_RENDITION_BUCKET, key, path, contentType);
      const { size } = await stat(path);
      const place =
        durationMs === undefined
          ? { startMs: null, durationMs: null }
          : { startMs: Math.round(startMs), durationMs: Math.round(durationMs) };
      files.push({ renditionId: rendition.id, name, bucket, key, contentType, size, sha256, ...place });
      startMs += durationMs ?? 0;
    }
    return files;
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
