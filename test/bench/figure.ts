import type { BenchLogs } from './bench-log.js';

/** One measured figure. */
export interface Figure {
  /** Suite, dot, what was measured. */
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The same work done the plainest way, in the same run: machines differ, the ratio stays. */
  readonly reference?: number;
}

export interface Bench {
  /** How long each measurement may take. */
  readonly seconds: number;
  /** How many entries the log holds that is measured. */
  readonly entries: number;
  /** How many recordings the tables hold when ingest is measured the second time. */
  readonly recordings: number;
  /** How many docks send at once. */
  readonly docks: number;
  /** Size of the one large file. */
  readonly fileBytes: number;
  /** Length of the clip that is transcoded and redacted, or watched. */
  readonly clipSeconds: number;
  /** How many watch at once. */
  readonly viewers: number;
  /** Logs that the suites share. */
  readonly logs: BenchLogs;
  /** Puts a figure on standard output. */
  readonly report: (figure: Figure) => void;
  /** Puts a line on standard error. */
  readonly say: (line: string) => void;
}

/** One JSON object; three significant digits, because more would only look exact. */
export function figureLine({ name, value, unit, reference }: Figure): string {
  const compared = reference === undefined ? {} : { reference: rounded(reference), ratio: rounded(value / reference) };
  return JSON.stringify({ name, value: rounded(value), unit, ...compared });
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
