import { SEGMENT_SECONDS } from './playback-arguments.js';

export interface SegmentFacts {
  readonly name: string;
  readonly durationMs: number;
  readonly bytes: number;
}

export interface PictureTrack {
  readonly name: string;
  readonly codec: string;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly segments: readonly SegmentFacts[];
}

export interface SoundTrack {
  readonly name: string;
  readonly codec: string;
  readonly channels: number;
  readonly segments: readonly SegmentFacts[];
}

/** One still of the seek sprite. */
export interface Still {
  readonly fromMs: number;
  readonly toMs: number;
  readonly sheet: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** RFC 8216 §4.3.3 */
export function mediaPlaylist(init: string, segments: readonly SegmentFacts[]): string {
  const target = Math.max(1, ...segments.map(({ durationMs }) => Math.round(durationMs / 1000)));
  return lines([
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${target}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:VOD',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    `#EXT-X-MAP:URI="${init}"`,
    ...segments.flatMap(({ name, durationMs }) => [`#EXTINF:${(durationMs / 1000).toFixed(6)},`, name]),
    '#EXT-X-ENDLIST',
  ]);
}

/** RFC 8216 §4.3.4: every rung, with what was measured of it; the sound beside them, if there is any. */
export function multivariantPlaylist(
  pictures: readonly PictureTrack[],
  sound: SoundTrack | null,
  uriOf: (track: string) => string,
): string {
  const soundRate = sound === null ? { peak: 0, average: 0 } : bitRates(sound.segments);
  return lines([
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    ...(sound === null
      ? []
      : [
          `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="${sound.channels}",URI="${uriOf(sound.name)}"`,
        ]),
    ...pictures.flatMap(({ name, codec, width, height, framesPerSecond, segments }) => {
      const rates = bitRates(segments);
      const attributes = [
        `BANDWIDTH=${rates.peak + soundRate.peak}`,
        `AVERAGE-BANDWIDTH=${rates.average + soundRate.average}`,
        `CODECS="${[codec, ...(sound === null ? [] : [sound.codec])].join(',')}"`,
        `RESOLUTION=${width}x${height}`,
        `FRAME-RATE=${framesPerSecond.toFixed(3)}`,
        ...(sound === null ? [] : ['AUDIO="sound"']),
      ];
      return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, uriOf(name)];
    }),
  ]);
}

/**
 * Bits a second, rounded up. The peak is that of any run of segments between half and one and a half target durations long (RFC 8216 §4.1):
 * a last segment of a few frames says nothing of what a connection must carry.
 */
export function bitRates(segments: readonly SegmentFacts[]): { readonly peak: number; readonly average: number } {
  const rate = (bytes: number, ms: number): number => (ms > 0 ? Math.ceil((bytes * 8000) / ms) : 0);
  const totalMs = segments.reduce((sum, { durationMs }) => sum + durationMs, 0);
  const average = rate(
    segments.reduce((sum, { bytes }) => sum + bytes, 0),
    totalMs,
  );
  let peak = average;
  for (let from = 0; from < segments.length; from++) {
    let [bytes, ms] = [0, 0];
    for (const segment of segments.slice(from, from + 64)) {
      bytes += segment.bytes;
      ms += segment.durationMs;
      if (ms > SEGMENT_SECONDS * 1500) break;
      if (ms >= SEGMENT_SECONDS * 500) peak = Math.max(peak, rate(bytes, ms));
    }
  }
  return { peak, average };
}

/** WebVTT whose cues are pieces of pictures (Media Fragments `#xywh=`), as players read it for their seek bar. */
export function spriteTrack(stills: readonly Still[]): string {
  const cues = stills.flatMap(({ fromMs, toMs, sheet, x, y, width, height }) => [
    '',
    `${vttTime(fromMs)} --> ${vttTime(toMs)}`,
    `${sheet}#xywh=${x},${y},${width},${height}`,
  ]);
  return lines(['WEBVTT', ...cues]);
}

/** Names listed in a media playlist, and whether it says that it is complete. */
export function readPlaylist(text: string): { readonly names: readonly string[]; readonly ended: boolean } {
  const names = text.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  return { names, ended: text.includes('#EXT-X-ENDLIST') };
}

function vttTime(ms: number): string {
  const whole = Math.round(ms);
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  const fraction = String(whole % 1000).padStart(3, '0');
  return `${two(whole / 3_600_000)}:${two((whole / 60_000) % 60)}:${two((whole / 1000) % 60)}.${fraction}`;
}

function lines(all: readonly string[]): string {
  return `${all.join('\n')}\n`;
}
