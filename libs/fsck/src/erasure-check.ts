import type { Client } from 'pg';
import { decodeHeader, payloadCommitment, TlogError } from '#tlog';
import type { Findings } from './findings.js';
import { memberOf, parsed } from './payload-members.js';

/** An entry without its payload. */
export interface Bare {
  readonly index: bigint;
  readonly id: string;
  readonly subject: string;
}

/** A `payload.erased` entry that has its own payload. */
export interface ErasureRow {
  readonly index: bigint;
  readonly subject: string;
  readonly payload: string;
}

interface Erasure {
  readonly index: bigint;
  /** Ids of the entries that it names. */
  readonly erased: ReadonlySet<string>;
}

const MOST_REMEMBERED = 100_000;
/** Whoever wrote the payload may have put anything there, and the database takes nothing else for an id. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * A payload may be missing exactly when a later entry `payload.erased` about the same subject, whose own payload is there and the one committed
 * to, names its entry: libs/tlog/README.md, "Evidence bundle". Erasures are looked up when they are needed: keeping every bare entry until its
 * erasure comes would take memory as the log grows.
 */
export class ErasureCheck {
  erased = 0;
  private readonly known = new Map<string, readonly Erasure[]>();
  private remembered = 0;

  constructor(
    private readonly client: Client,
    private readonly findings: Findings,
  ) {}

  async check(bare: readonly Bare[]): Promise<void> {
    if (bare.length === 0) return;
    if (this.remembered > MOST_REMEMBERED) this.forget();
    await this.learn([...new Set(bare.map(({ subject }) => subject))].filter((subject) => !this.known.has(subject)));
    for (const { index, id, subject } of bare) {
      const erasures = this.known.get(subject) ?? [];
      if (erasures.some((erasure) => erasure.index > index && erasure.erased.has(id))) this.erased += 1;
      else this.findings.addEntry(index, 'its payload is missing');
    }
  }

  /** What was erased must be gone: a backup brings it back, and readers of the log believe that it was destroyed. */
  async checkDestroyed(erasures: readonly ErasureRow[]): Promise<void> {
    for (const { index, subject, payload } of erasures) {
      const { rows } = await this.client.query<{ index: string }>({
        name: 'not destroyed',
        text: `SELECT e.index FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id
               WHERE e.id = ANY ($1::uuid[]) AND e.subject = $2 AND e.index < $3 ORDER BY e.index`,
        values: [namedIn(payload).filter((id) => UUID.test(id)), subject, index.toString()],
      });
      for (const there of rows)
        this.findings.addEntry(BigInt(there.index), `its payload is there, though entry ${index} says that it was erased`);
    }
  }

  private forget(): void {
    this.known.clear();
    this.remembered = 0;
  }

  private async learn(subjects: readonly string[]): Promise<void> {
    if (subjects.length === 0) return;
    const { rows } = await this.client.query<{ index: string; subject: string; header: Buffer; salt: Buffer; payload: string }>({
      name: 'erasures',
      text: `SELECT e.index, e.subject, e.header, p.salt, p.payload FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id
             WHERE e.subject = ANY ($1::uuid[]) AND e.type = 'payload.erased'`,
      values: [subjects],
    });
    for (const subject of subjects) this.known.set(subject, []);
    for (const { index, subject, header, salt, payload } of rows) {
      if (!isErasureOf(subject, header, salt, payload)) continue;
      const erased = new Set(namedIn(payload));
      this.known.set(subject, [...(this.known.get(subject) ?? []), { index: BigInt(index), erased }]);
      this.remembered += erased.size;
    }
  }
}

function namedIn(payload: string): readonly string[] {
  const named = memberOf(memberOf(parsed(payload), 'event'), 'entries');
  return Array.isArray(named) ? named.filter((id): id is string => typeof id === 'string') : [];
}

/** By what its header says, which is what was signed: the columns alone say nothing. */
function isErasureOf(subject: string, header: Buffer, salt: Buffer, payload: string): boolean {
  try {
    const said = decodeHeader(header);
    const pc = Buffer.from(payloadCommitment(salt, payload)).toString('base64');
    return said.type === 'payload.erased' && said.subject === subject && said.pc === pc;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}
