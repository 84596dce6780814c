import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits: what the holder keeps, and the hash that we keep. */
export function newSecret(prefix: string): { secret: string; hash: Buffer } {
  const secret = `${prefix}${randomBytes(32).toString('base64url')}`;
  return { secret, hash: hashSecret(secret) };
}

/** Plain SHA-256 is enough: the secret has full entropy, so there is nothing to guess. */
export function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
