import { cosign, type Cosigner, type NoteVerifier } from '#tlog';
import { openSubmission, refusalOf, type Refusal, type Submission } from './add-checkpoint.rules.js';
import type { WitnessState } from './witness-state.js';

export type Answer =
  | { readonly status: 200; readonly cosignature: string; readonly submission: Submission }
  | { readonly status: 503; readonly reason: string; readonly submission: Submission }
  | (Refusal & { readonly submission?: Submission });

/** Cosigns what extends the latest checkpoint that it cosigned, and nothing else. C2SP tlog-witness */
export class Witness {
  private turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly cosigner: Cosigner,
    private readonly logs: readonly NoteVerifier[],
    private readonly state: WitnessState,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** The body of a POST to add-checkpoint. @throws when the state could not be written; then nothing was cosigned */
  async addCheckpoint(body: Uint8Array): Promise<Answer> {
    const opened = openSubmission(body, (origin) => this.logs.filter(({ name }) => name === origin));
    if ('refusal' in opened) return opened.refusal;
    // Comparing with the latest checkpoint and recording the next one is one step: of two histories sent at once one wins.
    const answer = this.turn.then(() => this.decide(opened.submission));
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  private async decide(submission: Submission): Promise<Answer> {
    const { note, checkpoint } = submission;
    const { origin } = checkpoint;
    const record = this.state.record(origin);
    const refusal = refusalOf(submission, this.state.latest(origin));
    const time = new Date(Math.floor(this.now().getTime() / 1000) * 1000);
    if (refusal !== undefined) {
      if (refusal.conflict && record !== undefined && record.conflict === undefined) {
        const conflict = { cosigned: record.note, shown: note, seenAt: instant(time) };
        await this.state.put(origin, { ...record, conflict });
      }
      return { ...refusal, submission };
    }
    // A cosignature says "as of this time, the largest I saw": with a clock that jumped back it would contradict an earlier one.
    if (record !== undefined && instant(time) < record.cosignedAt) {
      const reason = `The clock of this witness shows ${instant(time)}, before its last cosignature at ${record.cosignedAt}.`;
      return { status: 503, reason, submission };
    }
    const conflict = record?.conflict === undefined ? {} : { conflict: record.conflict };
    // Recorded first: a cosignature that left this process is never forgotten, whenever it dies.
    await this.state.put(origin, { note, cosignedAt: instant(time), ...conflict });
    return { status: 200, cosignature: cosign(note, this.cosigner, time), submission };
  }
}

function instant(time: Date): string {
  return time.toISOString().replace('.000Z', 'Z');
}
