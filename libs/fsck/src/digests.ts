// Not by name: where Node has no hash() yet (before 20.12) a name that cannot be bound would stop the whole of custodiet-verify.
import crypto from 'node:crypto';

// libs/tlog hashes what it is given in pieces; here a million rows and nodes are hashed, and one call on one piece takes half the time.
const PAYLOAD_DOMAIN = Buffer.from('custodiet/payload/v1\0');
const SALT_BYTES = 32;
const HASH_BYTES = 32;
const node = Buffer.alloc(1 + 2 * HASH_BYTES, 1);
let room = Buffer.alloc(4096);

function withRoomFor(bytes: number): Buffer {
  if (bytes > room.length) room = Buffer.alloc(2 * bytes);
  return room;
}

/** SHA-256(0x00 || data[start, end)). RFC 6962 §2.1 */
export function leafHash(data: Buffer, start: number, end: number): Buffer {
  const length = 1 + end - start;
  const whole = withRoomFor(length);
  whole[0] = 0;
  data.copy(whole, 1, start, end);
  return crypto.hash('sha256', whole.subarray(0, length), 'buffer');
}

/** SHA-256(0x01 || left || right). RFC 6962 §2.1 */
export function nodeHash(left: Buffer, right: Buffer): Buffer {
  left.copy(node, 1);
  right.copy(node, 1 + HASH_BYTES);
  return crypto.hash('sha256', node, 'buffer');
}

/** The payload commitment of libs/tlog/README.md in base64. `salt` is where the 32 bytes of it begin in `data`. */
export function commitment(data: Buffer, salt: number, payload: number, end: number): string {
  const length = PAYLOAD_DOMAIN.length + SALT_BYTES + end - payload;
  const whole = withRoomFor(length);
  PAYLOAD_DOMAIN.copy(whole, 0);
  data.copy(whole, PAYLOAD_DOMAIN.length, salt, salt + SALT_BYTES);
  data.copy(whole, PAYLOAD_DOMAIN.length + SALT_BYTES, payload, end);
  return crypto.hash('sha256', whole.subarray(0, length), 'base64');
}

/** Lowercase hexadecimal. */
export function sha256Hex(bytes: Uint8Array): string {
  return crypto.hash('sha256', bytes, 'hex');
}
