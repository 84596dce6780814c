import { createHash } from 'node:crypto';
import { open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseCheckpoint, type Checkpoint } from '#tlog';
import { StateChanged, UsageFault, messageOf, systemCode } from './witness-faults.js';
import { writeNew } from './witness-config.js';

/** What the witness knows of one log. */
export interface LogRecord {
  /** The latest checkpoint that was cosigned, with the log's signature. */
  readonly note: string;
  /** RFC 3339 in UTC, whole seconds: the time in the cosignature. */
  readonly cosignedAt: string;
  /** The first checkpoint seen that has the size of a cosigned one and another root, with that one: proof of a fork. */
  readonly conflict?: { readonly cosigned: string; readonly shown: string; readonly seenAt: string };
}

type Records = ReadonlyMap<string, LogRecord>;

const HEADING = /^custodiet-witness state v1 sha256 ([0-9a-f]{64})\n/;

/**
 * The one thing that a witness must not lose: the latest checkpoint of every log. A heading with the SHA-256 of the rest,
 * then JSON. Written as a whole: temporary file, fsync, rename, fsync of the folder; a power cut leaves the old or the new one.
 */
export class WitnessState {
  private constructor(
    readonly path: string,
    private readonly witness: string,
    private records: Records,
    private written: string,
  ) {}

  /** An empty state for a witness key. @throws UsageFault when there is a file already */
  static async create(path: string, witness: string): Promise<void> {
    await writeNew(path, stateText(witness, new Map()), 0o600);
    await syncFolder(path);
  }

  /** @throws UsageFault when the file is missing, altered, cut short or that of another witness */
  static async read(path: string, witness: string): Promise<WitnessState> {
    const text = await contentOf(path);
    const [heading, digest] = HEADING.exec(text) ?? [];
    const json = text.slice(heading?.length);
    if (heading === undefined || digest !== sha256(json)) {
      throw new UsageFault(
        `The state ${path} is damaged: it is not what this program wrote. Nothing is cosigned from a guess: ` +
          `see "If the state is lost" in the README`,
      );
    }
    const stored = storedState(json, path);
    if (stored.witness !== witness) throw new UsageFault(`The state ${path} is that of the witness key ${stored.witness}`);
    return new WitnessState(path, witness, stored.records, text);
  }

  record(origin: string): LogRecord | undefined {
    return this.records.get(origin);
  }

  latest(origin: string): Checkpoint | undefined {
    const record = this.records.get(origin);
    return record === undefined ? undefined : checkpointOf(record.note);
  }

  /** Durable when it returns. One call at a time. @throws StateChanged when the file is not the one written last */
  async put(origin: string, record: LogRecord): Promise<void> {
    // A second process, or a file restored under a running witness, must not be overwritten: what is in memory is then not
    // the latest. A write that failed after its rename ends here too, until a restart has read what is on the disk.
    if ((await contentOf(this.path)) !== this.written) {
      throw new StateChanged(`${this.path} was changed by somebody else, or a write failed: restart the witness`);
    }
    const records = new Map([...this.records, [origin, record]]);
    const text = stateText(this.witness, records);
    const unfinished = `${this.path}.part`;
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, this.path);
    await syncFolder(this.path);
    this.records = records;
    this.written = text;
  }
}

/** The text of a note is what stands before its last empty line. C2SP signed-note */
export function checkpointOf(note: string): Checkpoint {
  return parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));
}

async function contentOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw new UsageFault(`The state cannot be read: ${messageOf(error)}`);
    throw new UsageFault(
      `The state ${path} is missing. Starting from nothing could cosign a second history: ` +
        `see "If the state is lost" in the README before you use --new-state`,
    );
  }
}

/** A renamed file is found after a power cut only when its folder was written too. fsync(2) */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

function stateText(witness: string, records: Records): string {
  const json = `${JSON.stringify({ witness, logs: Object.fromEntries(records) }, undefined, 2)}\n`;
  return `custodiet-witness state v1 sha256 ${sha256(json)}\n${json}`;
}

/** The digest was right: this program wrote it, so its shape needs no more than a type. */
function storedState(json: string, path: string): { witness: string; records: Records } {
  try {
    const { witness, logs } = JSON.parse(json) as { witness: string; logs: Record<string, LogRecord> };
    const records = new Map(Object.entries(logs));
    for (const { note } of records.values()) checkpointOf(note);
    return { witness, records };
  } catch (error) {
    throw new UsageFault(`The state ${path} is damaged: ${messageOf(error)}`);
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
