import { DER, DerReader, type DerValue } from './der.js';
import { fromUtf8, hex } from './encodings.js';
import { TlogError } from './tlog-error.js';

/** What a time-stamping authority answered when it granted a timestamp. RFC 3161 §2.4.2 */
export interface Timestamp {
  /** 32 bytes: the SHA-256 that the authority saw. */
  readonly imprint: Uint8Array;
  /** When it saw it, by its own clock. RFC 3339, UTC, milliseconds, "Z"; finer parts are cut off. */
  readonly time: string;
  /** What was sent along with the request, as the content of a DER INTEGER. */
  readonly nonce?: Uint8Array;
  /** The TSTInfo, exactly as it was signed. */
  readonly info: Uint8Array;
  /** As they came, unchecked: the AlgorithmIdentifier, Certificate and SignerInfo values of the SignedData. RFC 5652 §5.1 */
  readonly digestAlgorithms: readonly DerValue[];
  readonly certificates: readonly DerValue[];
  readonly signers: readonly DerValue[];
}

const WHAT = 'timestamp';

// Contents of object identifiers, hexadecimal.
const SIGNED_DATA = '2a864886f70d010702'; // 1.2.840.113549.1.7.2
const TST_INFO = '2a864886f70d0109100104'; // 1.2.840.113549.1.9.16.1.4
const SHA256 = '608648016503040201'; // 2.16.840.1.101.3.4.2.1

const GRANTED = ['00', '01']; // granted, grantedWithMods
const VERSION_1 = '01';
const IMPRINT_BYTES = 32;
const TSA_NAME = 0xa0;
const EXTENSIONS = 0xa1;

/**
 * Reads a TimeStampResp in DER and takes apart what it says. Checks its form only: neither a signature, nor that the authority is one to
 * trust. @throws TlogError 'timestamp-malformed' or 'der-malformed', also when it was not granted or is not of a SHA-256
 */
export function readTimestamp(response: Uint8Array): Timestamp {
  const whole = new DerReader(response, WHAT);
  const body = whole.enter(DER.sequence);
  whole.end();
  refuseUnlessGranted(body.enter(DER.sequence));
  const token = body.enter(DER.sequence);
  body.end();
  expectOid(token, SIGNED_DATA, 'a signed message');
  const wrapped = token.enter(DER.context0);
  token.end();
  const signed = wrapped.enter(DER.sequence);
  wrapped.end();
  signed.read(DER.integer);
  const digestAlgorithms = valuesIn(signed.read(DER.set));
  const info = readSignedContent(signed.enter(DER.sequence));
  const certificates = signed.readIf(DER.context0);
  signed.readIf(DER.context1); // revocation lists
  const signers = valuesIn(signed.read(DER.set));
  signed.end();
  return { ...readInfo(info), info, digestAlgorithms, certificates: certificates ? valuesIn(certificates) : [], signers };
}

function refuseUnlessGranted(status: DerReader): void {
  const code = status.read(DER.integer).content;
  if (GRANTED.includes(hex(code))) return;
  const texts = status.readIf(DER.sequence);
  const said = texts && valuesIn(texts).map(({ content }) => fromUtf8(content));
  const why = said === undefined ? '' : `: ${said.join(' ').slice(0, 200)}`;
  throw malformed(`The authority did not grant it (status 0x${hex(code.subarray(0, 8))})${why}`);
}

function readSignedContent(content: DerReader): Uint8Array {
  expectOid(content, TST_INFO, 'of a time');
  const wrapped = content.enter(DER.context0);
  content.end();
  const info = wrapped.read(DER.octetString).content;
  wrapped.end();
  return info;
}

/** TSTInfo, whose optional parts have an order. RFC 3161 §2.4.2 */
function readInfo(bytes: Uint8Array): Pick<Timestamp, 'imprint' | 'time' | 'nonce'> {
  const whole = new DerReader(bytes, WHAT);
  const info = whole.enter(DER.sequence);
  whole.end();
  if (hex(info.read(DER.integer).content) !== VERSION_1) throw malformed('The timestamp is not of version 1.');
  info.read(DER.oid); // the authority's policy
  const imprint = readImprint(info.enter(DER.sequence));
  info.read(DER.integer); // serial number
  const time = readTime(info.read(DER.generalizedTime).content);
  for (const part of [DER.sequence, DER.boolean]) info.readIf(part); // accuracy, ordering
  const nonce = info.readIf(DER.integer)?.content;
  for (const part of [TSA_NAME, EXTENSIONS]) info.readIf(part);
  info.end();
  return { imprint, time, ...(nonce ? { nonce } : {}) };
}

function readImprint(imprint: DerReader): Uint8Array {
  const algorithm = imprint.enter(DER.sequence);
  expectOid(algorithm, SHA256, 'of a SHA-256');
  algorithm.readIf(DER.null);
  algorithm.end();
  const digest = imprint.read(DER.octetString).content;
  imprint.end();
  if (digest.length !== IMPRINT_BYTES) throw malformed(`The timestamp is of ${digest.length} bytes, not of a SHA-256.`);
  return digest;
}

/** GeneralizedTime in UTC with seconds; a fraction does not end in a zero. X.690 §11.7 */
function readTime(content: Uint8Array): string {
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d*[1-9]))?Z$/.exec(fromUtf8(content));
  const [, year, month, day, hour, minute, second, fraction = ''] = parts ?? [];
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`;
  const time = new Date(text);
  // The date parser lets 30 February pass as 1 March.
  if (parts === null || Number.isNaN(time.getTime()) || time.toISOString() !== text)
    throw malformed('The timestamp has no time.');
  return text;
}

function expectOid(reader: DerReader, wanted: string, what: string): void {
  if (hex(reader.read(DER.oid).content) !== wanted) throw malformed(`The timestamp is not ${what}.`);
}

function valuesIn({ content }: DerValue): DerValue[] {
  const reader = new DerReader(content, WHAT);
  const values: DerValue[] = [];
  while (!reader.atEnd) values.push(reader.next());
  return values;
}

function malformed(sentence: string): TlogError {
  return new TlogError('timestamp-malformed', sentence);
}
