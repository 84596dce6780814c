import { TlogError, verifyStatement, type LogTrust, type SearchCoverage, type SearchStatement } from '#tlog';
import { readWhole } from './trust-options.js';
import { printable } from './verdict-text.js';

export interface StatementResult {
  readonly ok: boolean;
  readonly path: string;
  /** The vkeys that were trusted. */
  readonly logKeys: readonly string[];
  readonly detail: string;
  readonly code?: string;
  readonly statement?: SearchStatement;
  readonly index?: string;
  readonly at?: string;
  /** Of the tree that the checkpoint signs. */
  readonly size?: string;
  /** Witnesses by the names that the given policy has for them. */
  readonly cosigners?: readonly string[];
}

/** Statement, log entry, proof and checkpoint belong together. That the search was done is the agency's word. @throws Unusable */
export async function checkStatement(path: string, trust: LogTrust): Promise<StatementResult> {
  const bytes = await readWhole(path);
  const logKeys = trust.logKey ? [trust.logKey] : (trust.policy?.logKeys ?? []);
  const common = { path, logKeys: logKeys.map(({ vkey }) => vkey) };
  try {
    const text = textOf(bytes);
    if (text === undefined) return { ok: false, ...common, detail: 'The statement is not UTF-8.', code: 'encoding-malformed' };
    const { statement, index, at, checkpoint, cosigners } = verifyStatement(text, trust);
    const detail = `The log ${checkpoint.origin} holds the statement as entry ${index}, made at ${at}.`;
    const size = checkpoint.size.toString();
    return {
      ok: true,
      ...common,
      detail,
      statement,
      index: index.toString(),
      at,
      size,
      cosigners: cosigners.map(({ alias }) => alias),
    };
  } catch (error) {
    if (error instanceof TlogError) return { ok: false, ...common, detail: error.message, code: error.code };
    throw error;
  }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

export function statementText({ ok, path, detail, statement, logKeys, cosigners }: StatementResult): string {
  return [
    `${ok ? '✓' : '✗'} statement: ${printable(detail)}`,
    '',
    ...(ok && statement !== undefined
      ? [`VERIFIED: ${printable(statement.agency)} put on record that it found no recording.`, ...saidLines(statement)]
      : [`NOT VERIFIED: ${printable(path)} is not shown to be on record as it stands.`]),
    ...(cosigners?.length ? [`Cosigned, as the policy you gave wants it, by: ${cosigners.map(printable).join(', ')}`] : []),
    ...logKeys.map((logKey) => `Log key, as you gave it: ${logKey}`),
    '',
  ].join('\n');
}

function saidLines({ searchInWords, log, coverage }: SearchStatement): string[] {
  return [
    `Looked for: ${printable(searchInWords)}`,
    `In the first ${log.size} entries of the log. What came later is not spoken of.`,
    ...coverage.flatMap(coverageLines),
    'What is proven: the statement was made then, and was not altered. What it says is the word of the agency.',
  ];
}

function coverageLines({ from, until, ...covered }: SearchCoverage, place: number): string[] {
  const gone = covered.cameras.filter(({ missingCount, disorderly }) => missingCount > 0 || disorderly);
  return [
    `${place + 1}. ${from ?? 'the beginning'} to ${until ?? 'the end'}: ${covered.onRecord} recordings on record, ${covered.withoutPosition} of them without positions;`,
    `   announced and not sealed: ${covered.notSealedCount}; quarantined: ${covered.quarantinedCount}; cameras concerned: ${covered.cameras.length}${covered.camerasTruncated ? ' and more' : ''}`,
    ...gone.map(({ serial, missing, missingCount, disorderly }) =>
      disorderly
        ? `   camera ${printable(serial)}: its numbers do not tell what is missing`
        : `   camera ${printable(serial)}: ${missingCount} missing: ${missing
            .slice(0, 10)
            .map((gap) => (gap.from === gap.to ? String(gap.from) : `${gap.from}–${gap.to}`))
            .join(', ')}${missing.length > 10 ? ', …' : ''}`,
    ),
  ];
}
