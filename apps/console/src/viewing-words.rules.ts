import { lengthOf, type Ranges } from './viewing-played.rules.js';

const PURPOSES: Readonly<Record<string, string>> = {
  'internal-investigation': 'an internal investigation',
  prosecution: 'the prosecution',
  defence: 'the defence',
  supervision: 'supervision',
  training: 'training',
  'public-records': 'a public records request',
  oversight: 'oversight',
  'own-report': 'your own report',
};

/** A purpose as it reads after "for"; one that this page does not know as the service calls it. */
export function purposeInWords(purpose: string): string {
  return Object.hasOwn(PURPOSES, purpose) ? (PURPOSES[purpose] ?? purpose) : purpose.replaceAll('-', ' ');
}

/** A place in a recording: "0:07", "12:34", "1:02:03". @param ms cut to the second */
export function placeInWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** As heard rather than read: "1 hour 2 minutes 3 seconds". */
export function placeAsHeard(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 3600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ] as const;
  const said = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}${count === 1 ? '' : 's'}`);
  return said.length === 0 ? '0 seconds' : said.join(' ');
}

/** "0:00.0–0:08.0, 0:12.0–0:16.5 (12.5 s in all)": to the tenth of a second, so that nothing seen reads as nothing. */
export function rangesInWords(ranges: Ranges): string {
  if (ranges.length === 0) return 'nothing';
  const place = (ms: number): string => `${placeInWords(ms)}.${Math.floor((ms % 1000) / 100)}`;
  const listed = ranges.map(({ fromMs, toMs }) => `${place(fromMs)}–${place(toMs)}`).join(', ');
  return `${listed} (${(lengthOf(ranges) / 1000).toFixed(1)} s in all)`;
}

/** The last twelve characters of a UUIDv7, which are random, unlike its beginning: what the overlay has room for. */
export function shortId(id: string): string {
  return id.slice(-12);
}
