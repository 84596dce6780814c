import { Injectable, Logger } from '@nestjs/common';
import { CustodyLog, LogBehind } from '#custody';
import { Unavailable } from '#platform';
import { openNote, parseCheckpoint, parseVerifier, TlogError, type Checkpoint } from '#tlog';
import { checkInclusion, readChain, type ChainEntry, type StoredEntry } from './chain-entries.rules.js';
import { LogInconsistent } from './log-inconsistent.js';

/** A chain that was checked against a signed checkpoint. */
export interface ProvenChain {
  readonly entries: readonly ChainEntry[];
  /** The vkey that signed the checkpoint. */
  readonly logKey: string;
  readonly checkpoint: Checkpoint & { readonly note: string };
}

/** Reads chains for people to rely on: what does not verify is not shown as if it did, and is written to the operational log. */
@Injectable()
export class CheckedChains {
  private readonly logger = new Logger('CheckedChains');

  constructor(private readonly log: CustodyLog) {}

  /** The chain so far, each entry checked against its hash, its payload and its predecessor. @throws LogInconsistent */
  async read(subject: string): Promise<ChainEntry[]> {
    return this.check(subject, await this.log.chain(subject));
  }

  /** The same, and how many entries have no place in the chain yet. Counted before it is read: with none, all of them are in it. */
  async readAndCount(subject: string): Promise<{ entries: ChainEntry[]; waiting: number }> {
    const waiting = await this.log.waiting(subject);
    return { entries: await this.read(subject), waiting };
  }

  /** The same for a chain that was read from the log already. @throws LogInconsistent */
  async check(subject: string, stored: readonly StoredEntry[]): Promise<ChainEntry[]> {
    const { origin } = await this.identity();
    return this.reporting(subject, () => readChain(subject, origin, stored));
  }

  /** The same, and every entry proven under a checkpoint signed by the log. @throws LogInconsistent, LogBehind */
  async proven(subject: string): Promise<ProvenChain> {
    await this.log.begun(subject);
    const entries = await this.read(subject);
    const last = entries.at(-1);
    if (last === undefined) throw new LogBehind();
    const { note } = await this.log.checkpointCovering(last.index);
    const { vkeys } = await this.identity();
    return this.reporting(subject, async () => {
      const { logKey, checkpoint } = opened(note, vkeys);
      const indexes = entries.map((entry) => entry.index);
      checkInclusion(entries, await this.log.inclusionProofs(indexes, checkpoint.size), checkpoint);
      return { entries, logKey, checkpoint: { ...checkpoint, note } };
    });
  }

  private async identity(): Promise<{ origin: string; vkeys: readonly string[] }> {
    const identity = await this.log.identity();
    if (identity === undefined) throw new Unavailable('The custody log has not begun yet: no worker has started.', 10);
    return identity;
  }

  private async reporting<T>(subject: string, work: () => T | Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LogInconsistent)
        this.logger.error({ subject, check: error.check, fault: error.fault }, 'the custody log is inconsistent');
      throw error;
    }
  }
}

function opened(note: string, vkeys: readonly string[]): { logKey: string; checkpoint: Checkpoint } {
  try {
    const { text, signers } = openNote(note, vkeys.map(parseVerifier));
    const checkpoint = parseCheckpoint(text);
    const signer = signers.find(({ name }) => name === checkpoint.origin);
    if (signer === undefined) throw new LogInconsistent('checkpoint', 'It is not signed by a key of this log.');
    return { logKey: signer.vkey, checkpoint };
  } catch (error) {
    if (error instanceof TlogError) throw new LogInconsistent('checkpoint', error.message);
    throw error;
  }
}
