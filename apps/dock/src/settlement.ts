import { readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { verifyReceipt, type NoteVerifier } from '#tlog';
import { isHeldUnsealed } from './announcements.js';
import type { DockClient, RemoteFile } from './dock-client.js';
import { messageOf, Refused, ServerUnreachable, systemCode } from './dock-faults.js';
import type { DurableWriter } from './durable-write.js';
import { eraseAfterReceipt } from './erase-after-receipt.js';
import type { Journal } from './journal.js';
import { keyOf, type JournalEntry } from './journal-entry.js';
import type { Progress } from './progress.js';
import { Turns } from './turns.js';
import { urgencyOf } from './urgency.rules.js';

export interface SettlementOptions {
  readonly logKey: NoteVerifier;
  /** The folder in which the receipt of this file is kept. */
  readonly receiptsFor: (path: string) => string;
  /** How long to wait for a state to change once everything is sent; Infinity waits as long as the process lives. */
  readonly patienceMs: number;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

const FIRST_POLL_MS = 200;
const LONGEST_POLL_MS = 5000;
/** It becomes part of an address and of a file's name. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** From "everything is sent" to "receipt on disk", and to the deletion here where that is asked for. */
export class Settlement {
  private readonly erasing = new Turns(1);

  constructor(
    private readonly client: DockClient,
    private readonly journal: Journal,
    private readonly writer: DurableWriter,
    private readonly options: SettlementOptions,
  ) {}

  /** Of files whose deletion was under way when the power went: those that are gone were deleted. */
  async finishErasures(): Promise<void> {
    for (const entry of this.journal.all()) if (entry.erasing === true && entry.state === 'sealed') await this.isErased(entry);
  }

  /** Waits for the end of what was sent, and puts it on record; sealed it is only with its receipt on disk. @throws ServerUnreachable, TlogError */
  async settle(key: string, sent: RemoteFile): Promise<void> {
    const remote = await this.settled(sent);
    const { recording, duplicateOf } = remote;
    switch (remote.state) {
      case 'sealed':
        return this.keepReceipt(key, recording, await this.receiptOf(recording));
      case 'quarantined':
        await this.journal.update(key, {
          state: 'quarantined',
          recording,
          trouble: remote.reason ?? 'the server gave no reason',
        });
        return;
      case 'duplicate':
        // Whoever announced it first may never finish: then it is this copy that has to arrive
        if (isHeldUnsealed(remote))
          throw new ServerUnreachable(`somebody else is bringing the same file in, as recording ${duplicateOf ?? recording}`);
        // A copy of what this dock had sealed, or the file itself after its journal was lost: what is proven of those bytes holds of these
        if (remote.yours === true && duplicateOf !== undefined && UUID.test(duplicateOf))
          return this.keepOwnReceipt(key, duplicateOf);
        await this.journal.update(key, {
          state: 'duplicate',
          duplicateOf,
          trouble: remote.reason ?? 'the same file is held already',
          ...(recording === '' ? {} : { recording }),
        });
        return;
      case 'sealing':
        throw new ServerUnreachable('the server has everything, but did not seal it in time');
      case 'receiving':
      case 'expired':
        // A server that was set back asks for what it had: the next try sends it
        throw new ServerUnreachable(`the server has everything, and now says that it is ${remote.state}`);
    }
  }

  private async settled(sent: RemoteFile): Promise<RemoteFile> {
    const deadline = performance.now() + this.options.patienceMs;
    let remote = sent;
    for (let wait = FIRST_POLL_MS; remote.state === 'sealing'; wait = longer(wait)) {
      if (performance.now() > deadline) return remote;
      await delay(wait, undefined, { signal: this.options.signal });
      remote = await this.client.state(sent.recording);
    }
    return remote;
  }

  private async receiptOf(recording: string): Promise<string> {
    const deadline = performance.now() + this.options.patienceMs;
    for (let wait = FIRST_POLL_MS; ; wait = longer(wait)) {
      try {
        return await this.client.receipt(recording);
      } catch (error) {
        // Sealed, but the entry has no place in the log yet
        if (!(error instanceof Refused) || error.problem.status !== 409) throw error;
        if (performance.now() > deadline) throw new ServerUnreachable('it is sealed, but the receipt did not come in time');
        await delay(wait, undefined, { signal: this.options.signal });
      }
    }
  }

  private async keepOwnReceipt(key: string, recording: string): Promise<void> {
    const receipt = await this.receiptOf(recording);
    const { path } = this.journal.need(key);
    this.options.progress.say(
      `${path}: this dock had the same file sealed before, so nothing is sent; its receipt is fetched again`,
    );
    return this.keepReceipt(key, recording, receipt);
  }

  private async keepReceipt(key: string, recording: string, receipt: string): Promise<void> {
    const { path, file } = this.journal.need(key);
    const { index, at } = verifyReceipt(receipt, { logKey: this.options.logKey, sha256: file?.sha256 ?? '', recording });
    const kept = join(this.options.receiptsFor(path), `${recording}.receipt.json`);
    await this.writer.write(kept, receipt);
    const sealed = { recording, receipt: kept, logIndex: String(index), sealedAt: at };
    await this.journal.update(key, { state: 'sealed', ...sealed, duplicateOf: undefined, trouble: undefined });
  }

  /** Deletes the file here, or puts on record why not. Rejects only when the run is ended. */
  async erase(key: string): Promise<void> {
    const { logKey, signal, progress } = this.options;
    const { path, file, recording, receipt, sidecar, erasing } = this.journal.need(key);
    if (file === undefined || recording === undefined || receipt === undefined) return;
    if (erasing === true && (await this.isErased(this.journal.need(key)))) return;
    try {
      await this.journal.update(key, { erasing: true });
      const grounds = { logKey, sha256: file.sha256, recording, receipt, ...(sidecar === undefined ? {} : { sidecar }) };
      const work = async (): Promise<void> => eraseAfterReceipt(path, await readFile(receipt, 'utf8'), grounds);
      await this.erasing.during(urgencyOf(file, path), signal, work);
      await this.journal.update(key, { state: 'erased', erasing: undefined, trouble: undefined });
    } catch (error) {
      signal.throwIfAborted();
      progress.say(messageOf(error));
      await this.journal.update(key, { erasing: undefined, trouble: messageOf(error) });
    }
  }

  private async isErased(entry: JournalEntry): Promise<boolean> {
    const isGone = await stat(entry.path).then(
      () => false,
      (error: unknown) => systemCode(error) === 'ENOENT',
    );
    // A folder that is gone too is a camera that was pulled out, with the file or without
    const isThere = await stat(dirname(entry.path)).then(
      () => true,
      () => false,
    );
    if (!isGone || !isThere) return false;
    await this.journal.update(keyOf(entry), { state: 'erased', erasing: undefined, trouble: undefined });
    return true;
  }
}

function longer(wait: number): number {
  return Math.min(LONGEST_POLL_MS, wait * 1.5);
}
