/** What was refused. Stable: callers and machine-readable output may depend on these. */
export type TlogErrorCode =
  | 'out-of-range'
  | 'hash-malformed'
  | 'proof-invalid'
  | 'proof-malformed'
  | 'tile-malformed'
  | 'encoding-malformed'
  | 'not-canonical'
  | 'key-malformed'
  | 'note-malformed'
  | 'note-unsigned'
  | 'signature-invalid'
  | 'checkpoint-malformed'
  | 'policy-malformed'
  | 'quorum-missing'
  | 'heads-malformed'
  | 'header-malformed'
  | 'manifest-malformed'
  | 'receipt-malformed'
  | 'receipt-mismatch'
  | 'statement-malformed'
  | 'statement-mismatch'
  | 'bundle-malformed'
  | 'package-malformed'
  | 'package-mismatch'
  | 'der-malformed'
  | 'timestamp-malformed'
  | 'not-a-zip'
  | 'zip-altered';

/** The one error of this library: a code for programs and a sentence for people. */
export class TlogError extends Error {
  constructor(
    readonly code: TlogErrorCode,
    message: string,
  ) {
    super(message);
    this.name = 'TlogError';
  }
}
