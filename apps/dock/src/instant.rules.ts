import { UsageFault } from './dock-faults.js';

const RFC3339 = /^\d{4}-\d\d-(\d\d)T\d\d:\d\d:\d\d(\.\d+)?(Z|([+-])(\d\d):(\d\d))$/;

/** Any RFC 3339 time as UTC with milliseconds. @throws UsageFault */
export function utcInstant(text: string): string {
  const instant = instantOf(text);
  if (instant === undefined) throw new UsageFault(`"${text}" is not a time such as 2026-11-20T10:30:00Z`);
  return instant;
}

/** As `utcInstant`, and undefined for what is no time of a day that exists in the years 0 to 9999. */
export function instantOf(text: string): string | undefined {
  const [, day, , , sign = '+', hours = '0', minutes = '0'] = RFC3339.exec(text) ?? [];
  const at = new Date(text);
  if (day === undefined || Number.isNaN(at.getTime())) return undefined;
  // The date parser lets 30 February pass as 2 March, so the day is read back in the zone it was written in
  const zoneMs = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -60_000 : 60_000);
  if (new Date(at.getTime() + zoneMs).getUTCDate() !== Number(day)) return undefined;
  const instant = at.toISOString();
  return /^\d{4}-/.test(instant) ? instant : undefined;
}
