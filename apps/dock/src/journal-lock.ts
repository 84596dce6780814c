import { link, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod/mini';
import { JournalTaken, systemCode } from './dock-faults.js';

/** Released, it stays behind with no process in it, so that numbers only ever grow. */
const holder = z.object({ pid: z.nullable(z.int()), started: z.string() });
type Holder = z.infer<typeof holder>;

const NAME = /^lock-(\d+)$/;

/**
 * One process at a time works on a journal. The lock is the file with the highest number; it names a process and when that started, so that
 * the lock of a dead one, or of one whose number another process has now, is taken over. Taking over makes the next number, which only one
 * can do; deleting and making anew the same name would let two succeed.
 */
export class JournalLock {
  private constructor(
    private readonly folder: string,
    private readonly number: number,
  ) {}

  /** @throws JournalTaken naming the process that has it */
  static async take(folder: string): Promise<JournalLock> {
    const mine = join(folder, `mine.${String(process.pid)}.part`);
    const me: Holder = { pid: process.pid, started: (await startOf(process.pid)) ?? '' };
    await writeFile(mine, JSON.stringify(me));
    try {
      for (;;) {
        const last = (await numbers(folder)).at(-1) ?? 0;
        const other = last === 0 ? undefined : await read(folder, last);
        if (other !== undefined && (await isAlive(other))) {
          throw new JournalTaken(
            `Process ${String(other.pid)} is at work on the journal ${folder}: let it end, or put the files where it watches`,
          );
        }
        if (!(await isMade(mine, nameOf(folder, last + 1)))) continue;
        const lock = new JournalLock(folder, last + 1);
        if (await lock.isHighest()) return lock;
        await rm(nameOf(folder, last + 1), { force: true });
      }
    } finally {
      await rm(mine, { force: true });
    }
  }

  async release(): Promise<void> {
    await writeFile(nameOf(this.folder, this.number), JSON.stringify({ pid: null, started: '' } satisfies Holder)).catch(
      // On a full disk it stays ours, and is taken over because we are dead
      () => undefined,
    );
  }

  private async isHighest(): Promise<boolean> {
    const all = await numbers(this.folder);
    if (all.some((each) => each > this.number)) return false;
    for (const each of all) if (each < this.number) await rm(nameOf(this.folder, each), { force: true });
    return true;
  }
}

function nameOf(folder: string, number: number): string {
  return join(folder, `lock-${String(number)}`);
}

async function numbers(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names
    .flatMap((name) => NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

async function isMade(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Undefined when it is gone, or says nothing because a power cut emptied it: then nobody holds it. */
async function read(folder: string, number: number): Promise<Holder | undefined> {
  try {
    return z.parse(holder, JSON.parse(await readFile(nameOf(folder, number), 'utf8')));
  } catch {
    return undefined;
  }
}

async function isAlive({ pid, started }: Holder): Promise<boolean> {
  if (pid === null) return false;
  const boot = await bootId();
  // After a power cut its number may be anybody's, and not everybody's process is ours to look at
  if (boot !== undefined && started !== '' && !started.startsWith(`${boot} `)) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives, under another user
    if (systemCode(error) !== 'EPERM') return false;
  }
  const now = await startOf(pid);
  return now === undefined || started === '' || now === started;
}

/** When a process started, in a form that only equals itself; undefined where the system does not tell. proc(5) */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const [boot, stat] = await Promise.all([bootId(), readFile(`/proc/${String(pid)}/stat`, 'utf8')]);
    // The command's name is in brackets and may hold spaces; field 22 counts from behind it
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return ticks === undefined || boot === undefined ? undefined : `${boot} ${ticks}`;
  } catch {
    return undefined;
  }
}

async function bootId(): Promise<string | undefined> {
  return readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}
