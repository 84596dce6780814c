import { allOf } from './concurrency.js';
import type { EntryRow } from './entry-rows.js';
import type { Findings } from './findings.js';
import { memberOf, parsed, textIn } from './payload-members.js';
import type { StoredObjects } from './stored-objects.js';

/** `head`: that it is there, as large as it was, newest and locked. `hash`: that, and read whole. */
export type OriginalsDepth = 'head' | 'hash';

interface Sealed {
  readonly entry: bigint;
  readonly payload: string;
  /** Of the header. */
  readonly sha256: string | undefined;
}

interface Original {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly size: number;
  readonly retainUntil: Date;
}

const AT_ONCE = 16;

/** What `recording.sealed` entries say is in the object store, against what is there. */
export class OriginalsCheck {
  checked = 0;
  private due: Sealed[] = [];

  constructor(
    private readonly store: StoredObjects,
    private readonly depth: OriginalsDepth,
    private readonly findings: Findings,
  ) {}

  /** Remembers the entry until the end of its page. One whose payload is erased no longer says where its original is. */
  take(row: EntryRow): void {
    if (row.has('payload')) this.due.push({ entry: row.index, payload: row.text('payload'), sha256: row.sha256() });
  }

  /** @throws StoreUnreadable */
  async check(): Promise<void> {
    const { due } = this;
    this.due = [];
    await allOf(due, AT_ONCE, (sealed) => this.checkOne(sealed));
  }

  private async checkOne({ entry, payload, sha256 }: Sealed): Promise<void> {
    const found = (what: string): void => this.findings.addEntry(entry, what);
    const original = originalIn(payload);
    if (original === undefined) return found('it does not say where its original is');
    this.checked += 1;
    const name = `its original ${original.bucket}/${original.key}`;
    const version = await this.store.look(original);
    if (version === undefined) return found(`${name} is not in the store in the version that was sealed`);
    if (version.size !== original.size) found(`${name} has ${version.size} bytes, sealed were ${original.size}`);
    const newest = await this.store.look({ bucket: original.bucket, key: original.key });
    if (newest === undefined) found(`${name} has a delete marker over it`);
    else if (newest.versionId !== original.versionId) found(`${name} has a newer version over it`);
    const { retainUntil } = original;
    // Stores keep whole seconds.
    const short = version.lock === undefined || version.lock.until.getTime() + 1000 <= retainUntil.getTime();
    if (short && retainUntil > new Date())
      found(`${name} is locked until ${version.lock?.until.toISOString() ?? 'never'}, not until ${retainUntil.toISOString()}`);
    if (this.depth === 'hash' && (await this.store.sha256(original)) !== sha256) found(`${name} is not the file that was sealed`);
  }
}

function originalIn(payload: string): Original | undefined {
  const event = memberOf(parsed(payload), 'event');
  const [bucket, key, versionId] = [textIn(event, 'bucket'), textIn(event, 'key'), textIn(event, 'versionId')];
  const size = memberOf(event, 'size');
  const retainUntil = new Date(textIn(event, 'retainUntil') ?? '');
  if (!bucket || !key || !versionId || typeof size !== 'number' || Number.isNaN(retainUntil.getTime())) return undefined;
  return { bucket, key, versionId, size, retainUntil };
}
