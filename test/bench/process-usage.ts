import { readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second for every program. proc(5) */
const TICKS_PER_SECOND = 100;

/** Seconds of processor time that the process has used since it began, in user and kernel. */
export function cpuSeconds(pid: number | undefined): number {
  const fields = fieldsOf(pid);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The same of this process and of everything it started that has ended. */
export function cpuSecondsWithChildren(): number {
  const fields = fieldsOf(process.pid);
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
}

/** The most memory that the process ever had at once, in MB (10^6 bytes). */
export function peakMegabytes(pid: number | undefined): number {
  const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8')) ?? [];
  return (Number(kibibytes) * 1024) / 1e6;
}

function fieldsOf(pid: number | undefined): readonly string[] {
  const stat = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  // The program's name, the second field, may hold spaces.
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
