import { decodeHeader, leafHash, TILE_WIDTH, TlogError, type EntryHeader, type Hash } from '#tlog';
import { LogFault } from './log-fault.js';
import { HASH_BYTES } from './log-tree.js';

/** A length of two bytes and what it can say, for each entry of a full bundle. C2SP tlog-tiles */
export const BUNDLE_BYTES = TILE_WIDTH * (2 + 0xffff);

/** Written over with every entry: a new object each would be garbage that has grown old, the costliest kind. */
interface Head {
  seq: number;
  readonly leaf: Uint8Array;
}

/** Reads the entries one after the other and remembers the last one of every subject, nothing else. */
export class EntryReader {
  entries = 0n;
  private readonly heads = new Map<string, Head>();

  constructor(private readonly origin: string) {}

  get subjects(): number {
    return this.heads.size;
  }

  private get where(): string {
    return `entry ${this.entries}`;
  }

  /** The next entries of the log, whose leaves in the tree are `published`. @throws LogFault C2SP tlog-tiles, "Log entries" */
  readBundle(bundle: Uint8Array, published: Uint8Array, path: string): void {
    let at = 0;
    for (let leaf = 0; leaf < published.length; leaf += HASH_BYTES) {
      const start = at + 2;
      const end = start + ((bundle[at] ?? 0) << 8) + (bundle[at + 1] ?? 0);
      if (start > bundle.length || end > bundle.length)
        throw new LogFault('entries', this.where, `${path} ends in the middle of it.`);
      this.read(bundle.subarray(start, end), published.subarray(leaf, leaf + HASH_BYTES));
      at = end;
    }
    if (at < bundle.length) throw new LogFault('entries', path, `it goes on after entry ${this.entries - 1n}, its last one.`);
  }

  private read(bytes: Uint8Array, published: Hash): void {
    const leaf = leafHash(bytes);
    // First, because a changed byte shows here whatever it does to the header.
    if (Buffer.compare(leaf, published) !== 0)
      throw new LogFault(
        'entries',
        this.where,
        'it does not hash to its leaf in the tree: the entry or the hash tile was altered.',
      );
    const header = this.header(bytes);
    if (header.log !== this.origin)
      throw new LogFault('entries', this.where, `its header is of the log ${header.log}, not of ${this.origin}.`);
    this.follow(header, leaf);
    this.entries += 1n;
  }

  private header(bytes: Uint8Array): EntryHeader {
    try {
      return decodeHeader(bytes);
    } catch (error) {
      if (error instanceof TlogError) throw new LogFault('entries', this.where, error.message);
      throw error;
    }
  }

  /** A second chain of one subject, a gap, and an entry out of order all show here: each must follow its subject's last one. */
  private follow({ subject, seq, prev }: EntryHeader, leaf: Hash): void {
    const head = this.heads.get(subject);
    const expected = head === undefined ? 0 : head.seq + 1;
    if (seq !== expected)
      throw new LogFault(
        'chains',
        this.where,
        `it is number ${seq} of the chain of ${subject}, where number ${expected} was due.`,
      );
    if (prev !== (head === undefined ? null : base64(head.leaf)))
      throw new LogFault('chains', this.where, `it does not link to the entry before it in the chain of ${subject}.`);
    if (head === undefined) this.heads.set(subject, { seq, leaf: Uint8Array.from(leaf) });
    else {
      head.seq = seq;
      head.leaf.set(leaf);
    }
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
