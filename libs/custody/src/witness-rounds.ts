import { Logger } from '@nestjs/common';
import { Client } from 'pg';
import { addSignatureLines, consistencyProof, hasQuorum, isQuorum, type PolicyWitness } from '#tlog';
import { readNodes, type Query } from './log-tiles.js';
import type { MirroredCheckpoint } from './log-mirror.js';
import { addCheckpoint, type WitnessAnswer } from './witness-client.js';
import type { PolicyFile } from './witness-policy-file.js';

const ALARM_MS = 60_000;
/** Each 409 names a size to begin from; a witness whose size keeps changing is asked again with the next checkpoint. */
const TRIES = 4;

/** How one witness fares, for health. */
export interface WitnessHealth {
  readonly alias: string;
  /** Size of the newest checkpoint that it cosigned, as far as this process knows. */
  readonly cosigned: bigint | undefined;
  /** Why it has not cosigned for more than a minute; undefined when all is well. */
  readonly failing: string | undefined;
}

/**
 * Gets checkpoints cosigned by the witnesses of the policy, each asked on its own, so that none waits for another. In the background: entries
 * get their places and are signed for however slow a witness is; only what waits for a quorum waits. Not an injectable: the sequencer owns it.
 */
export class WitnessRounds {
  private readonly conversations: readonly Conversation[];

  /** @param reached called with a checkpoint and the cosignatures of its quorum as soon as they are complete */
  constructor(
    databaseUrl: string,
    private readonly policy: PolicyFile | undefined,
    private readonly reached: (checkpoint: MirroredCheckpoint) => Promise<void>,
  ) {
    this.conversations = (policy?.policy.witnesses ?? []).map(
      (witness) => new Conversation(databaseUrl, witness, (client, size) => this.report(client, size)),
    );
  }

  get health(): readonly WitnessHealth[] {
    return this.conversations.map(({ health }) => health);
  }

  /** False when for more than a minute too few witnesses cosign for a quorum: then nothing is released. */
  get quorate(): boolean {
    const well = this.health.filter(({ failing }) => failing === undefined);
    return this.policy === undefined || isQuorum(this.policy.policy.quorum, new Set(well.map(({ alias }) => alias)));
  }

  /** For a sequencer that does not lead: it asks nobody, and another may have been answered meanwhile. */
  rest(): void {
    for (const conversation of this.conversations) conversation.rest();
  }

  /** Asks every witness that has not cosigned it. Of several checkpoints that are due only the last is sent. */
  ask(checkpoint: MirroredCheckpoint): void {
    for (const conversation of this.conversations) conversation.ask(checkpoint);
  }

  /** Breaks off what is under way: it is asked for again after the next start. */
  async stop(): Promise<void> {
    await Promise.all(this.conversations.map((conversation) => conversation.stop()));
  }

  private async report(client: Client, size: bigint): Promise<void> {
    await client.query('NOTIFY custody_checkpoint');
    const { rows } = await client.query<{ note: string; lines: string[] }>(
      `SELECT c.note, array_agg(s.line ORDER BY s.at, s.witness) AS lines FROM log_checkpoints c JOIN log_cosignatures s USING (size)
       WHERE c.size = $1 AND s.witness = ANY($2) GROUP BY c.note`,
      [size.toString(), this.conversations.map(({ witness }) => witness.vkey)],
    );
    const [row] = rows;
    if (row === undefined || this.policy === undefined) return;
    const note = addSignatureLines(row.note, row.lines.join(''));
    if (hasQuorum(note, this.policy.policy)) await this.reached({ size, note });
  }
}

class Conversation {
  private readonly logger = new Logger('Witnesses');
  private due: MirroredCheckpoint | undefined;
  private talking: Promise<void> | undefined;
  private readonly stopping = new AbortController();
  private known: bigint | undefined;
  private failingSince?: number;
  private why = '';

  constructor(
    private readonly databaseUrl: string,
    readonly witness: PolicyWitness,
    private readonly cosigned: (client: Client, size: bigint) => Promise<void>,
  ) {}

  get health(): WitnessHealth {
    const failing = this.failingSince !== undefined && performance.now() - this.failingSince > ALARM_MS ? this.why : undefined;
    return { alias: this.witness.alias, cosigned: this.known, failing };
  }

  ask(checkpoint: MirroredCheckpoint): void {
    if (this.known !== undefined && checkpoint.size <= this.known) return;
    this.due = checkpoint;
    this.talking ??= this.talk().finally(() => (this.talking = undefined));
  }

  rest(): void {
    delete this.failingSince;
    this.why = '';
    this.known = undefined;
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    this.due = undefined;
    await this.talking;
  }

  private async talk(): Promise<void> {
    for (let next = this.due; next !== undefined; next = this.due) {
      this.due = undefined;
      const client = new Client({ connectionString: this.databaseUrl });
      client.on('error', () => undefined); // the query under way says it too
      try {
        await client.connect();
        const failure = await this.submit(client, next);
        if (failure === undefined) this.well();
        else if (!this.stopping.signal.aborted) this.failed(next.size, failure);
      } catch (error) {
        this.failed(next.size, error instanceof Error ? error.message : 'it failed');
      } finally {
        await client.end().catch(() => undefined);
      }
    }
  }

  /** @returns why there is no cosignature */
  private async submit(client: Client, { size, note }: MirroredCheckpoint): Promise<string | undefined> {
    this.known ??= await this.recorded(client);
    const query: Query = async (sql, parameters) => (await client.query(sql, [...parameters])).rows as never;
    let oldSize = this.known;
    for (let tries = 0; tries < TRIES; tries++) {
      if (oldSize > size) return `it says that it has cosigned ${oldSize} entries, but the log has ${size}`;
      const proof = await consistencyProof(oldSize, size, readNodes(query, size));
      const answer: WitnessAnswer = await addCheckpoint(this.witness, { oldSize, proof, note }, this.stopping.signal);
      if (answer.kind === 'refused') return answer.why;
      if (answer.kind === 'cosigned') return void (await this.record(client, size, answer));
      if (answer.size === oldSize) return `it holds another tree of ${oldSize} entries than was signed now`;
      oldSize = answer.size;
    }
    return 'it names another size each time it is asked';
  }

  private async recorded(client: Client): Promise<bigint> {
    const { rows } = await client.query<{ size: string | null }>(
      'SELECT max(size) AS size FROM log_cosignatures WHERE witness = $1',
      [this.witness.vkey],
    );
    return BigInt(rows[0]?.size ?? 0);
  }

  private async record(client: Client, size: bigint, { line, time }: { line: string; time: Date }): Promise<void> {
    await client.query('INSERT INTO log_cosignatures (size, witness, line, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING', [
      size.toString(),
      this.witness.vkey,
      line,
      time,
    ]);
    this.known = size;
    await this.cosigned(client, size);
  }

  private well(): void {
    if (this.failingSince !== undefined) this.logger.log(`the witness ${this.witness.alias} cosigns again`);
    delete this.failingSince;
    this.why = '';
  }

  private failed(size: bigint, why: string): void {
    this.failingSince ??= performance.now();
    // Said once, not every ten seconds.
    if (this.why !== why)
      this.logger.warn(`the witness ${this.witness.alias} has not cosigned the checkpoint of ${size} entries: ${why}`);
    this.why = why;
  }
}
