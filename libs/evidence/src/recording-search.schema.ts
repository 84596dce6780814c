import { z } from 'zod';
import type { RecordingSearch, SearchCriteria, Vicinity } from './recording-search.rules.js';

const MOST_RADIUS_M = 50_000;
const MOST_CRITERIA = 10;

/** RFC 3339 with its zone; out comes UTC with milliseconds. */
const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .refine((at) => !Number.isNaN(at.getTime()) && at.getUTCFullYear() <= 9999, 'is no time')
  .transform((at) => at.toISOString());
const word = z.string().trim().min(1).max(128);
const radius = z.int('is not a whole number of metres').min(1).max(MOST_RADIUS_M);
const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

const said = {
  camera: word.optional(),
  officer: word.optional(),
  recordedFrom: instant.optional(),
  recordedTo: instant.optional(),
  category: word.optional(),
  origin: z.enum(['dock', 'handed-in', 'derived']).optional(),
  case: z.uuid().optional(),
};

/** Decimal degrees, latitude and longitude parted by a comma. */
const DEGREES = /^([+-]?\d{1,2}(?:\.\d{1,10})?), ?([+-]?\d{1,3}(?:\.\d{1,10})?)$/;

/** How the address of a list names what is looked for: `near` as latitude,longitude in degrees, `radiusM` in whole metres. */
export const SEARCH_QUERY = {
  ...said,
  flagged: flag.optional(),
  near: z
    .string()
    .max(60)
    .regex(DEGREES, 'is not latitude,longitude in decimal degrees, such as 48.2082,16.3738')
    .transform((text) => {
      const [, lat, lon] = DEGREES.exec(text) ?? [];
      return { lat: Number(lat), lon: Number(lon) };
    })
    .refine(({ lat }) => Math.abs(lat) <= 90, 'has a latitude beyond 90 degrees')
    .refine(({ lon }) => Math.abs(lon) <= 180, 'has a longitude beyond 180 degrees')
    .optional(),
  radiusM: z
    .string()
    .regex(/^\d{1,6}$/, 'is not a whole number of metres')
    .transform(Number)
    .pipe(radius)
    .optional(),
};

interface Dated {
  readonly recordedFrom?: string | undefined;
  readonly recordedTo?: string | undefined;
}

export function endsAfterItBegins({ recordedFrom, recordedTo }: Dated): boolean {
  return recordedFrom === undefined || recordedTo === undefined || recordedFrom < recordedTo;
}

/** For `refine`: what is wrong with the end. */
export const ENDS_TOO_EARLY = { path: ['recordedTo'], message: 'must come after recordedFrom' };

export function toVicinity(lat: number, lon: number, radiusM: number): Vicinity {
  return { latE7: Math.round(lat * 1e7), lonE7: Math.round(lon * 1e7), radiusM };
}

const Criteria = z
  .strictObject({
    ...said,
    flagged: z.boolean().optional(),
    near: z
      .strictObject({ lat: z.number().min(-90).max(90), lon: z.number().min(-180).max(180), radiusM: radius })
      .transform(({ lat, lon, radiusM }) => toVicinity(lat, lon, radiusM))
      .optional(),
  })
  .refine(endsAfterItBegins, ENDS_TOO_EARLY)
  .transform((given): SearchCriteria => Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)))
  .refine((given) => Object.keys(given).length > 0, 'names nothing to search by');

/** A search in a body: what a recording must be, or several such of which it must be one. */
export const SearchBody = z
  .union([Criteria.transform((one) => [one]), z.array(Criteria).min(1).max(MOST_CRITERIA)])
  .transform((search): RecordingSearch => search);
