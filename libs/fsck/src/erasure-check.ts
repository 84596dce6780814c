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

interface Erasure {
  readonly index: bigint;
  /** Ids of the entries that it names. */
  readonly erased: ReadonlySet<string>;
}

const MOST_REMEMBERED = 100_000;

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
      const named = memberOf(memberOf(parsed(payload), 'event'), 'entries');
      const erased = new Set(Array.isArray(named) ? named.filter((id): id is string => typeof id === 'string') : []);
      this.known.set(subject, [...(this.known.get(subject) ?? []), { index: BigInt(index), erased }]);
      this.remembered += erased.size;
    }
  }
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
