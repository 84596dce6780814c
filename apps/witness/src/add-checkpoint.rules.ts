import { EMPTY_ROOT, TlogError, openCheckpoint, parseCheckpoint, verifyConsistency } from '#tlog';
import type { Checkpoint, Hash, NoteVerifier } from '#tlog';

/** A request that is whole, about a known log and signed by it. C2SP tlog-witness, add-checkpoint */
export interface Submission {
  readonly oldSize: bigint;
  readonly proof: readonly Hash[];
  readonly checkpoint: Checkpoint;
  /** The checkpoint with its signatures, as it was sent. */
  readonly note: string;
}

/** Why nothing is cosigned. `size` goes with 409: the size of the latest cosigned checkpoint. */
export interface Refusal {
  readonly status: 400 | 403 | 404 | 409 | 422;
  readonly reason: string;
  readonly size?: bigint;
  /** The log signed two roots for one size: the two notes together prove it to anybody. */
  readonly conflict?: true;
}

export type Opened = { readonly submission: Submission } | { readonly refusal: Refusal };

const MAX_PROOF_LINES = 63;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads a request body and verifies the log's signature under the keys of its origin; never throws. */
export function openSubmission(body: Uint8Array, keysOf: (origin: string) => readonly NoteVerifier[]): Opened {
  const request = parseRequest(body);
  if (request === undefined) {
    return refuse(400, 'The body is not an old size line, at most 63 hashes in base64, an empty line and a checkpoint.');
  }
  const { note, ...rest } = request;
  try {
    // The origin says which keys may sign, so it is read before anything is verified.
    const { origin } = parseCheckpoint(note.slice(0, note.lastIndexOf('\n\n') + 1));
    const keys = keysOf(origin);
    if (keys.length === 0) return refuse(404, 'This witness does not know that log.');
    const { size, root } = openCheckpoint(note, keys);
    if (rest.oldSize > size) return refuse(400, `The old size ${rest.oldSize} is larger than the checkpoint's, ${size}.`);
    return { submission: { ...rest, note, checkpoint: { origin, size, root } } };
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    const untrusted = error.code === 'note-unsigned' || error.code === 'signature-invalid';
    return refuse(untrusted ? 403 : 400, error.message);
  }
}

/** Whether a submission extends the latest checkpoint that was cosigned for its log; undefined when it does. */
export function refusalOf({ oldSize, proof, checkpoint }: Submission, latest: Checkpoint | undefined): Refusal | undefined {
  const size = latest?.size ?? 0n;
  const root = latest?.root ?? EMPTY_ROOT;
  if (checkpoint.size === size && Buffer.compare(checkpoint.root, root) !== 0) {
    const reason = `The log signed another root for size ${size}.`;
    return { status: 409, reason, size, ...(latest === undefined ? {} : { conflict: true }) };
  }
  if (oldSize !== size) return { status: 409, reason: `The latest cosigned size is ${size}, not ${oldSize}.`, size };
  try {
    verifyConsistency({ oldSize, newSize: checkpoint.size, oldRoot: root, newRoot: checkpoint.root, proof });
    return undefined;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    return { status: 422, reason: error.message };
  }
}

function refuse(status: Refusal['status'], reason: string): Opened {
  return { refusal: { status, reason } };
}

function parseRequest(body: Uint8Array): { oldSize: bigint; proof: readonly Hash[]; note: string } | undefined {
  const text = decoded(body);
  const blank = text?.indexOf('\n\n') ?? -1;
  if (text === undefined || blank < 0) return undefined;
  const [first, ...lines] = text.slice(0, blank).split('\n');
  const digits = /^old (0|[1-9][0-9]{0,19})$/.exec(first ?? '')?.[1];
  if (digits === undefined || BigInt(digits) >= 1n << 64n || lines.length > MAX_PROOF_LINES) return undefined;
  const proof = lines.map((line) => new Uint8Array(Buffer.from(line, 'base64')));
  // Buffer skips what it does not know; encoding again leaves exactly one text for each hash. RFC 4648 §4
  const exact = proof.every((hash, i) => hash.length === 32 && Buffer.from(hash).toString('base64') === lines[i]);
  return exact ? { oldSize: BigInt(digits), proof, note: text.slice(blank + 2) } : undefined;
}

function decoded(body: Uint8Array): string | undefined {
  try {
    return decoder.decode(body);
  } catch {
    return undefined;
  }
}
