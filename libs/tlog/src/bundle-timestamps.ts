import { attempt, type Fault, type Files } from './bundle-check.js';
import { BUNDLE_FILES, TIMESTAMP_PATH, timestampPath } from './bundle-format.js';
import { equalBytes } from './encodings.js';
import { sha256 } from './merkle.js';
import { readTimestamp } from './timestamp.js';

/** What a timestamp in the bundle says. Nobody has checked yet who signed it. */
export interface BundleTimestamp {
  /** Path in the bundle. */
  readonly file: string;
  /** When an authority saw the checkpoint, by its own clock. RFC 3339, UTC, milliseconds, "Z". */
  readonly time: string;
}

/** Checks it under the certificates of an authority, in a folder that holds the bundle's files. openssl-ts(1) */
export function opensslCommand(file: string): string {
  return `openssl ts -verify -in ${file} -data ${BUNDLE_FILES.checkpoint} -CAfile AUTHORITY.pem`;
}

export function hasTimestamps(files: Files): boolean {
  return timestampFiles(files).length > 0;
}

/**
 * That each is a timestamp of the checkpoint as it stands in the bundle. The authorities' signatures are left to whoever has their
 * certificates: a verifier cannot know which authorities a reader trusts.
 */
export function checkTimestamps(files: Files, fault: Fault): { detail: string; value: readonly BundleTimestamp[] } {
  const present = timestampFiles(files);
  const checkpoint = files.get(BUNDLE_FILES.checkpoint);
  const digest = checkpoint && sha256(checkpoint);
  const value: BundleTimestamp[] = [];
  for (let n = 1; n <= present.length; n += 1) {
    const file = timestampPath(n);
    const response = files.get(file);
    if (response === undefined) {
      fault(file, 'The file is missing: timestamps are counted from 1.');
      continue;
    }
    const timestamp = attempt(fault, file, () => readTimestamp(response));
    if (timestamp === undefined) continue;
    if (digest && equalBytes(timestamp.imprint, digest)) value.push({ file, time: timestamp.time });
    else fault(file, 'It is a timestamp of something else than the checkpoint of this bundle.');
  }
  const times = value.map(({ time }) => time).join(', ');
  return {
    detail: `Timestamps of this checkpoint say ${times}. The authorities' signatures were NOT checked; for each: ${opensslCommand(timestampPath(1))}`,
    value,
  };
}

function timestampFiles(files: Files): string[] {
  return [...files.keys()].filter((path) => TIMESTAMP_PATH.test(path));
}
