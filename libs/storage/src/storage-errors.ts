import { S3ServiceException } from '@aws-sdk/client-s3';
import { Outage } from '#platform';

/** The store could not be reached, has no room left or answered 429 or 5xx: nothing is known about the call's outcome, and it is worth repeating. */
export class StorageUnavailable extends Outage {
  override readonly name = 'StorageUnavailable';
  constructor(doing: string, cause?: unknown) {
    super(`The object store did not answer while ${doing}: ${sentenceOf(cause)}`, { cause });
  }
}

/** The store answered, and will not take this part or this set of parts. Sending the same again gives the same answer. */
export class PartRefused extends Error {
  override readonly name = 'PartRefused';
  /**
   * `digest`: the bytes that arrived are not those of the declared SHA-256; nothing was stored.
   * `unknown-upload`: the multipart upload was completed, aborted or never begun.
   * `other-parts`: the parts that the upload is to be made of are not those that the store has.
   */
  readonly reason: 'digest' | 'unknown-upload' | 'other-parts' | 'other';
  constructor(reason: PartRefused['reason'], detail: string, cause?: unknown) {
    super(`The object store refused the part (${reason}): ${detail}`, { cause });
    this.reason = reason;
  }
}

/** No such bucket, key or version. */
export class ObjectMissing extends Error {
  override readonly name = 'ObjectMissing';
}

/** The range starts at or after the object's end. RFC 9110 §15.5.17 */
export class RangeUnsatisfiable extends Error {
  override readonly name = 'RangeUnsatisfiable';
}

/** A bucket that must lock its versions exists already and cannot. Object Lock can only be chosen when a bucket is made. */
export class BucketNotLockable extends Error {
  override readonly name = 'BucketNotLockable';
  constructor(bucket: string, cause?: unknown) {
    super(`Bucket ${bucket} exists without Object Lock, so it cannot hold evidence: name another bucket or remove this one`, {
      cause,
    });
  }
}

/** The S3 error code ("NoSuchUpload"), undefined when the error is not an answer of the store. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof S3ServiceException ? error.name : undefined;
}

export function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** Turns what the SDK throws into our errors; an answer that is none of them passes unchanged. */
export function translated(error: unknown, doing: string): unknown {
  if (isFault(error)) return new StorageUnavailable(doing, error);
  const code = codeOf(error);
  // HEAD has no body, so its 404 carries no code beyond NotFound
  if (code === 'NoSuchKey' || code === 'NoSuchVersion' || code === 'NoSuchBucket' || code === 'NotFound') {
    return new ObjectMissing(`Not in the object store (${code}) while ${doing}`, { cause: error });
  }
  if (code === 'InvalidRange' || statusOf(error) === 416) {
    return new RangeUnsatisfiable(`The range lies outside the object while ${doing}`, { cause: error });
  }
  return error;
}

function isFault(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || status === 429 || PASSING.has(codeOf(error) ?? '');
  if (!(error instanceof Error)) return false;
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return true;
  // A proxy's HTML error page cannot be parsed as S3's XML: the SDK then throws the parser's error with the answer attached
  if ('$response' in error) return faultyAnswer(error.$response);
  // By its text too: an error that passed through another realm (jest, vm) is wrapped by the SDK and loses its code
  return NETWORK_FAULT.test(`${'code' in error ? String(error.code) : ''} ${error.message}`);
}

function faultyAnswer(response: unknown): boolean {
  return typeof response === 'object' && response !== null && 'statusCode' in response && Number(response.statusCode) >= 500;
}

/** Answers that blame the request by their status and are over when somebody waits or makes room. QuotaExceeded is Ceph's 403. */
const PASSING = new Set(['RequestTimeout', 'QuotaExceeded']);

const NETWORK_FAULT =
  /\b(ECONNREFUSED|ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)\b|socket hang up/;

function sentenceOf(cause: unknown): string {
  if (!(cause instanceof Error)) return 'no answer';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name;
  return cause.message === '' ? code : `${code}: ${cause.message}`;
}
