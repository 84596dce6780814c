import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { parseVerifier, verifyReceipt } from '#tlog';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import type { Stack } from '../support/stack.js';
import { countsOn } from './custody-chain.js';
import { asSuperuser } from './superuser.js';

export interface SealedFile {
  readonly recording: string;
  readonly bytes: Uint8Array;
  /** The receipt's exact text. */
  readonly receipt: string;
}

/**
 * Nothing lost, nothing twice: one recording of those bytes, announced once, sealed once, and a receipt that says so and verifies.
 * @throws AssertionError, TlogError
 */
export async function expectSealedOnce(
  stack: Stack,
  auditor: HttpClient,
  { recording, bytes, receipt }: SealedFile,
): Promise<void> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  verifyReceipt(receipt, { logKey: parseVerifier(stack.logKey), sha256, recording });
  assert.deepEqual(await recordingsOf(stack, sha256), [{ id: recording, state: 'sealed' }]);
  const counts = async (): Promise<Readonly<Record<string, number>>> => countsOn(auditor, recording);
  await eventually('the sealing is on record', async () => (await counts())['recording.sealed'] !== undefined);
  const { 'recording.announced': announced, 'recording.sealed': sealed } = await counts();
  assert.deepEqual({ announced, sealed }, { announced: 1, sealed: 1 });
}

/** All there are of those bytes, whatever became of them: from the table itself, because no route lists by digest. */
async function recordingsOf(stack: Stack, sha256: string): Promise<{ id: string; state: string }[]> {
  return asSuperuser(stack.database, async (db) => {
    const query = "SELECT id, state FROM recordings WHERE sha256 = decode($1, 'hex') ORDER BY id";
    return (await db.query<{ id: string; state: string }>(query, [sha256])).rows;
  });
}
