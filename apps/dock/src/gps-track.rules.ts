import type { ManifestFile } from '#tlog';

export type GpsPoint = NonNullable<ManifestFile['gpsTrack']>[number];

/** A point as people and cameras write it: `at` in seconds from the beginning or as an RFC 3339 time, degrees in WGS 84. */
export interface WrittenPoint {
  readonly at: number | string;
  readonly lat: number;
  readonly lon: number;
}

/** In one manifest. */
export const MOST_GPS_POINTS = 10_000;

/**
 * The track as the manifest has it, or a sentence that says what is wrong with it.
 * @param recordedAt beginning of the recording by the camera's clock, which times of day in the track are taken to be of too
 */
export function gpsTrackOf(points: readonly (GpsPoint | WrittenPoint)[], recordedAt: string | undefined): GpsPoint[] | string {
  const track: GpsPoint[] = [];
  for (const [index, written] of points.entries()) {
    const point = 'atMs' in written ? written : converted(written, recordedAt);
    if (typeof point === 'string') return point;
    if (point.atMs < 0) return `has a point ${String(index)} from before the recording began`;
    if (point.atMs < (track.at(-1)?.atMs ?? 0)) return `goes back in time at point ${String(index)}`;
    track.push({ atMs: point.atMs + 0, latE7: point.latE7 + 0, lonE7: point.lonE7 + 0 });
  }
  return track;
}

function converted({ at, lat, lon }: WrittenPoint, recordedAt: string | undefined): GpsPoint | string {
  // Placed by the file's time of change they would be placed by a guess
  if (typeof at === 'string' && recordedAt === undefined) return 'gives times of day, so "recordedAt" must be given too';
  const atMs = typeof at === 'number' ? Math.round(at * 1000) : Date.parse(at) - Date.parse(recordedAt ?? '');
  return { atMs, ...degreesE7(lat, lon) };
}

function degreesE7(lat: number, lon: number): Pick<GpsPoint, 'latE7' | 'lonE7'> {
  // Adding 0 makes 0 of -0, which canonical JSON has no text for
  return { latE7: Math.round(lat * 1e7) + 0, lonE7: Math.round(lon * 1e7) + 0 };
}

const ISO_6709 = /^([+-])(\d{2}|\d{4}|\d{6})(\.\d+)?([+-])(\d{3}|\d{5}|\d{7})(\.\d+)?([+-]\d+(\.\d+)?)?(CRS[^/]*)?\/?$/;

/**
 * The place that a text such as "+40.7128-074.0060/" names, as the track's point at its beginning. Degrees, degrees and minutes, or degrees,
 * minutes and seconds, each with a fraction; height is left out. ISO 6709 annex H. Undefined for anything else, and for 0 north 0 east, which is what
 * cameras write that know no place.
 */
export function iso6709Point(text: string): GpsPoint | undefined {
  const [, north, lat = '', latFraction = '', east, lon = '', lonFraction = ''] = ISO_6709.exec(text.trim()) ?? [];
  if (north === undefined) return undefined;
  const latitude = degrees(lat.slice(0, 2), lat.slice(2), latFraction);
  const longitude = degrees(lon.slice(0, 3), lon.slice(3), lonFraction);
  if (!(latitude <= 90 && longitude <= 180) || (latitude === 0 && longitude === 0)) return undefined;
  return { atMs: 0, ...degreesE7(north === '-' ? -latitude : latitude, east === '-' ? -longitude : longitude) };
}

/** The fraction is of the smallest unit that is written. NaN when there are 60 minutes or more. */
function degrees(whole: string, rest: string, fraction: string): number {
  const part = (digits: string, isLast: boolean): number => Number(`${digits}${isLast ? fraction : ''}`);
  const minutes = rest === '' ? 0 : part(rest.slice(0, 2), rest.length === 2);
  const seconds = rest.length < 4 ? 0 : part(rest.slice(2), true);
  if (minutes >= 60 || seconds >= 60) return Number.NaN;
  return part(whole, rest === '') + minutes / 60 + seconds / 3600;
}
