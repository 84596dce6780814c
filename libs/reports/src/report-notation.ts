/** A moment as a report writes it: in the agency's zone, and in UTC beside it. */
export interface Moment {
  /** e.g. "2026-11-20 11:02:33 +01:00" */
  readonly local: string;
  /** e.g. "2026-11-20 10:02:33.123 UTC" */
  readonly utc: string;
}

/** How one report writes times. The same for every place in it. */
export class Notation {
  private readonly format: Intl.DateTimeFormat;

  /** @param timeZone IANA name */
  constructor(readonly timeZone: string) {
    const [date, time] = [
      { year: 'numeric', month: '2-digit', day: '2-digit' },
      { hour: '2-digit', minute: '2-digit', second: '2-digit' },
    ] as const;
    this.format = new Intl.DateTimeFormat('en-GB', { timeZone, ...date, ...time, hourCycle: 'h23', timeZoneName: 'longOffset' });
  }

  moment(at: Date | string): Moment {
    const date = new Date(at);
    const part = Object.fromEntries(this.format.formatToParts(date).map(({ type, value }) => [type, value]));
    // "GMT" alone is an offset of nothing.
    const offset = (part['timeZoneName'] ?? '').replace('GMT', '') || '+00:00';
    const local = `${part['year']}-${part['month']}-${part['day']} ${part['hour']}:${part['minute']}:${part['second']} ${offset}`;
    return { local, utc: date.toISOString().replace('T', ' ').replace('Z', ' UTC') };
  }

  /** Both on one line; UTC alone where the agency's zone is UTC. */
  time(at: Date | string): string {
    const { local, utc } = this.moment(at);
    return local.endsWith('+00:00') ? utc : `${local} (${utc})`;
  }
}

/** e.g. "12.4 MB (12,403,112 bytes)" */
export function size(bytes: number): string {
  const exact = `${bytes.toLocaleString('en-US')} bytes`;
  if (bytes < 1000) return exact;
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${['', 'kB', 'MB', 'GB', 'TB'][power]} (${exact})`;
}

/** A place on, or a length of, the recording's own time axis: "1:02:03.4", "0:07.0". */
export function span(ms: number): string {
  const tenths = Math.round(ms / 100);
  const [hours, minutes, seconds] = [Math.floor(tenths / 36_000), Math.floor(tenths / 600) % 60, (tenths % 600) / 10];
  const tail = seconds.toFixed(1).padStart(4, '0');
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

/** "1 viewing", "2 viewings", "no viewings" */
export function count(n: number, one: string, many = `${one}s`): string {
  return n === 1 ? `1 ${one}` : `${n === 0 ? 'no' : n.toLocaleString('en-US')} ${many}`;
}

/** Free text and file names come from outside: what could reorder or hide text on the page is shown as an escape, line breaks as spaces. */
export function printable(text: string): string {
  return text
    .replace(/[\r\n\t\u2028\u2029]+/g, ' ')
    .replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}]/gu, (c) => `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`);
}
