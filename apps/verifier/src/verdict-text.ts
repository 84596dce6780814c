import { createHash } from 'node:crypto';
import { opensslCommand, parseVerifier, type BundleVerdict } from '#tlog';

export interface BundleResult {
  readonly path: string;
  readonly verdict: BundleVerdict;
}

export interface ReceiptResult {
  readonly ok: boolean;
  readonly receipt: string;
  readonly file: string;
  /** Of the file in hand, lowercase hexadecimal. */
  readonly sha256: string;
  /** The vkeys that were trusted. */
  readonly logKeys: readonly string[];
  readonly detail: string;
  readonly code?: string;
  readonly index?: string;
  readonly at?: string;
  readonly size?: string;
  /** Witnesses by the names that the given policy has for them. */
  readonly cosigners?: readonly string[];
}

/** One line a check, then a sentence on the whole and on where the log's key came from. */
export function bundleText({ path, verdict }: BundleResult): string {
  const lines = verdict.checks.map(({ name, ok, where, detail }) => {
    return `${ok ? '✓' : '✗'} ${printable(name)}: ${where === undefined ? '' : `${printable(where)}: `}${printable(detail)}`;
  });
  const failed = verdict.checks.filter(({ ok }) => !ok).length;
  const closing = verdict.ok
    ? `VERIFIED: recording ${verdict.recording ?? ''}, ${verdict.entries} log entries, nothing altered.`
    : `NOT VERIFIED: ${failed === 1 ? 'one check' : `${failed} checks`} of ${printable(path)} failed.`;
  // What a bundle that fails says about itself counts for nothing.
  const proven = verdict.ok ? [...erasedLines(verdict), ...policyLines(verdict), ...timestampLines(verdict)] : [];
  return [...lines, '', closing, ...proven, ...keyLines(verdict)].join('\n') + '\n';
}

/** One JSON object; sizes and indexes as decimal strings, hashes as base64. */
export function bundleJson({ path, verdict }: BundleResult): string {
  const { checkpoint, complete, ...rest } = verdict;
  const shown = checkpoint && {
    origin: checkpoint.origin,
    size: checkpoint.size.toString(),
    root: Buffer.from(checkpoint.root).toString('base64'),
  };
  const whole = complete === undefined ? {} : { complete: { ...complete, size: complete.size.toString() } };
  const key = verdict.logKey === undefined ? {} : { logKeyFingerprint: fingerprint(verdict.logKey) };
  return `${JSON.stringify({ bundle: path, ...rest, ...(shown ? { checkpoint: shown } : {}), ...whole, ...key })}\n`;
}

export function receiptText({ ok, receipt, file, sha256, logKeys, detail, cosigners }: ReceiptResult): string {
  return [
    `${ok ? '✓' : '✗'} receipt: ${printable(detail)}`,
    '',
    ok
      ? `VERIFIED: ${printable(file)} is the sealed recording.`
      : `NOT VERIFIED: ${printable(receipt)} does not prove ${printable(file)}.`,
    `SHA-256 of the file: ${sha256}`,
    ...(cosigners?.length ? [`Cosigned, as the policy you gave wants it, by: ${cosigners.map(printable).join(', ')}`] : []),
    ...logKeys.map((logKey) => `Log key, as you gave it: ${logKey}`),
    '',
  ].join('\n');
}

function erasedLines({ erased }: BundleVerdict): string[] {
  return erased.map(({ entry, type, by, at }) => `Payload erased: ${type} ${entry}, by entry ${by} at ${at}.`);
}

function policyLines({ cosigned }: BundleVerdict): string[] {
  if (cosigned === undefined) return [];
  const by = cosigned.by.map(({ alias, time }) => `  ${printable(alias)}, ${time}`);
  return cosigned.pinned
    ? ['Cosigned as the policy you gave wants it, by:', ...by]
    : [
        'Cosigned as the policy in the bundle wants it; nobody but the bundle vouches for these witnesses unless you give --policy:',
        ...by,
      ];
}

function timestampLines({ timestamps }: BundleVerdict): string[] {
  if (timestamps.length === 0) return [];
  return [
    'Timestamps of the checkpoint, by their own words. Who signed them was NOT checked: unpack the bundle, and give openssl the',
    'certificate of an authority that you trust:',
    ...timestamps.flatMap(({ file, time }) => [`  ${time}`, `    ${opensslCommand(file)}`]),
  ];
}

function keyLines({ logKey, logKeyPinned }: BundleVerdict): string[] {
  if (logKey === undefined) return [];
  const shown = [`  ${printable(logKey)}`, `  SHA-256 fingerprint: ${fingerprint(logKey)}`];
  return logKeyPinned
    ? ['The log key is the one you gave:', ...shown]
    : [
        'The log key came out of the bundle itself. That shows only that the bundle agrees with itself: compare this key with',
        'the one the agency or its oversight board has published, or give that one with --log-key.',
        ...shown,
      ];
}

/** SHA-256 of the raw public key in groups of four hexadecimal digits, to be read out and compared. */
export function fingerprint(vkey: string): string {
  const digest = createHash('sha256').update(parseVerifier(vkey).publicKey).digest('hex');
  return digest.match(/.{4}/g)?.join(' ') ?? digest;
}

/** File names come out of hostile input: what could steer a terminal is shown as an escape. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
