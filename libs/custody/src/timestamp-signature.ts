import { createHash, verify, X509Certificate } from 'node:crypto';
import { DER, DerReader, TlogError, type DerValue, type Timestamp } from '#tlog';

const WHAT = 'signature of the timestamp';
const SUBJECT_KEY_ID = 0x80;
const TIME_STAMPING = '1.3.6.1.5.5.7.3.8';

// Contents of object identifiers, hexadecimal.
const TST_INFO = '2a864886f70d0109100104';
const ATTRIBUTE = {
  contentType: '2a864886f70d010903',
  messageDigest: '2a864886f70d010904',
  signingCertificate: '2a864886f70d010910020c',
  signingCertificateV2: '2a864886f70d010910022f',
};
const DIGESTS: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
};
const RSA_WITH_ANY = '2a864886f70d010101';
/** RSA (PKCS #1 v1.5) and ECDSA with the digest that belongs to them. */
const SIGNATURES: Readonly<Record<string, string>> = {
  '2a864886f70d01010b': 'sha256',
  '2a864886f70d01010c': 'sha384',
  '2a864886f70d01010d': 'sha512',
  '2a8648ce3d040302': 'sha256',
  '2a8648ce3d040303': 'sha384',
  '2a8648ce3d040304': 'sha512',
};

/** The timestamp is not what it says, whoever made it. */
export class SignatureRefused extends Error {}

/**
 * That the one signature verifies under the certificate which it names, that the certificate is in the token and made for timestamps.
 * Whether its owner is to be trusted is left to whoever receives the timestamp. RFC 3161 §2.3 and §2.4.2, RFC 5652 §5.4, RFC 5816
 *
 * @throws SignatureRefused
 */
export function checkTimestampSignature({ info, digestAlgorithms, certificates, signers }: Timestamp): void {
  const [signer, ...others] = signers;
  if (signer === undefined || others.length > 0) refuse(`it has ${signers.length} signatures, not one`);
  try {
    const { signedBy, digest, attributes, signed, signature } = readSigner(signer);
    if (!digestAlgorithms.some((algorithm) => DIGESTS[oidIn(algorithm)] === digest))
      refuse('it does not list the digest that it uses');
    if (hex(attributes.get(ATTRIBUTE.contentType)?.content) !== TST_INFO) refuse('its signature is not of a timestamp');
    const imprint = attributes.get(ATTRIBUTE.messageDigest)?.content;
    if (hex(imprint) !== hash(digest, info)) refuse('its signature is of other content');
    const certificate = signingCertificate(attributes, certificates);
    // The others too have to be some: openssl reads them all before it looks at any.
    for (const { bytes } of certificates) new X509Certificate(bytes);
    if (signedBy !== undefined && hex(issuerAndSerial(certificate)) !== hex(signedBy))
      refuse('its signature names two different certificates');
    const { publicKey, keyUsage } = new X509Certificate(certificate.bytes);
    // Node gives the extended usages under this name.
    if (!(keyUsage as string[] | undefined)?.includes(TIME_STAMPING)) refuse('its certificate is not one for timestamps');
    if (!verify(digest, signed, publicKey, signature)) refuse('its signature does not verify');
  } catch (error) {
    if (error instanceof SignatureRefused) throw error;
    if (error instanceof TlogError) return refuse(error.message);
    return refuse(`its certificate cannot be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

interface Signer {
  /** Issuer and serial number of the certificate; undefined when it is named otherwise. */
  readonly signedBy: Uint8Array | undefined;
  /** By Node's name. */
  readonly digest: string;
  /** Values by the hexadecimal content of their object identifiers. */
  readonly attributes: ReadonlyMap<string, DerValue>;
  /** The attributes as they were signed. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** SignerInfo. RFC 5652 §5.3 */
function readSigner({ bytes }: DerValue): Signer {
  const signer = new DerReader(bytes, WHAT).enter(DER.sequence);
  signer.read(DER.integer);
  const signedBy = signer.readIf(DER.sequence)?.content;
  if (signedBy === undefined) signer.read(SUBJECT_KEY_ID);
  const digest = DIGESTS[algorithmIn(signer)] ?? refuse('its signature is over a digest that is not known here');
  const attributes = signer.read(DER.context0);
  const algorithm = algorithmIn(signer);
  if (algorithm !== RSA_WITH_ANY && SIGNATURES[algorithm] !== digest) refuse('its signature is of a kind that is not known here');
  const signature = signer.read(DER.octetString).content;
  signer.readIf(DER.context1);
  signer.end();
  // Signed as the SET that they are, sent under another identifier. RFC 5652 §5.4
  const signed = Uint8Array.from(attributes.bytes);
  signed[0] = DER.set;
  return { signedBy, digest, attributes: readAttributes(attributes), signed, signature };
}

function readAttributes({ content }: DerValue): Map<string, DerValue> {
  const reader = new DerReader(content, WHAT);
  const attributes = new Map<string, DerValue>();
  while (!reader.atEnd) {
    const attribute = reader.enter(DER.sequence);
    const kind = hex(attribute.read(DER.oid).content);
    const values = attribute.enter(DER.set);
    attribute.end();
    if (attributes.has(kind)) refuse('its signature has an attribute twice');
    attributes.set(kind, values.next());
    if (!values.atEnd && Object.values(ATTRIBUTE).includes(kind)) refuse('its signature has an attribute with two values');
  }
  return attributes;
}

/** The certificate that the signed attributes name by its hash: RFC 5816, or with SHA-1 RFC 2634 §5.4. */
function signingCertificate(attributes: ReadonlyMap<string, DerValue>, certificates: readonly DerValue[]): DerValue {
  const v2 = attributes.get(ATTRIBUTE.signingCertificateV2);
  const named = v2 ?? attributes.get(ATTRIBUTE.signingCertificate) ?? refuse('its signature does not name a certificate');
  const first = new DerReader(named.bytes, WHAT).enter(DER.sequence).enter(DER.sequence).enter(DER.sequence);
  const algorithm = v2 && first.readIf(DER.sequence);
  const digest = v2 === undefined ? 'sha1' : algorithm === undefined ? 'sha256' : DIGESTS[oidIn(algorithm)];
  if (digest === undefined) return refuse('its certificate is named by a digest that is not known here');
  const wanted = hex(first.read(DER.octetString).content);
  return certificates.find(({ bytes }) => hash(digest, bytes) === wanted) ?? refuse('its certificate is not in it');
}

/** Their two values, as in a SignerInfo. RFC 5280 §4.1 */
function issuerAndSerial({ bytes }: DerValue): Uint8Array {
  const certificate = new DerReader(bytes, 'certificate').enter(DER.sequence).enter(DER.sequence);
  certificate.readIf(DER.context0); // version
  const serial = certificate.read(DER.integer);
  certificate.read(DER.sequence); // algorithm
  return Buffer.concat([certificate.read(DER.sequence).bytes, serial.bytes]);
}

function algorithmIn(reader: DerReader): string {
  return oidIn(reader.read(DER.sequence));
}

/** AlgorithmIdentifier; none of those known here has parameters. RFC 4055 §2.1, RFC 5758 §3.2 */
function oidIn({ bytes }: DerValue): string {
  const algorithm = new DerReader(bytes, WHAT).enter(DER.sequence);
  const oid = hex(algorithm.read(DER.oid).content);
  if ((algorithm.readIf(DER.null)?.content.length ?? 0) > 0 || !algorithm.atEnd) refuse('its signature has unknown parameters');
  return oid;
}

function hash(digest: string, bytes: Uint8Array): string {
  return createHash(digest).update(bytes).digest('hex');
}

function hex(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString('hex');
}

function refuse(why: string): never {
  throw new SignatureRefused(why);
}
