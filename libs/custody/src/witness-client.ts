import { addSignatureLines, verifyCosignatures, TlogError, type Hash, type PolicyWitness } from '#tlog';

const TIME_LIMIT_MS = 10_000;
const MOST_BYTES = 16_384;

/** What a witness answered. `at` is the size of the latest checkpoint it says that it cosigned for this log. */
export type WitnessAnswer =
  | { readonly kind: 'cosigned'; readonly line: string; readonly time: Date }
  | { readonly kind: 'at'; readonly size: bigint }
  | { readonly kind: 'refused'; readonly why: string };

export interface WitnessRequest {
  /** Size of the checkpoint that the witness cosigned last. */
  readonly oldSize: bigint;
  /** Consistency proof from there. RFC 6962 §2.1.2 */
  readonly proof: readonly Hash[];
  /** The checkpoint, signed by the log. */
  readonly note: string;
}

/**
 * Asks a witness for its cosignature. Never throws: a witness is not ours, and whatever it does or fails to do is an answer.
 * C2SP tlog-witness, add-checkpoint
 */
export async function addCheckpoint(
  witness: PolicyWitness,
  { oldSize, proof, note }: WitnessRequest,
  stop: AbortSignal,
): Promise<WitnessAnswer> {
  const body = [`old ${oldSize}`, ...proof.map((hash) => Buffer.from(hash).toString('base64')), '', note].join('\n');
  try {
    const signal = AbortSignal.any([AbortSignal.timeout(TIME_LIMIT_MS), stop]);
    const response = await fetch(`${witness.url?.replace(/\/$/, '') ?? ''}/add-checkpoint`, {
      method: 'POST',
      body,
      signal,
      // Elsewhere than the policy says is somebody else.
      redirect: 'error',
    });
    const text = await limited(response);
    if (text === undefined) return refused(`it answered ${response.status} with more than ${MOST_BYTES} bytes`);
    if (response.status === 200) return cosigned(witness, note, text);
    const size = response.status === 409 ? /^(0|[1-9][0-9]{0,19})\n$/.exec(text)?.[1] : undefined;
    if (size !== undefined) return { kind: 'at', size: BigInt(size) };
    return refused(`it answered ${response.status}: ${JSON.stringify(text.trim().slice(0, 200))}`);
  } catch (error) {
    return refused(reasonOf(error));
  }
}

/** Only the witness's own line is taken over, and only when it verifies. */
function cosigned(witness: PolicyWitness, note: string, lines: string): WitnessAnswer {
  try {
    // It may answer with lines of other keys and kinds too.
    for (const line of lines.split(/(?<=\n)/)) {
      const [cosignature] = verifyCosignatures(addSignatureLines(note, line), [witness]);
      if (cosignature !== undefined) return { kind: 'cosigned', line, time: cosignature.time };
    }
    return refused('its answer holds no cosignature of its key');
  } catch (error) {
    if (error instanceof TlogError) return refused(`its cosignature is not one: ${error.message}`);
    throw error;
  }
}

async function limited(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refused(why: string): WitnessAnswer {
  return { kind: 'refused', why };
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'it cannot be reached';
  if (error.name === 'TimeoutError') return `it did not answer within ${TIME_LIMIT_MS / 1000} s`;
  const { cause } = error;
  return `it cannot be reached: ${cause instanceof Error && cause.message !== '' ? cause.message : error.message}`;
}
