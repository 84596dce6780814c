import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Inject, Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { isolation, MediaError, type Isolation, type MediaTools } from '#media';
import { CONFIG, ConfigurationFaulty, type Config } from '#platform';
import { ObjectStore } from '#storage';
import { BatchedWriting } from './batched-writing.js';
import { readBack } from './read-back.js';
import { SpareFiles } from './spare-files.js';
import { WorkRoom } from './work-room.js';

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The worker's scratch folder. Nothing in it matters: it is emptied when the process that made it is gone. */
@Injectable()
export class WorkSpace implements OnModuleInit {
  private readonly root: string;
  private readonly own: string;
  private readonly spares: SpareFiles;
  /** What jobs may use together. */
  readonly room: WorkRoom;
  readonly tools: MediaTools;

  constructor(
    @Inject(CONFIG) config: Config,
    private readonly store: ObjectStore,
  ) {
    this.root = resolve(config.WORK_DIR);
    this.own = join(this.root, `worker-${process.pid}`);
    this.spares = new SpareFiles(this.own);
    // Spare files are quickly made anew; only a job that comes close to the limit is worth it.
    this.room = new WorkRoom(config.WORK_DIR_GIB * 2 ** 30, async () => {
      if (this.room.inUse > this.room.bytes / 2) await this.spares.remove();
    });
    this.tools = {
      ffmpeg: config.FFMPEG_PATH,
      ffprobe: config.FFPROBE_PATH,
      scratch: this.own,
      memoryBytes: config.MEDIA_MEMORY_MIB * 2 ** 20,
      timeLimitSeconds: config.MEDIA_TIME_LIMIT_SECONDS,
      sandbox: config.MEDIA_SANDBOX,
    };
  }

  async onModuleInit(): Promise<void> {
    await mkdir(this.root, { recursive: true });
    for (const name of await readdir(this.root)) {
      const pid = Number(/^worker-(\d+)$/.exec(name)?.[1]);
      if (pid > 0 && (pid === process.pid || !isAlive(pid))) await rm(join(this.root, name), { recursive: true, force: true });
    }
    await mkdir(this.own, { recursive: true, mode: 0o700 });
    const { mode, sentence } = await this.isolation();
    if (mode !== 'bubblewrap') new Logger('VideoTools').warn(sentence);
  }

  /** How the video tools are shut in here. @throws ConfigurationFaulty when bubblewrap is required and cannot be had */
  async isolation(): Promise<Isolation> {
    try {
      return await isolation(this.tools);
    } catch (error) {
      if (error instanceof MediaError) throw new ConfigurationFaulty([error.message]);
      throw error;
    }
  }

  /**
   * Runs `work` with a folder of its own and removes the folder after. Waits until there is room for what it will need.
   *
   * @throws Hopeless when it needs more than the worker may use in all; the signal's reason
   */
  async with<T>(
    work: (folder: string) => Promise<T>,
    { bytes = 0, signal }: { readonly bytes?: number; readonly signal?: AbortSignal } = {},
  ): Promise<T> {
    const giveBack = await this.room.take(bytes, signal);
    try {
      const folder = await mkdtemp(join(this.own, 'job-'));
      try {
        return await work(folder);
      } finally {
        await this.spares.keep(folder);
        await rm(folder, { recursive: true, force: true });
      }
    } finally {
      giveBack();
    }
  }

  /** Copies a stored version to `path`, inside the job's folder, hashing on the way. @returns what was really read */
  async fetch(
    version: { bucket: string; key: string; versionId: string },
    path: string,
    signal: AbortSignal,
  ): Promise<{ sha256: Buffer; size: number }> {
    const file = await this.spares.open(path);
    try {
      const batches = new BatchedWriting(file);
      const read = await readBack(this.store, version, { signal, onChunk: (chunk) => batches.add(chunk) });
      await batches.end();
      await file.truncate(read.size);
      return read;
    } finally {
      await file.close();
    }
  }
}
