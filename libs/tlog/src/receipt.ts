import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
import type { Checkpoint } from './checkpoint.js';
import { utf8 } from './encodings.js';
import { decodeHeader } from './entry.js';
import { JsonShape } from './json-shape.js';
import { leafHash, verifyInclusion } from './merkle.js';
import { parseProof } from './tlog-proof.js';
import { TlogError } from './tlog-error.js';
import { openTrusted, type LogTrust } from './witness-policy.js';

/** What the service hands a dock once a recording is sealed; only then may the dock erase its copy. */
export interface Receipt {
  readonly format: 'custodiet/receipt/v1';
  /** UUID of the recording. */
  readonly recording: string;
  /** Of the sealed file, lowercase hexadecimal. */
  readonly sha256: string;
  /** The exact bytes, as text, of the header of the 'recording.sealed' entry. */
  readonly header: string;
  /** C2SP tlog-proof text of that entry. */
  readonly proof: string;
}

const FORMAT = 'custodiet/receipt/v1';
const shape = new JsonShape('receipt-malformed', 'receipt');

/** Canonical JSON without a final newline. @throws TlogError 'receipt-malformed' */
export function formatReceipt(receipt: Receipt): string {
  return canonicalize({ ...readReceipt({ ...receipt }) });
}

/**
 * Checks a receipt against the log's key, a policy, or both, and the SHA-256 of the file in hand (lowercase hexadecimal).
 * @throws TlogError 'receipt-mismatch' when it speaks of another file or recording; other codes when it is malformed or not proven.
 */
export function verifyReceipt(
  receipt: string,
  args: LogTrust & { readonly sha256: string; readonly recording?: string },
): { index: bigint; at: string; checkpoint: Checkpoint; cosigners: readonly { alias: string; time: Date }[] } {
  const { recording, sha256, header: headerText, proof: proofText } = readReceipt(parseCanonical(receipt));
  const header = decodeHeader(utf8(headerText));
  const { index, hashes, checkpoint: note } = parseProof(proofText);
  const { checkpoint, cosigners } = openTrusted(note, args);
  expectSame('The SHA-256 of the file', args.sha256, sha256);
  if (args.recording !== undefined) expectSame('The recording', args.recording, recording);
  expectSame('The SHA-256 in the log entry', header.sha256, sha256);
  expectSame('The subject of the log entry', header.subject, recording);
  expectSame('The type of the log entry', header.type, 'recording.sealed');
  expectSame('The log named by the entry', header.log, checkpoint.origin);
  const { size, root } = checkpoint;
  verifyInclusion({ index, size, leaf: leafHash(utf8(headerText)), proof: hashes, root });
  return { index, at: header.at, checkpoint, cosigners };
}

function readReceipt(value: Json): Receipt {
  const o = shape.object(value, ['format', 'recording', 'sha256', 'header', 'proof']);
  return {
    format: shape.literal(o, 'format', FORMAT),
    recording: shape.uuid(o, 'recording'),
    sha256: shape.sha256(o, 'sha256'),
    header: shape.text(o, 'header', (text) => text !== '', 'the text of an entry header'),
    proof: shape.text(o, 'proof', (text) => text !== '', 'the text of a proof'),
  };
}

function expectSame(what: string, found: string | undefined, wanted: string): void {
  if (found !== wanted) throw new TlogError('receipt-mismatch', `${what} is ${found ?? 'missing'}, the receipt says ${wanted}.`);
}
