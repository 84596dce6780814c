import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData, type MessagePort } from 'node:worker_threads';
import { Logger } from '@nestjs/common';
import { LogMirror, Sequencer } from '#custody';
import { Clock, type Config } from '#platform';
import { ObjectStore } from '#storage';

/** A sequencer apart from the writers, as the product's worker is. */
export class SequencerThread {
  private readonly thread: Worker;

  constructor(config: Config) {
    this.thread = new Worker(fileURLToPath(import.meta.url), { workerData: config });
  }

  async stop(): Promise<void> {
    if (this.thread.threadId === -1) return;
    const exited = once(this.thread, 'exit');
    this.thread.postMessage('stop');
    await exited;
  }
}

async function sequence(config: Config, owner: MessagePort): Promise<void> {
  Logger.overrideLogger(['error', 'warn']);
  const store = new ObjectStore({
    endpoint: config.S3_ENDPOINT,
    region: config.S3_REGION,
    accessKeyId: config.S3_ACCESS_KEY_ID,
    secretAccessKey: config.S3_SECRET_ACCESS_KEY,
  });
  const sequencer = new Sequencer(config, config.LOG_SIGNING_KEY ?? '', new Clock(), new LogMirror(config, store), undefined);
  sequencer.onApplicationBootstrap();
  await once(owner, 'message');
  await sequencer.onApplicationShutdown();
  store.close();
  owner.close();
}

if (parentPort !== null) await sequence(workerData as Config, parentPort);
