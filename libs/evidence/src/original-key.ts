import { randomBytes } from 'node:crypto';

/** Unguessable and final: parts go straight to where the original will stay. */
export function originalKey(recordingId: string): string {
  return `originals/${recordingId}/${randomBytes(16).toString('hex')}`;
}
