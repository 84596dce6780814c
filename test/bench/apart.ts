import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { fsck, openSnapshot } from '#fsck';
import { parseVerifier } from '#tlog';
import { replayLog } from '../../apps/verifier/src/log-replay.js';
import { logSource } from '../../apps/verifier/src/log-source.js';

/** What is read, by whom, under which key: an address of a database for fsck, a folder for `verify`. */
export interface Reading {
  readonly by: 'fsck' | 'verify';
  readonly from: string;
  readonly logKey: string;
}

export interface ReadApart {
  readonly entries: number;
  readonly elapsedMs: number;
  /** The most memory that the process ever had. */
  readonly peakMiB: number;
}

/** Reads a whole log in a process of its own, whose memory nothing else uses. @throws Error when it finds a fault or fails */
export async function readApart(reading: Reading): Promise<ReadApart> {
  const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(reading)], {
    // V8 takes what it is given before it tidies up; a small heap shows what is needed.
    execArgv: ['--max-old-space-size=96'],
  });
  const answers: ReadApart[] = [];
  child.on('message', (answer) => answers.push(answer as ReadApart));
  const [code] = (await once(child, 'exit')) as [number | null];
  const [answer] = answers;
  if (code !== 0 || answer === undefined) throw new Error(`${reading.by} of ${reading.from} failed`);
  return answer;
}

async function entriesOf({ by, from, logKey }: Reading): Promise<number> {
  const key = parseVerifier(logKey);
  if (by === 'verify') {
    const { ok, checks, checkpoint } = await replayLog(logSource(from), { logKey: key });
    if (!ok) throw new Error(`The log does not verify: ${JSON.stringify(checks.at(-1))}`);
    return Number(checkpoint?.size);
  }
  const snapshot = await openSnapshot(from);
  try {
    const { ok, entries, first } = await fsck(snapshot.client, { logKeys: [key] });
    if (!ok) throw new Error(`fsck found faults in a log nobody touched: ${JSON.stringify(first)}`);
    return Number(entries);
  } finally {
    await snapshot.close();
  }
}

if (process.send !== undefined && process.argv[1] === fileURLToPath(import.meta.url)) {
  const begun = performance.now();
  const entries = await entriesOf(JSON.parse(process.argv[2] ?? '') as Reading);
  const answer: ReadApart = {
    entries,
    elapsedMs: performance.now() - begun,
    peakMiB: process.resourceUsage().maxRSS / 1024,
  };
  process.send(answer);
  process.disconnect();
}
