import { canonicalize, parseCanonical, parseJson, type Json } from './canonical-json.js';
import { fromUtf8, utf8 } from './encodings.js';
import { JsonShape } from './json-shape.js';
import { sha256 } from './merkle.js';
import { isKeyName } from './note-key.js';
import { TlogError } from './tlog-error.js';

/** The public half of a custody entry: no personal data; its bytes are the log's leaf. DESIGN.md §5 */
export interface EntryHeader {
  readonly v: 1;
  /** Origin of the log. */
  readonly log: string;
  /** UUID of the entry. */
  readonly id: string;
  /** UUID of what the entry is about. */
  readonly subject: string;
  /** Place in the subject's chain, from 0. */
  readonly seq: number;
  /** Base64 leaf hash of the subject's previous entry; null for its first. */
  readonly prev: string | null;
  /** Lowercase words, such as "recording.sealed". */
  readonly type: string;
  /** RFC 3339, UTC, milliseconds, "Z". */
  readonly at: string;
  /** UUID of who acted; null for the system itself. */
  readonly actor: string | null;
  /** Lowercase hexadecimal: the file that the entry is about, where there is one. */
  readonly sha256?: string;
  /** Base64 payload commitment. */
  readonly pc: string;
}

const shape = new JsonShape('header-malformed', 'entry header');
const TYPE = /^(?=.{1,64}$)[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)*$/;
const PAYLOAD_DOMAIN = utf8('custodiet/payload/v1\0');

/** UTF-8 of the header's canonical JSON: what is stored, hashed and logged. @throws TlogError 'header-malformed' */
export function encodeHeader(header: EntryHeader): Uint8Array {
  return utf8(canonicalText(readHeader({ ...header })));
}

/** Strict: canonical JSON of exactly these fields. @throws TlogError */
export function decodeHeader(bytes: Uint8Array): EntryHeader {
  const text = fromUtf8(bytes);
  const header = readHeader(parseJson(text));
  if (canonicalText(header) !== text)
    throw new TlogError('not-canonical', 'The entry header is not in canonical form (RFC 8785).');
  return header;
}

/**
 * SHA-256("custodiet/payload/v1\0" || salt || payload): the salt of 32 random bytes keeps a payload that was erased from being guessed.
 * `payload` is canonical JSON text. @throws TlogError
 */
export function payloadCommitment(salt: Uint8Array, payload: string): Uint8Array {
  parseCanonical(payload);
  return commitmentTo(salt, payload);
}

/** A payload as text and the commitment to it, as `payloadCommitment` gives it. @throws TlogError */
export function commitPayload(salt: Uint8Array, payload: Json): { readonly text: string; readonly commitment: Uint8Array } {
  const text = canonicalize(payload);
  return { text, commitment: commitmentTo(salt, text) };
}

function commitmentTo(salt: Uint8Array, payload: string): Uint8Array {
  if (salt.length !== 32) throw new TlogError('header-malformed', `A salt has 32 bytes, not ${salt.length}.`);
  return sha256(PAYLOAD_DOMAIN, salt, utf8(payload));
}

/**
 * Members in the order of RFC 8785. Only of fields that readHeader has read, none of which but the origin can hold what JSON escapes: `canonicalize`
 * says the same, four times slower, and whoever checks a log does this for each of its entries.
 */
function canonicalText({ actor, at, id, log, pc, prev, seq, sha256, subject, type }: EntryHeader): string {
  const file = sha256 === undefined ? '' : `"sha256":"${sha256}",`;
  return (
    `{"actor":${quoted(actor)},"at":"${at}","id":"${id}","log":${canonicalize(log)},"pc":"${pc}","prev":${quoted(prev)},` +
    `"seq":${seq},${file}"subject":"${subject}","type":"${type}","v":1}`
  );
}

function quoted(text: string | null): string {
  return text === null ? 'null' : `"${text}"`;
}

function readHeader(value: Json): EntryHeader {
  const o = shape.object(value, ['v', 'log', 'id', 'subject', 'seq', 'prev', 'type', 'at', 'actor', 'pc'], ['sha256']);
  const header: EntryHeader = {
    v: shape.literal(o, 'v', 1),
    log: shape.text(o, 'log', isKeyName, 'the origin of a log'),
    id: shape.uuid(o, 'id'),
    subject: shape.uuid(o, 'subject'),
    seq: shape.integer(o, 'seq', 0),
    prev: o['prev'] === null ? null : shape.base64Hash(o, 'prev'),
    type: shape.text(o, 'type', TYPE, 'a name of lowercase words joined by dots and hyphens'),
    at: shape.instant(o, 'at'),
    actor: o['actor'] === null ? null : shape.uuid(o, 'actor'),
    ...(Object.hasOwn(o, 'sha256') ? { sha256: shape.sha256(o, 'sha256') } : {}),
    pc: shape.base64Hash(o, 'pc'),
  };
  if ((header.seq === 0) !== (header.prev === null)) shape.refuse('prev is null for the first entry of a subject and only there');
  return header;
}
