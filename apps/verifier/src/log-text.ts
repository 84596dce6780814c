import type { LogVerdict } from './log-replay.js';
import { fingerprint, printable } from './verdict-text.js';

export interface LogResult {
  /** Folder or address. */
  readonly log: string;
  readonly verdict: LogVerdict;
  /** The keys under which the checkpoint was opened. */
  readonly logKeys: readonly string[];
  /** False: they came with the log itself. */
  readonly logKeysPinned: boolean;
}

const TILES_ONLY = [
  'Checked: that the hash tiles lead to the signed root.',
  'NOT checked, because no entry bundles were there: what the entries say, and that the chain of every subject is whole.',
  'Auditors get entry bundles with --token.',
];
const WITH_ENTRIES = [
  'Not checked, because a public log does not hold them: the private payloads, and the maps of heads, whose size they tell.',
  'Evidence bundles and fsck check those.',
];

/** One line a check, then a sentence on the whole, on what was not checked, and on where the keys came from. */
export function logText({ log, verdict, logKeys, logKeysPinned }: LogResult): string {
  const lines = verdict.checks.map(({ name, ok, where, detail }) => {
    return `${ok ? '✓' : '✗'} ${name}: ${where === undefined ? '' : `${printable(where)}: `}${printable(detail)}`;
  });
  const { size = 0n } = verdict.checkpoint ?? {};
  const origin = printable(verdict.checkpoint?.origin ?? '');
  const what = verdict.entriesRead ? `all ${size} entries` : `the hash tiles of ${size} entries, nothing else,`;
  const closing = verdict.ok
    ? [`VERIFIED: ${what} of the log ${origin}.`, ...(verdict.entriesRead ? WITH_ENTRIES : TILES_ONLY)]
    : [`NOT VERIFIED: ${printable(log)} is not the log that was signed, from here on.`];
  const keys = logKeys.flatMap((vkey) => [`  ${printable(vkey)}`, `  SHA-256 fingerprint: ${fingerprint(vkey)}`]);
  const source = logKeysPinned
    ? 'The log key is one that you gave, with --log-key or --policy:'
    : 'The log key came with the log itself. That shows only that the log agrees with itself: give the published key with --log-key.';
  return [...lines, '', ...closing, source, ...keys, ''].join('\n');
}

/** One JSON object; sizes as decimal strings, hashes as base64. */
export function logJson({ log, verdict, ...keys }: LogResult): string {
  const { checkpoint, ...rest } = verdict;
  const shown = checkpoint && {
    origin: checkpoint.origin,
    size: checkpoint.size.toString(),
    root: Buffer.from(checkpoint.root).toString('base64'),
  };
  return `${JSON.stringify({ log, ...rest, ...(shown ? { checkpoint: shown } : {}), ...keys })}\n`;
}
