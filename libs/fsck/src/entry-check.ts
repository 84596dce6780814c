import { canonicalize, decodeHeader, TlogError, type EntryHeader, type SubjectHead } from '#tlog';
import { isCanonical } from './canonical-payload.js';
import type { EntryRow } from './entry-rows.js';
import type { Findings } from './findings.js';

interface Head {
  readonly seq: number;
  readonly index: bigint;
  /** Base64. */
  readonly leaf: string;
}

interface Expected {
  readonly seq: number;
  readonly prev: string | null;
  readonly pc: string | undefined;
}

const ONLY_SHA256 = /^"sha256":"[0-9a-f]{64}",$/;
/** The one spelling of 32 bytes. RFC 4648 §4 */
const HASH_BASE64 = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;

/** Rows against their headers, their payloads, and the chains of their subjects. Remembers where each chain ends, and nothing else of a row. */
export class EntryCheck {
  private readonly chains = new Map<string, Head>();
  /** Of headers that were parsed. */
  private readonly types = new Set<string>();
  /** `log` as it stands in a header, one character a byte. */
  private readonly log: string;

  constructor(
    private readonly origin: string,
    private readonly findings: Findings,
  ) {
    this.log = Buffer.from(canonicalize(origin)).toString('latin1');
  }

  /** @returns the leaf hash of the row's header */
  check(row: EntryRow): Buffer {
    const leaf = row.leafHash();
    if (!row.hasLeafHash(leaf)) this.findings.addEntry(row.index, 'its header no longer hashes to its leaf hash');
    const subject = row.ascii('subject');
    const head = this.chains.get(subject);
    const expected = {
      seq: head === undefined ? 0 : head.seq + 1,
      prev: head?.leaf ?? null,
      // A payload that is not even canonical JSON was never committed to.
      pc: row.has('payload') && isCanonical(row.text('payload')) ? row.commitment() : undefined,
    };
    if (!this.isAsExpected(row, expected)) this.checkSingly(row, expected);
    const next = { seq: Number(row.ascii('seq')), index: row.index, leaf: leaf.toString('base64') };
    // A key that is new stays: it must not be a piece of the page.
    this.chains.set(head === undefined ? row.text('subject') : subject, next);
    return leaf;
  }

  /** Where every chain ends, sorted by subject. */
  heads(): SubjectHead[] {
    return [...this.chains]
      .map(([subject, { seq, index, leaf }]) => ({ subject, seq, index: index.toString(), head: leaf }))
      .sort((a, b) => (a.subject < b.subject ? -1 : 1));
  }

  /**
   * True when the header is byte for byte the canonical one of the columns, the chain and the payload: then every single check would pass. All
   * but the entries that somebody touched are, and comparing is several times quicker than parsing. Types are those of headers that were parsed.
   */
  private isAsExpected(row: EntryRow, { seq, prev, pc }: Expected): boolean {
    const [at, type] = [row.ascii('at'), row.ascii('type')];
    if (at.length !== 24 || row.ascii('seq') !== seq.toString() || !this.types.has(type)) return false;
    const header = row.ascii('header');
    const actor = row.has('actor') ? `"${row.ascii('actor')}"` : 'null';
    const toPc = `{"actor":${actor},"at":"${at}","id":"${row.ascii('id')}","log":${this.log},"pc":"`;
    // Where the payload is missing, whoever judges erasures says so.
    const committed = row.has('payload') ? pc : HASH_BASE64.exec(header.substring(toPc.length, toPc.length + 44))?.[0];
    if (committed === undefined) return false;
    const before = `${toPc}${committed}","prev":${prev === null ? 'null' : `"${prev}"`},"seq":${seq},`;
    const after = `"subject":"${row.ascii('subject')}","type":"${type}","v":1}`;
    const between = header.length - after.length;
    return (
      header.startsWith(before) &&
      header.endsWith(after) &&
      between >= before.length &&
      (between === before.length || ONLY_SHA256.test(header.substring(before.length, between)))
    );
  }

  private checkSingly(row: EntryRow, expected: Expected): void {
    const seq = row.text('seq');
    if (seq !== expected.seq.toString())
      this.findings.addEntry(row.index, `it is number ${seq} of its subject's chain, expected ${expected.seq}`);
    try {
      const header = decodeHeader(row.bytes('header'));
      this.types.add(header.type);
      this.checkHeader(row, header, expected);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      this.findings.addEntry(row.index, `its header is malformed: ${error.message}`);
    }
  }

  private checkHeader(row: EntryRow, header: EntryHeader, { seq, prev, pc }: Expected): void {
    const found = (what: string): void => this.findings.addEntry(row.index, what);
    if (header.log !== this.origin) found('its column log differs from its header');
    for (const column of ['id', 'subject', 'type', 'at'] as const)
      if (header[column] !== row.text(column)) found(`its column ${column} differs from its header`);
    if (header.actor !== (row.has('actor') ? row.text('actor') : null)) found('its column actor differs from its header');
    if (row.has('payload') && header.pc !== pc) found('its payload is not what its header commits to');
    if (header.prev !== prev) found("it does not link to the previous entry of its subject's chain");
    if (header.seq !== seq) found("its header's seq breaks its subject's chain");
  }
}
