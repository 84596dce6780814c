import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { parseVerifier } from '#tlog';
import { Bandwidth } from '../bandwidth.js';
import { capOf } from '../bandwidth.rules.js';
import { Delivery } from '../delivery.js';
import { DockClient } from '../dock-client.js';
import { DurableWriter, type WriterOptions } from '../durable-write.js';
import type { FileOutcome } from '../file-outcome.js';
import { Journal } from '../journal.js';
import { keyOf } from '../journal-entry.js';
import { Progress } from '../progress.js';
import { describeFile, type StatedMetadata } from '../recording-file.js';
import { DOCK, type FaultyDockingServer } from './faulty-docking-server.js';

/** Says when the power goes: asked before and after each write to the disk. */
export type PowerCut = (moment: 'before-write' | 'after-write') => boolean;

export interface RunSetting {
  readonly stated?: StatedMetadata;
  readonly erase?: boolean;
  readonly parallelFiles?: number;
  readonly parallelParts?: number;
  /** MiB a second. */
  readonly cap?: number;
  readonly patienceMs?: number;
  readonly powerCut?: PowerCut;
  /** Ends the run as a power cut does: what is under way stops where it is. */
  readonly ending?: AbortController;
}

/** A dock without a process of its own, which can lose its power between any two steps. */
export class DockInProcess {
  readonly said: string[] = [];
  private readonly key: KeyObject = generateKeyPairSync('ed25519').privateKey;

  constructor(
    private readonly service: FaultyDockingServer,
    /** Of journal and receipts. */
    readonly folder: string,
  ) {}

  async enrol(): Promise<void> {
    const { x = '' } = this.key.export({ format: 'jwk' });
    await this.service.enrol(Buffer.from(x, 'base64url').toString('base64'));
  }

  /** As a run of the program: opens the journal, brings the files in and closes it. Undefined when the power went. */
  async run(paths: readonly string[], setting: RunSetting = {}): Promise<FileOutcome[] | undefined> {
    const { patienceMs = 5000, ending = new AbortController() } = setting;
    const { signal } = ending;
    const say = (sentence: string): void => void this.said.push(sentence);
    const writer = new CuttableWriter({ patienceMs, onTrouble: say, signal }, setting.powerCut ?? (() => false), ending);
    const progress = new Progress({ write: (text) => this.said.push(String(text).trimEnd()) > 0 });
    const logKey = parseVerifier(this.service.log.vkey);
    const cap = setting.cap === undefined ? undefined : capOf(setting.cap);
    const journal = await Journal.open(this.folder, writer, say);
    const call = {
      server: this.service.url,
      dock: DOCK,
      key: this.key,
      audience: logKey.name,
      patienceMs,
      onTrouble: say,
      signal,
    };
    const client = new DockClient({ ...call, ...(cap === undefined ? {} : { pace: new Bandwidth(cap) }) });
    const delivery = new Delivery(client, journal, writer, {
      ...{ dock: { id: DOCK, key: this.key }, logKey, patienceMs, progress, signal, erase: setting.erase ?? false },
      ...{ parallelFiles: setting.parallelFiles ?? 3, parallelParts: setting.parallelParts ?? 4 },
      ...(cap === undefined ? {} : { cap }),
      receiptsFor: () => join(this.folder, 'receipts'),
    });
    const bring = async (path: string): Promise<FileOutcome> => {
      const found = await describeFile(path, { camera: 'C-9', ...setting.stated }, { ffprobe: 'off' });
      await journal.begin(found);
      const key = keyOf(found);
      if (journal.get(key)?.file === undefined) await delivery.hash(found);
      return delivery.deliver(key);
    };
    try {
      await delivery.settlement.finishErasures();
      const results = await Promise.allSettled(paths.map(bring));
      const failed = results.find(({ status }) => status === 'rejected');
      if (failed !== undefined && !signal.aborted) throw (failed as PromiseRejectedResult).reason;
      return results.some(({ status }) => status === 'rejected')
        ? undefined
        : results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    } finally {
      await journal.close();
    }
  }
}

class CuttableWriter extends DurableWriter {
  constructor(
    options: WriterOptions,
    private readonly powerCut: PowerCut,
    private readonly ending: AbortController,
  ) {
    super(options);
  }

  override async write(path: string, text: string): Promise<void> {
    this.strike('before-write');
    await super.write(path, text);
    this.strike('after-write');
  }

  private strike(moment: 'before-write' | 'after-write'): void {
    if (!this.ending.signal.aborted && this.powerCut(moment)) this.ending.abort(new Error('The power is gone'));
    this.ending.signal.throwIfAborted();
  }
}
