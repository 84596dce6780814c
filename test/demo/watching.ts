import type { ClosedViewingAnswer, CustodyEntryAnswer, ViewingAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { expectSame, Unexpected } from './demo-context.js';

export const PURPOSE = 'internal-investigation';

/** A piece of the playback copy, with its place on the recording's time axis. */
export interface Segment {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

/** Initialisation segment, then the segments that were fetched. */
export interface Track {
  readonly init: Buffer;
  readonly fetched: readonly (Segment & { readonly bytes: Buffer })[];
}

/** The pictures, in the largest size. */
export interface Watched extends Track {
  readonly viewing: string;
  /** Lies beside the pictures, once for all sizes. */
  readonly sound: Track | null;
  readonly delivered: ClosedViewingAnswer['delivered'];
  readonly bytes: number;
}

type Span = ClosedViewingAnswer['delivered'][number];

/**
 * Opens a viewing, fetches the first eight seconds and the moments asked for, closes, and compares what the service put on record with what
 * was really fetched. @throws Unexpected where they differ
 */
export async function watch(
  viewer: HttpClient,
  auditor: HttpClient,
  recording: string,
  momentsMs: readonly number[],
): Promise<Watched> {
  const opened = (await viewer.post<ViewingAnswer>(`/api/recordings/${recording}/viewings`, { purpose: PURPOSE })).expect(
    201,
  ).body;
  const fetchFile = async (name: string): Promise<Buffer> =>
    (await viewer.get(opened.playlist.replace('playlist.m3u8', name))).expect(200).bytes;
  const isWanted = ({ startMs, endMs }: Segment): boolean =>
    startMs < 8000 || momentsMs.some((ms) => ms >= startMs && ms < endMs);
  const fetchTrack = async (name: string): Promise<Track> => {
    const playlist = (await fetchFile(name)).toString('utf8');
    const init = await fetchFile(/#EXT-X-MAP:URI="(.+)"/.exec(playlist)?.[1] ?? '');
    const fetched: Track['fetched'][number][] = [];
    for (const segment of segmentsOf(playlist).filter(isWanted))
      fetched.push({ ...segment, bytes: await fetchFile(segment.name) });
    return { init, fetched };
  };
  // RFC 8216 §4.3.4.2: the sizes it is offered in; the first is the largest. §4.3.4.1: the sound that goes with all of them.
  const master = (await viewer.get(opened.playlist)).expect(200).text;
  const { init, fetched } = await fetchTrack(/^#EXT-X-STREAM-INF:.*\n(.+)$/m.exec(master)?.[1] ?? '');
  const soundName = /^#EXT-X-MEDIA:TYPE=AUDIO,.*URI="(.+?)"/m.exec(master)?.[1];
  const sound = soundName === undefined ? null : await fetchTrack(soundName);
  const closed = (await viewer.post<ClosedViewingAnswer>(`/api/viewings/${opened.viewing}/close`)).expect(200).body;
  const sent = merged(fetched.map(({ startMs, endMs }) => ({ fromMs: startMs, toMs: endMs })));
  if (!areClose(sent, closed.delivered)) throw new Unexpected('the ranges on record', sent, closed.delivered);
  const after = await viewer.get(opened.playlist);
  expectSame('a file of the closed viewing', 403, after.status);
  const entry = await onRecord(auditor, recording, 'viewing.closed', ({ event }) => event['viewing'] === opened.viewing);
  expectSame('the custody entry of the viewing', closed.delivered, entry.event['delivered']);
  return { viewing: opened.viewing, init, fetched, sound, delivered: closed.delivered, bytes: closed.bytes };
}

/** Waits until the recording's chain holds such an entry. */
export async function onRecord(
  auditor: HttpClient,
  recording: string,
  type: string,
  fits: (entry: CustodyEntryAnswer) => boolean = () => true,
): Promise<CustodyEntryAnswer> {
  const look = async (): Promise<CustodyEntryAnswer | undefined> =>
    (await chainOf(auditor, recording)).find((entry) => entry.type === type && fits(entry));
  return eventually(`${type} is on record for ${recording}`, look, { withinMs: 15_000 });
}

/** The recording's custody entries, first one first. */
export async function chainOf(auditor: HttpClient, recording: string): Promise<readonly CustodyEntryAnswer[]> {
  return (await auditor.get<{ entries: CustodyEntryAnswer[] }>(`/api/recordings/${recording}/custody`)).expect(200).body.entries;
}

export function rangesInWords(delivered: Watched['delivered']): string {
  return delivered.map(({ fromMs, toMs }) => `${(fromMs / 1000).toFixed(1)}–${(toMs / 1000).toFixed(1)} s`).join(', ');
}

/** RFC 8216 §4.3.2.1: each EXTINF is followed by its segment. */
function segmentsOf(playlist: string): Segment[] {
  const segments: Segment[] = [];
  let startMs = 0;
  for (const [, seconds = '', name = ''] of playlist.matchAll(/^#EXTINF:([\d.]+),.*\n(?:#.*\n)*(.+)$/gm)) {
    const endMs = startMs + Number(seconds) * 1000;
    segments.push({ name: name.trim(), startMs, endMs });
    startMs = endMs;
  }
  if (segments.length === 0) throw new Unexpected('the playlist', 'segments', playlist.slice(0, 200));
  return segments;
}

function merged(spans: readonly Span[]): Span[] {
  const result: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of spans) {
    const last = result.at(-1);
    if (last !== undefined && fromMs <= last.toMs + 1) last.toMs = toMs;
    else result.push({ fromMs, toMs });
  }
  return result.map(({ fromMs, toMs }) => ({ fromMs: Math.round(fromMs), toMs: Math.round(toMs) }));
}

/** The service rounds each segment to a millisecond; over an hour that adds up. */
function areClose(one: readonly Span[], other: readonly Span[]): boolean {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 50 + b / 5000;
  return (
    one.length === other.length &&
    one.every(({ fromMs, toMs }, index) => {
      const its = other[index];
      return its !== undefined && near(fromMs, its.fromMs) && near(toMs, its.toMs);
    })
  );
}
