import { createHash, randomBytes } from 'node:crypto';
import { readTimestamp, TlogError } from '#tlog';
import { timestampRequest, unsignedInteger } from './timestamp-request.js';
import { checkTimestampSignature, SignatureRefused } from './timestamp-signature.js';

const QUERY = 'application/timestamp-query';
const REPLY = 'application/timestamp-reply';
const NONCE_BYTES = 8;
// With the whole chain of certificates and revocation lists they are seldom over 20 KB.
const MOST_BYTES = 262_144;

/** What an authority answered. */
export type TimestampAnswer =
  | { readonly kind: 'granted'; /** TimeStampResp in DER. */ readonly response: Buffer }
  | { readonly kind: 'refused'; readonly why: string };

/** An authority by its URL, without what proves who we are to it. */
export function authorityName(url: string): string {
  const name = new URL(url);
  name.username = '';
  name.password = '';
  return name.href;
}

/**
 * Asks an authority for a timestamp of these bytes. A user name and password in its URL are sent as HTTP Basic. Granted means: of these
 * bytes, for this very request, with a signature that verifies under the certificate in it. Never throws: an authority is not ours, and
 * whatever it does or fails to do is an answer. RFC 3161 §2.4 and §3.4
 */
export async function askForTimestamp(url: string, data: Uint8Array, timeLimitMs: number): Promise<TimestampAnswer> {
  const sha256 = createHash('sha256').update(data).digest();
  const nonce = randomBytes(NONCE_BYTES);
  try {
    const answer = await fetch(authorityName(url), {
      method: 'POST',
      headers: { 'content-type': QUERY, accept: REPLY, ...credentials(url) },
      body: Buffer.from(timestampRequest(sha256, nonce)),
      signal: AbortSignal.timeout(timeLimitMs),
      // Elsewhere than the configuration says is somebody else.
      redirect: 'error',
    });
    const response = await limited(answer);
    if (answer.status !== 200) return refused(`it answered ${answer.status}`);
    const type = answer.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
    if (type !== REPLY) return refused(`it answered with ${JSON.stringify(type ?? 'no content type')}, not with ${REPLY}`);
    if (response === undefined) return refused(`it answered with more than ${MOST_BYTES} bytes`);
    return checked(response, sha256, nonce);
  } catch (error) {
    return refused(reasonOf(error, timeLimitMs));
  }
}

function checked(response: Buffer, sha256: Buffer, nonce: Buffer): TimestampAnswer {
  try {
    const timestamp = readTimestamp(response);
    if (!sha256.equals(timestamp.imprint)) return refused('it answered with a timestamp of something else');
    if (timestamp.nonce === undefined || !Buffer.from(unsignedInteger(nonce)).equals(timestamp.nonce))
      return refused('it answered with the timestamp of another request');
    checkTimestampSignature(timestamp);
    return { kind: 'granted', response };
  } catch (error) {
    if (error instanceof TlogError) return refused(`its answer is no timestamp: ${error.message}`);
    if (error instanceof SignatureRefused) return refused(`its timestamp is not to be used: ${error.message}`);
    throw error;
  }
}

function credentials(url: string): Record<string, string> {
  const { username, password } = new URL(url);
  if (username === '' && password === '') return {};
  const pair = [username, password].map(decodeURIComponent).join(':');
  return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
}

async function limited(answer: Response): Promise<Buffer | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refused(why: string): TimestampAnswer {
  return { kind: 'refused', why };
}

function reasonOf(error: unknown, timeLimitMs: number): string {
  const { name, message, cause } = error as Error;
  if (name === 'TimeoutError') return `it did not answer within ${timeLimitMs / 1000} s`;
  const deeper = (cause as Error | undefined)?.message;
  return `it cannot be reached: ${deeper === undefined || deeper === '' ? message : deeper}`;
}
