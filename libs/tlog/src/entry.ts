import { canonicalize, parseCanonical, type Json } from './canonical-json.js';
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
  return utf8(canonicalize({ ...readHeader({ ...header }) }));
}

/** Strict: canonical JSON of exactly these fields. @throws TlogError */
export function decodeHeader(bytes: Uint8Array): EntryHeader {
  return readHeader(parseCanonical(fromUtf8(bytes)));
}

/**
 * SHA-256("custodiet/payload/v1\0" || salt || payload): the salt of 32 random bytes keeps a payload that was erased from being guessed.
 * `payload` is canonical JSON text. @throws TlogError
 */
export function payloadCommitment(salt: Uint8Array, payload: string): Uint8Array {
  if (salt.length !== 32) throw new TlogError('header-malformed', `A salt has 32 bytes, not ${salt.length}.`);
  parseCanonical(payload);
  return sha256(PAYLOAD_DOMAIN, salt, utf8(payload));
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
