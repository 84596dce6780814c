import type { GpsPoint } from './recording.entity.js';

/** A place and how far from it: coordinates in 1e-7 degrees (WGS 84), the radius in metres. */
export interface Vicinity {
  readonly latE7: number;
  readonly lonE7: number;
  readonly radiusM: number;
}

/** What a recording must be to be found: all that is said. */
export interface SearchCriteria {
  /** Serial number. */
  readonly camera?: string | undefined;
  /** The badge that the dock named. */
  readonly officer?: string | undefined;
  /** [recordedFrom, recordedTo) by true time, RFC 3339 in UTC. */
  readonly recordedFrom?: string | undefined;
  readonly recordedTo?: string | undefined;
  readonly category?: string | undefined;
  readonly flagged?: boolean | undefined;
  readonly origin?: 'dock' | 'handed-in' | 'derived' | undefined;
  /** The case's id. */
  readonly case?: string | undefined;
  readonly near?: Vicinity | undefined;
}

/** Finds what meets any of the criteria: "camera 4711 that evening, and all within 200 m of …" are two. */
export type RecordingSearch = readonly SearchCriteria[];

/** Degrees; `west` is never above `east`. */
export interface Bounds {
  readonly west: number;
  readonly south: number;
  readonly east: number;
  readonly north: number;
}

/** Mean radius of the earth, IUGG. */
const EARTH_M = 6_371_008.8;
const DEGREES = 180 / Math.PI;
/** About a millimetre: more than rounding takes away. */
const SLACK = 1e-8;

/** The boxes that hold every point within the radius: two where they reach over the date line. */
export function boundsAround({ latE7, lonE7, radiusM }: Vicinity): Bounds[] {
  const [lat, lon] = [latE7 / 1e7, lonE7 / 1e7];
  const angle = radiusM / EARTH_M;
  const reach = angle * DEGREES + SLACK;
  const [south, north] = [Math.max(lat - reach, -90), Math.min(lat + reach, 90)];
  // Beyond a pole every meridian is near.
  const widest = Math.sin(angle) / Math.cos(lat / DEGREES);
  if (Math.abs(lat) + reach >= 90 || widest >= 1) return [{ west: -180, south, east: 180, north }];
  const aside = Math.asin(widest) * DEGREES + SLACK;
  const [west, east] = [lon - aside, lon + aside];
  if (west < -180)
    return [
      { west: west + 360, south, east: 180, north },
      { west: -180, south, east, north },
    ];
  if (east > 180)
    return [
      { west, south, east: 180, north },
      { west: -180, south, east: east - 360, north },
    ];
  return [{ west, south, east, north }];
}

/** Whether the camera came within the radius, where it was between two points included. */
export function comesNear(track: readonly GpsPoint[], place: Vicinity): boolean {
  return track.some((point, i) => distanceFromSegment(place, track[i - 1] ?? point, point) <= place.radiusM);
}

/** Metres on the sphere. */
export function distanceBetween(a: Position, b: Position): number {
  const [latA, latB] = [radians(a.latE7), radians(b.latE7)];
  const [dLat, dLon] = [latB - latA, radians(b.lonE7 - a.lonE7)];
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(latA) * Math.cos(latB) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

type Position = Pick<GpsPoint, 'latE7' | 'lonE7'>;

/**
 * How near the line between two points comes, in metres. Latitude and longitude are taken to change evenly along it, the short way round: between
 * points too far apart nobody knows better, and the line stays within the bounds of its ends.
 */
function distanceFromSegment(place: Position, from: Position, to: Position): number {
  const [dLat, dLon] = [to.latE7 - from.latE7, shortWay(to.lonE7 - from.lonE7)];
  const at = (part: number): Position => ({ latE7: from.latE7 + dLat * part, lonE7: from.lonE7 + dLon * part });
  let least = Math.min(distanceBetween(place, from), distanceBetween(place, to));
  if (dLat === 0 && dLon === 0) return least;
  // On a plane that is true to scale where the place is, then halfway to what was found: the sphere is not flat, but nearly so there.
  let middle = place.latE7;
  for (let turn = 0; turn < 3; turn++) {
    const narrowing = Math.cos(radians(middle)) ** 2;
    const [toLat, toLon] = [place.latE7 - from.latE7, shortWay(place.lonE7 - from.lonE7)];
    const part = (toLat * dLat + toLon * dLon * narrowing) / (dLat ** 2 + dLon ** 2 * narrowing);
    if (!(part > 0 && part < 1)) break;
    const nearest = at(part);
    least = Math.min(least, distanceBetween(place, nearest));
    middle = (place.latE7 + nearest.latE7) / 2;
  }
  return least;
}

function shortWay(lonE7: number): number {
  if (lonE7 > 1.8e9) return lonE7 - 3.6e9;
  return lonE7 < -1.8e9 ? lonE7 + 3.6e9 : lonE7;
}

function radians(e7: number): number {
  return e7 / 1e7 / DEGREES;
}

/** In words, for people and the record: places in degrees, times in UTC. */
export function inWords(search: RecordingSearch): string {
  return search.map(criteriaInWords).join('; or ');
}

function criteriaInWords(c: SearchCriteria): string {
  const said = [
    ...(c.camera === undefined ? [] : [`camera ${c.camera}`]),
    ...(c.officer === undefined ? [] : [`badge ${c.officer}`]),
    ...(c.recordedFrom === undefined ? [] : [`recorded from ${c.recordedFrom}`]),
    ...(c.recordedTo === undefined ? [] : [`recorded before ${c.recordedTo}`]),
    ...(c.category === undefined ? [] : [`category ${c.category}`]),
    ...(c.flagged === undefined ? [] : [c.flagged ? 'flagged' : 'not flagged']),
    ...(c.origin === undefined ? [] : [`origin ${c.origin}`]),
    ...(c.case === undefined ? [] : [`in the case ${c.case}`]),
    ...(c.near === undefined
      ? []
      : [`within ${c.near.radiusM} m of ${(c.near.latE7 / 1e7).toFixed(7)}, ${(c.near.lonE7 / 1e7).toFixed(7)}`]),
  ];
  return said.length === 0 ? 'any recording' : said.join(', ');
}
