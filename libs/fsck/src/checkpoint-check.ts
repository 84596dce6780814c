import type { Client } from 'pg';
import {
  addSignatureLines,
  hasQuorum,
  openCheckpoint,
  parseCosignatureVerifier,
  TlogError,
  verifyCosignatures,
  type NoteVerifier,
  type WitnessPolicy,
} from '#tlog';
import { BySize } from './by-size.js';
import type { Findings } from './findings.js';
import type { GrowingTree } from './growing-tree.js';

interface SignedRow {
  readonly size: bigint;
  readonly root: Buffer;
  readonly note: string;
}

interface CosignedRow {
  readonly size: bigint;
  /** Key of the witness. */
  readonly witness: string;
  readonly line: string;
}

/** Whose word on a checkpoint counts. */
export interface Trusted {
  readonly logKeys: readonly NoteVerifier[];
  readonly policy: WitnessPolicy | undefined;
}

const PAGE = 500;

/** The checkpoints of the database and their cosignatures, each when the tree has its size. */
export class CheckpointCheck {
  checkpoints = 0;
  cosignatures = 0;
  /** Size of the newest checkpoint that is as it was signed: entries behind it nobody vouches for. */
  signed: bigint | undefined;
  /** Size of the newest checkpoint that satisfies the policy. */
  cosigned: bigint | undefined;

  private constructor(
    private readonly origin: string,
    private readonly trusted: Trusted,
    private readonly findings: Findings,
    private readonly notes: BySize<SignedRow>,
    private readonly lines: BySize<CosignedRow>,
  ) {}

  static async of(client: Client, origin: string, trusted: Trusted, findings: Findings): Promise<CheckpointCheck> {
    const signed = await BySize.of(signedRows(client));
    return new CheckpointCheck(origin, trusted, findings, signed, await BySize.of(cosignedRows(client)));
  }

  due(size: bigint): boolean {
    return this.notes.due(size) || this.lines.due(size);
  }

  async check(tree: GrowingTree): Promise<void> {
    while (this.notes.due(tree.size)) {
      const row = await this.notes.take();
      if (row === undefined) return;
      this.checkSigned(row, tree);
      await this.checkLines(row);
    }
    await this.dropOrphans(tree.size);
  }

  /** What was signed over more entries than there are. */
  async conclude(size: bigint): Promise<void> {
    for (let row = await this.notes.take(); row !== undefined; row = await this.notes.take()) {
      this.checkpoints += 1;
      this.findings.add(`checkpoint ${row.size}`, `it was signed over ${row.size} entries, but only ${size} are there`);
      await this.checkLines(row);
    }
    await this.dropOrphans();
    if (size === 0n) return;
    // Unsigned is a failure: whoever deletes every checkpoint may then rewrite every entry. DESIGN.md §5
    if (this.checkpoints === 0)
      this.findings.add(
        'checkpoints',
        `there is none that a key of the log signed: nobody vouches for any of the ${size} entries`,
      );
    if (this.trusted.policy !== undefined && this.cosigned === undefined)
      this.findings.add('policy', 'there is no checkpoint that satisfies it');
  }

  private checkSigned({ size, root, note }: SignedRow, tree: GrowingTree): void {
    this.checkpoints += 1;
    const where = `checkpoint ${size}`;
    try {
      const signed = openCheckpoint(note, this.trusted.logKeys);
      const isOfThis = signed.origin === this.origin && signed.size === size;
      if (!isOfThis) this.findings.add(where, 'it was signed for another log or size');
      else if (Buffer.compare(signed.root, root) !== 0) this.findings.add(where, 'its column root differs from what was signed');
      if (Buffer.compare(signed.root, tree.root()) !== 0)
        this.findings.add(where, `the first ${size} entries no longer have the root that was signed`);
      else if (isOfThis) this.signed = size;
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      this.findings.add(where, `its signature does not verify: ${error.message}`);
    }
  }

  /** The cosignatures of a checkpoint that is in turn. */
  private async checkLines(signed: SignedRow): Promise<void> {
    await this.dropOrphans(signed.size - 1n);
    let note = signed.note;
    while (this.lines.due(signed.size)) {
      const row = await this.lines.take();
      if (row !== undefined) note = this.checkLine(row, signed.note, note);
    }
    if (this.trusted.policy !== undefined && this.satisfies(this.trusted.policy, note)) this.cosigned = signed.size;
  }

  /** Cosignatures of checkpoints that are not there. */
  private async dropOrphans(upTo?: bigint): Promise<void> {
    while (upTo === undefined || this.lines.due(upTo)) {
      const row = await this.lines.take();
      if (row === undefined) return;
      this.cosignatures += 1;
      this.findings.add(`checkpoint ${row.size}`, `${row.witness} cosigned it, but it is missing`);
    }
  }

  /** @returns `all` with the line, if it is a cosignature */
  private checkLine({ size, witness, line }: CosignedRow, note: string, all: string): string {
    this.cosignatures += 1;
    try {
      const key = parseCosignatureVerifier(witness);
      if (verifyCosignatures(addSignatureLines(note, line), [key]).length === 1) return addSignatureLines(all, line);
      this.findings.add(`checkpoint ${size}`, `the cosignature of ${witness} is another's`);
    } catch (error) {
      if (!(error instanceof TlogError)) throw error;
      this.findings.add(`checkpoint ${size}`, `the cosignature of ${witness} does not verify: ${error.message}`);
    }
    return all;
  }

  private satisfies(policy: WitnessPolicy, note: string): boolean {
    try {
      openCheckpoint(note, this.trusted.logKeys);
      return hasQuorum(note, policy);
    } catch (error) {
      if (error instanceof TlogError) return false;
      throw error;
    }
  }
}

async function* signedRows(client: Client): AsyncGenerator<SignedRow> {
  for (let after = '-1'; ;) {
    const { rows } = await client.query<{ size: string; root: Buffer; note: string }>({
      name: 'checkpoints',
      text: `SELECT size, root, note FROM log_checkpoints WHERE size > $1 ORDER BY size LIMIT ${PAGE}`,
      values: [after],
    });
    for (const { size, root, note } of rows) yield { size: BigInt(size), root, note };
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.size;
  }
}

async function* cosignedRows(client: Client): AsyncGenerator<CosignedRow> {
  for (let after = ['-1', '']; ;) {
    const { rows } = await client.query<{ size: string; witness: string; line: string }>({
      name: 'cosignatures',
      text: `SELECT size, witness, line FROM log_cosignatures WHERE (size, witness) > ($1, $2) ORDER BY size, witness LIMIT ${PAGE}`,
      values: after,
    });
    for (const { size, witness, line } of rows) yield { size: BigInt(size), witness, line };
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = [last.size, last.witness];
  }
}
