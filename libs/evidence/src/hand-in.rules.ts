/** Whom a file comes from that no docking station vouches for. */
export const SOURCES = ['citizen', 'partner-agency', 'drone', 'other'] as const;
export type Source = (typeof SOURCES)[number];

/** A file as the person who hands it in describes it. */
export interface FileHandedIn {
  /** Without folders. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Lowercase hexadecimal. */
  readonly sha256: string;
  /** As stated, by the clock of what recorded it. */
  readonly recordedAt: string;
  /** That clock minus true time, milliseconds. */
  readonly clockOffsetMs?: number | undefined;
  /** What recorded it. */
  readonly device?: string | undefined;
}

/** Why the list cannot be accepted; undefined when it can. @param largest bytes a file may have */
export function faultOfHandIn(files: readonly FileHandedIn[], largest: number): string | undefined {
  const large = files.find((file) => file.size > largest);
  if (large !== undefined) return `${large.name} has ${large.size} bytes; at most ${largest} are accepted.`;
  const seen = new Map<string, string>();
  for (const { name, sha256 } of files) {
    const first = seen.get(sha256);
    if (first !== undefined) return `${first} and ${name} are the same file. List it once.`;
    seen.set(sha256, name);
  }
  return undefined;
}

/** What recorded it, for the record: its clock belongs to that, and is as much a statement as the rest. */
export function deviceAsStated({ device, clockOffsetMs = 0 }: FileHandedIn): string | null {
  if (clockOffsetMs === 0) return device ?? null;
  const clock = `clock ${Math.abs(clockOffsetMs)} ms ${clockOffsetMs > 0 ? 'ahead' : 'behind'}`;
  return `${device ?? 'device not said'}, ${clock}`;
}
