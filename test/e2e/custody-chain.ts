import type { CustodyEntryAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';

/** Entries get their place in the log a moment after the change they record. */
const WITHIN_MS = 10_000;

/** The recording's custody entries, first to last, all that were on record when this was called. @param reader auditor or custodian */
export async function chainOf(reader: HttpClient, recording: string): Promise<readonly CustodyEntryAnswer[]> {
  return eventually(
    `every entry on the chain of ${recording} has its place`,
    async () => {
      const answer = await reader.get<{ entries: CustodyEntryAnswer[]; waiting: number }>(`/api/recordings/${recording}/custody`);
      const { entries, waiting } = answer.expect(200).body;
      return waiting === 0 && entries;
    },
    { withinMs: WITHIN_MS },
  );
}

/** Waits for an entry of that type for which `matches` holds. @throws NeverHappened */
export async function entryOn(
  reader: HttpClient,
  recording: string,
  type: string,
  matches: (event: CustodyEntryAnswer['event']) => boolean = () => true,
): Promise<CustodyEntryAnswer> {
  return eventually(
    `an entry ${type} on the chain of ${recording}`,
    async () => (await chainOf(reader, recording)).find((entry) => entry.type === type && matches(entry.event)),
    { withinMs: WITHIN_MS },
  );
}

/** How many entries of each type the chain has. */
export async function countsOn(reader: HttpClient, recording: string): Promise<Readonly<Record<string, number>>> {
  const counts: Record<string, number> = {};
  for (const { type } of await chainOf(reader, recording)) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}
