import type { FfprobeReport, ReportedStream } from './ffprobe-report.js';

export type TrackKind = 'video' | 'cover' | 'audio' | 'subtitle' | 'data' | 'attachment' | 'unknown';

/** One track of a file as its container and codec state it; null is what neither states. */
export interface MediaTrack {
  readonly index: number;
  /** `cover` is a still picture that comes along: cover art or a thumbnail. */
  readonly kind: TrackKind;
  /** ffmpeg's name, e.g. `h264`. */
  readonly codec: string | null;
  /** Four characters by which the container calls the codec, e.g. `avc1`. */
  readonly codecTag: string | null;
  readonly profile: string | null;
  /** BCP 47 or ISO 639-2; nothing else is taken for a language. */
  readonly language: string | null;
  /** Bits per second. */
  readonly bitRate: number | null;
  readonly startMs: number | null;
  readonly durationMs: number | null;
  /** What the track is marked as, e.g. `default`, `forced`, `hearing_impaired`. */
  readonly disposition: readonly string[];
  /** Why a picture or sound track cannot be decoded here. */
  readonly problem?: string;
  readonly video?: {
    /** As stored; the rotation of `Probe.video` is not applied. */
    readonly width: number;
    readonly height: number;
    readonly pixelFormat: string | null;
    readonly bitDepth: number | null;
    /** `tv` (limited) or `pc` (full). */
    readonly colourRange: string | null;
    readonly colourSpace: string | null;
    readonly colourTransfer: string | null;
    readonly colourPrimaries: string | null;
    /** `progressive`, or how fields follow each other: `tt`, `bb`, `tb`, `bt`. */
    readonly fieldOrder: string | null;
    /** Shape of a pixel, e.g. `4:3`. */
    readonly sampleAspectRatio: string | null;
    readonly averageFrameRate: string | null;
    readonly frames: number | null;
    readonly closedCaptions: boolean;
  };
  readonly audio?: {
    readonly channels: number | null;
    readonly layout: string | null;
    /** Hertz. */
    readonly sampleRate: number | null;
    readonly bitsPerSample: number | null;
  };
}

/** What an expert asks about a file beside its picture and sound. Holds no words or places of whoever recorded: only that there are some. */
export interface TechnicalMetadata {
  readonly sizeBytes: number | null;
  /** Bits per second of the whole file. */
  readonly bitRate: number | null;
  /** Where the file's clock begins; may be negative. */
  readonly startMs: number | null;
  /** The picture can be decoded; else `Probe.problem` says why not. */
  readonly decodable: boolean;
  /** Pictures at the beginning do not follow each other evenly, not counting a single gap. */
  readonly variableFrameRate: boolean;
  /** How much of the picture is in the file but kept from being shown by an edit list. */
  readonly hiddenMs: number;
  readonly bitDepth: number | null;
  readonly interlaced: boolean;
  readonly closedCaptions: boolean;
  readonly timecode: boolean;
  /** There are positions in it, in tags or as a track. */
  readonly location: boolean;
  readonly chapters: number;
  readonly counts: Readonly<Record<TrackKind, number>>;
  /** All tracks in the file's order. */
  readonly tracks: readonly MediaTrack[];
}

/** What looking at the beginning of the packets and pictures said. */
export interface Beginning {
  readonly sizeBytes?: number;
  readonly variableFrameRate: boolean;
  readonly hiddenMs: number;
  /** Tracks of a known codec from which nothing could be decoded. */
  readonly silentTracks: ReadonlySet<number>;
  /** Tracks with closed captions among their pictures, which only decoding brings to light. */
  readonly captioned: ReadonlySet<number>;
}

/** The report alone: nothing was decoded. */
export const NOT_LOOKED_AT: Beginning = { variableFrameRate: false, hiddenMs: 0, silentTracks: new Set(), captioned: new Set() };

const KINDS: ReadonlySet<string> = new Set(['video', 'audio', 'subtitle', 'data', 'attachment']);
/** Tracks of positions: GoPro, Google, Sony, and dash cameras. */
const POSITION_TRACKS = /^(gpmd|camm|rtmd|gps |gps0)$/i;
const POSITION_TAGS = /location|gps|latitude|longitude|xyz/i;
const ENCRYPTED = new Set(['encv', 'enca', 'drmi', 'drms']);

export function readTechnicalMetadata(report: FfprobeReport, seen: Beginning): TechnicalMetadata {
  const streams = report.streams ?? [];
  const tracks = streams.map((stream, i) => readTrack(stream, i, seen));
  const picture = tracks.find((track) => track.kind === 'video');
  const counts = { video: 0, cover: 0, audio: 0, subtitle: 0, data: 0, attachment: 0, unknown: 0 };
  for (const { kind } of tracks) counts[kind] += 1;
  return {
    sizeBytes: seen.sizeBytes ?? positive(report.format?.size),
    bitRate: positive(report.format?.bit_rate),
    startMs: milliseconds(report.format?.start_time),
    decodable: picture !== undefined && picture.problem === undefined,
    variableFrameRate: seen.variableFrameRate,
    hiddenMs: seen.hiddenMs,
    bitDepth: picture?.video?.bitDepth ?? null,
    interlaced: ['tt', 'bb', 'tb', 'bt'].includes(picture?.video?.fieldOrder ?? ''),
    closedCaptions: picture?.video?.closedCaptions ?? false,
    timecode: streams.some((stream) => stream.codec_tag_string === 'tmcd') || tagged(report, /^timecode$/i),
    location: streams.some(holdsPositions) || tagged(report, POSITION_TAGS),
    chapters: report.chapters?.length ?? 0,
    counts,
    tracks,
  };
}

/** The codec's name, or what the container calls it. */
export function codecOf(stream: ReportedStream): string {
  return stream.codec_name ?? tagOf(stream) ?? 'unknown';
}

/** Number of the stream in its file; ffprobe gives it, and it is the place in the list. */
export function indexOf(stream: ReportedStream, place: number): number {
  return Number.isSafeInteger(stream.index) ? Number(stream.index) : place;
}

export function kindOf(stream: ReportedStream): TrackKind {
  if (stream.codec_type === 'video')
    return stream.disposition?.['attached_pic'] === 1 || stream.disposition?.['timed_thumbnails'] === 1 ? 'cover' : 'video';
  return KINDS.has(stream.codec_type ?? '') ? (stream.codec_type as TrackKind) : 'unknown';
}

/** A sentence; undefined when the track can be decoded, and for tracks that are neither picture nor sound. */
export function problemOf(stream: ReportedStream, silent: boolean): string | undefined {
  const kind = kindOf(stream);
  if (kind !== 'video' && kind !== 'audio') return undefined;
  const what = kind === 'video' ? 'picture' : 'sound';
  const tag = tagOf(stream);
  if (tag !== null && ENCRYPTED.has(tag)) return `The ${what} is encrypted (${tag}) and cannot be decoded without its key.`;
  if (stream.codec_name === undefined || stream.codec_name === 'none') {
    const format = tag === null ? 'a format that is not known here' : `a format that is not known here (${tag})`;
    return `The ${what} is in ${format}, so it cannot be decoded.`;
  }
  if (!silent) return undefined;
  return `The ${what} is said to be ${stream.codec_name}, but nothing at its beginning can be decoded: it is damaged, encrypted, or of a kind that this installation cannot decode.`;
}

function readTrack(stream: ReportedStream, place: number, seen: Beginning): MediaTrack {
  const index = indexOf(stream, place);
  const kind = kindOf(stream);
  const problem = problemOf(stream, seen.silentTracks.has(index));
  return {
    index,
    kind,
    codec: word(stream.codec_name),
    codecTag: tagOf(stream),
    profile: word(stream.profile),
    language: languageOf(stream),
    bitRate: positive(stream.bit_rate),
    startMs: milliseconds(stream.start_time),
    durationMs: milliseconds(stream.duration),
    disposition: Object.entries(stream.disposition ?? {}).flatMap(([name, set]) => (set === 1 ? [name] : [])),
    ...(problem === undefined ? {} : { problem }),
    ...(kind === 'video' || kind === 'cover' ? { video: pictureOf(stream, seen.captioned.has(index)) } : {}),
    ...(kind === 'audio' ? { audio: soundOf(stream) } : {}),
  };
}

function pictureOf(stream: ReportedStream, captioned: boolean): NonNullable<MediaTrack['video']> {
  return {
    width: positive(stream.width) ?? 0,
    height: positive(stream.height) ?? 0,
    pixelFormat: word(stream.pix_fmt),
    bitDepth: bitDepthOf(stream),
    colourRange: word(stream.color_range),
    colourSpace: word(stream.color_space),
    colourTransfer: word(stream.color_transfer),
    colourPrimaries: word(stream.color_primaries),
    fieldOrder: word(stream.field_order),
    sampleAspectRatio: word(stream.sample_aspect_ratio),
    averageFrameRate: word(stream.avg_frame_rate === '0/0' ? undefined : stream.avg_frame_rate),
    frames: positive(stream.nb_frames),
    closedCaptions: captioned || stream.closed_captions === 1,
  };
}

function soundOf(stream: ReportedStream): NonNullable<MediaTrack['audio']> {
  return {
    channels: positive(stream.channels),
    layout: word(stream.channel_layout),
    sampleRate: positive(stream.sample_rate),
    bitsPerSample: positive(stream.bits_per_raw_sample) ?? positive(stream.bits_per_sample),
  };
}

/** In the name of the pixel format (`yuv420p10le`, `gray12be`, `p010le`), else as the codec states it; 8 where a format names none. */
function bitDepthOf(stream: ReportedStream): number | null {
  const format = word(stream.pix_fmt);
  if (format === null) return positive(stream.bits_per_raw_sample);
  const named = /(?:p|gray|^p0|^gbrap?|^x2rgb|^x2bgr)(9|10|12|14|16)(?:le|be)$/.exec(format)?.[1];
  return named === undefined ? (positive(stream.bits_per_raw_sample) ?? 8) : Number(named);
}

function holdsPositions(stream: ReportedStream): boolean {
  if (kindOf(stream) !== 'data') return false;
  return POSITION_TRACKS.test(stream.codec_tag_string ?? '') || /\bgps\b/i.test(stream.tags?.['handler_name'] ?? '');
}

function tagged(report: FfprobeReport, name: RegExp): boolean {
  const all = [report.format?.tags, ...(report.streams ?? []).map((stream) => stream.tags)];
  return all.some((tags) => Object.keys(tags ?? {}).some((tag) => name.test(tag)));
}

/** ffprobe writes bytes that cannot be printed as `[0]`; a tag of those says nothing. */
function tagOf(stream: ReportedStream): string | null {
  const tag = stream.codec_tag_string?.trim() ?? '';
  return /^[\x21-\x5a\x5c\x5e-\x7e][\x20-\x7e]{0,3}$/.test(tag) ? tag : null;
}

function languageOf(stream: ReportedStream): string | null {
  const language = stream.tags?.['language'] ?? '';
  return /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(language) && language !== 'und' ? language : null;
}

function word(text: string | undefined): string | null {
  return text === undefined || text === '' || text === 'unknown' || text === 'N/A' ? null : text;
}

/** Numbers that ffprobe writes as numbers or as text; only those above nought say anything. */
export function positive(value: string | number | undefined): number | null {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? number : null;
}

export function milliseconds(seconds: string | undefined): number | null {
  const value = seconds === undefined || seconds === '' ? NaN : Number(seconds) * 1000;
  return Number.isFinite(value) ? Math.round(value) + 0 : null;
}
