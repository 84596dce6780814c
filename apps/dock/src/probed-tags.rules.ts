import { iso6709Point, type GpsPoint } from './gps-track.rules.js';
import { instantOf } from './instant.rules.js';

/** What a file says of itself. */
export interface ProbedMetadata {
  readonly camera?: string;
  readonly recordedAt?: string;
  readonly gpsTrack?: readonly GpsPoint[];
}

type Tags = ReadonlyMap<string, string>;

/** Serial numbers only: under a model's name two cameras would become one. */
const CAMERA_TAGS = ['serial_number', 'serialnumber', 'camera_serial_number', 'com.apple.quicktime.camera.serialnumber'];
const TIME_TAGS = ['creation_time', 'com.apple.quicktime.creationdate'];
const PLACE_TAGS = ['com.apple.quicktime.location.iso6709', 'location', 'location-eng'];

/** A clock that was never set counts from 1904, 1970 or 1980. */
const EARLIEST = '2000-01-01T00:00:00.000Z';

/** Reads ffprobe's JSON of format and streams; the container's own tags come before those of its streams. What cannot be used is left out. */
export function readTags(report: unknown): ProbedMetadata {
  const { format, streams } = Object(report) as { format?: unknown; streams?: unknown };
  const holders: unknown[] = [format, ...(Array.isArray(streams) ? (streams as unknown[]) : [])];
  const tags = holders.map(tagsOf);
  const camera = first(tags, CAMERA_TAGS, (text) => (/^\P{Cc}{1,128}$/u.test(text) && text.isWellFormed() ? text : undefined));
  const recordedAt = first(tags, TIME_TAGS, timeOf);
  const place = first(tags, PLACE_TAGS, iso6709Point);
  return {
    ...(camera === undefined ? {} : { camera }),
    ...(recordedAt === undefined ? {} : { recordedAt }),
    ...(place === undefined ? {} : { gpsTrack: [place] }),
  };
}

function first<T>(holders: readonly Tags[], names: readonly string[], read: (text: string) => T | undefined): T | undefined {
  for (const name of names) {
    for (const tags of holders) {
      const found = read(tags.get(name)?.trim() ?? '');
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function tagsOf(holder: unknown): Tags {
  const { tags } = Object(holder) as { tags?: unknown };
  const entries = Object.entries(Object(tags) as Record<string, unknown>);
  return new Map(entries.flatMap(([name, value]) => (typeof value === 'string' ? [[name.toLowerCase(), value] as const] : [])));
}

function timeOf(text: string): string | undefined {
  // Apple writes the zone without a colon
  const instant = instantOf(text.replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return instant !== undefined && instant >= EARLIEST ? instant : undefined;
}
