import type { FsckReport } from '#fsck';
import { fingerprint, printable } from './verdict-text.js';

export interface FsckResult {
  readonly report: FsckReport;
  /** Whether a policy was given. */
  readonly policed: boolean;
  /** The keys under which checkpoints were opened. */
  readonly logKeys: readonly string[];
  /** False: they came from the database itself. */
  readonly logKeysPinned: boolean;
}

/** The finding about the first entry that differs, the other findings, then what was checked, what was not, and where the keys came from. */
export function fsckText({ report, policed, logKeys, logKeysPinned }: FsckResult): string {
  const { first, findings, found } = report;
  const sorted = first === undefined ? findings : [first, ...findings.filter((finding) => finding !== first)];
  const more = found - sorted.length;
  const keys = logKeys.flatMap((vkey) => [`  ${printable(vkey)}`, `  SHA-256 fingerprint: ${fingerprint(vkey)}`]);
  return [
    ...sorted.map(({ where, what }) => `✗ ${printable(where)}: ${printable(what)}`),
    ...(more > 0 ? [`✗ and ${more} more findings`] : []),
    ...(found > 0 ? [''] : []),
    `${report.ok ? 'CONSISTENT' : 'NOT CONSISTENT'}: ${printable(report.origin)}, ${report.entries} entries, ${found} findings.`,
    ...checkedLines(report, policed),
    logKeysPinned
      ? 'The log keys are those that you gave, with --log-key or --policy:'
      : 'The log keys came from the database itself, which shows little: whoever may write there may have put their own key there. Give the published key with --log-key.',
    ...keys,
    '',
  ].join('\n');
}

/** One JSON object; sizes as decimal strings, but for the number of entries. */
export function fsckJson({ report, policed: _, ...keys }: FsckResult): string {
  const { entries, signed, cosigned, mirror, originals, first, ...rest } = report;
  const shown = {
    ...rest,
    entries: Number(entries),
    signed: signed?.toString() ?? null,
    cosigned: cosigned?.toString() ?? null,
    mirror: mirror === undefined ? null : { ...mirror, newest: mirror.newest.toString() },
    originals: originals ?? null,
    first: first ?? null,
  };
  return `${JSON.stringify({ ...shown, ...keys })}\n`;
}

function checkedLines(report: FsckReport, policed: boolean): string[] {
  const { entries, checkpoints, cosignatures, signed = 0n, cosigned, erased, heads, mirror, originals } = report;
  const lines = [
    `Database: rows, chains, tiles and root; ${checkpoints} checkpoints, ${cosignatures} cosignatures; ${erased} payloads erased.`,
    `Signed: the first ${signed} entries${signed < entries ? `; nobody vouches yet for the ${entries - signed} behind them` : ''}.`,
    `Maps of heads: ${heads.checked} of ${heads.logged} made again.`,
  ];
  if (policed) lines.push(`Policy: the newest checkpoint that satisfies it is that of ${cosigned ?? 'no'} entries.`);
  if (mirror !== undefined) {
    const again = mirror.again === 0 ? '' : `, ${mirror.again} versions written again with the same bytes`;
    lines.push(
      `Mirror: ${mirror.checkpoints} checkpoints, the newest that of ${mirror.newest} entries; ${mirror.tiles} tiles${again}.`,
    );
  }
  if (originals !== undefined)
    lines.push(`Originals: ${originals.checked} ${originals.depth === 'hash' ? 'read whole' : 'looked at, not read'}.`);
  const left = [...(mirror === undefined ? ['the mirror'] : []), ...(originals === undefined ? ['the originals'] : [])];
  if (left.length > 0) lines.push(`NOT checked: ${left.join(' and ')}.`);
  return lines;
}
