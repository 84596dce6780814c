import { DER, encodeDer } from '#tlog';

/** Content of the object identifier 2.16.840.1.101.3.4.2.1, SHA-256. */
const SHA256 = Uint8Array.of(0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01);
const VERSION_1 = Uint8Array.of(1);
const TRUE = Uint8Array.of(0xff);
const NULL = encodeDer(DER.null);
const IMPRINT_BYTES = 32;

/**
 * A TimeStampReq in DER for a SHA-256 digest of 32 bytes, which asks for the authority's certificate. `nonce` is any unsigned number;
 * the answer has to repeat it. RFC 3161 §2.4.1
 */
export function timestampRequest(sha256: Uint8Array, nonce: Uint8Array): Uint8Array {
  if (sha256.length !== IMPRINT_BYTES) throw new RangeError(`A SHA-256 has 32 bytes, not ${sha256.length}.`);
  const imprint = encodeDer(
    DER.sequence,
    encodeDer(DER.sequence, encodeDer(DER.oid, SHA256), NULL),
    encodeDer(DER.octetString, sha256),
  );
  return encodeDer(
    DER.sequence,
    encodeDer(DER.integer, VERSION_1),
    imprint,
    encodeDer(DER.integer, unsignedInteger(nonce)),
    encodeDer(DER.boolean, TRUE),
  );
}

/** Content of the DER INTEGER for big-endian bytes: without leading zeroes, but with one where the number would read as negative. X.690 §8.3 */
export function unsignedInteger(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return (digits[0] ?? 0) < 0x80 ? digits : Uint8Array.of(0, ...digits);
}
