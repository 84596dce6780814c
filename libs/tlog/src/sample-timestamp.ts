import { DER, encodeDer } from './der.js';
import { utf8 } from './encodings.js';

/** The parts of a sample timestamp, each a whole DER value, in the order of the types that they are of. */
export interface TimestampParts {
  readonly status: readonly Uint8Array[];
  readonly contentType: Uint8Array;
  readonly signedData: readonly Uint8Array[];
  readonly infoType: Uint8Array;
  readonly info: readonly Uint8Array[];
}

export function oid(hexadecimal: string): Uint8Array {
  return encodeDer(DER.oid, new Uint8Array(Buffer.from(hexadecimal, 'hex')));
}

export function integer(...bytes: readonly number[]): Uint8Array {
  return encodeDer(DER.integer, Uint8Array.from(bytes));
}

/** MessageImprint. RFC 3161 §2.4.1 */
export function imprint(digest: Uint8Array, algorithm = oid('608648016503040201')): Uint8Array {
  return encodeDer(DER.sequence, encodeDer(DER.sequence, algorithm, encodeDer(DER.null)), encodeDer(DER.octetString, digest));
}

export function generalizedTime(text: string): Uint8Array {
  return encodeDer(DER.generalizedTime, utf8(text));
}

/** TSTInfo without its optional parts. RFC 3161 §2.4.2 */
export function sampleInfo(sha256: Uint8Array, time = '20261120110500Z'): Uint8Array[] {
  return [integer(1), oid('2a0304'), imprint(sha256), integer(7), generalizedTime(time)];
}

/** A timestamp that nobody signed, unless `change` makes it something else. For tests. */
export function sampleTimestamp(sha256: Uint8Array, change: Partial<TimestampParts> = {}): Uint8Array {
  const { status, contentType, infoType, info } = {
    status: [integer(0)],
    contentType: oid('2a864886f70d010702'),
    infoType: oid('2a864886f70d0109100104'),
    info: sampleInfo(sha256),
    ...change,
  };
  const wrapped = encodeDer(DER.context0, encodeDer(DER.octetString, encodeDer(DER.sequence, ...info)));
  const signedData = change.signedData ?? [
    integer(3),
    encodeDer(DER.set),
    encodeDer(DER.sequence, infoType, wrapped),
    encodeDer(DER.set),
  ];
  const token = encodeDer(DER.sequence, contentType, encodeDer(DER.context0, encodeDer(DER.sequence, ...signedData)));
  return encodeDer(DER.sequence, encodeDer(DER.sequence, ...status), token);
}
