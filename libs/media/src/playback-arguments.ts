import type { Writable } from 'node:stream';
import type { FfmpegOutput } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { ladderOf, playbackRate } from './playback-ladder.js';
import type { Rung } from './playback-ladder.js';

/** Raise it whenever the arguments below change what comes out: renditions made by an older recipe can then be found and made anew. */
export const PLAYBACK_RECIPE = 'hls-ladder-v1';

export const SEGMENT_SECONDS = 4;
export const SOUND = 'sound';
export const POSTER = 'poster.jpg';
export const POSTER_CANDIDATE = /^poster-\d{2}\.jpg$/;
/** One tiny grey picture for each that the decoder gave: its length says how many there were. */
export const PICTURES = 'pictures.gray';
export const POSTER_CANDIDATES = 12;

/** Side in pixels of what stands for a picture that was decoded. */
export const COUNTED_SIDE = { inFile: 2, inStream: 16 } as const;

/**
 * What ffmpeg is told of the source. Where pictures change their size midway, the filters stay as they are: begun anew they would count time from
 * the start again. `scale` comes first among them and takes pictures of any size.
 */
export const PLAYBACK_INPUT: readonly string[] = ['-reinit_filter:v', '0'];

export const initOf = (track: string): string => `${track}-init.mp4`;
export const playlistOf = (track: string): string => `${track}.m3u8`;
export const segmentOf = (track: string, index: number): string => `${track}-${String(index).padStart(5, '0')}.m4s`;

/**
 * One decode feeds every rung (each scaled from the one above), a dozen small pictures spread over the recording, one of which becomes
 * the poster (a recording that begins in the dark needs a face too), and the sound, which is encoded once, as a rendition of its own
 * beside the pictures. File names are relative: run it inside the output folder.
 *
 * `flow` takes what must come in time with the decoding: the sound (16 bit little-endian, 48 kHz, `soundChannels`), or, where there is none, the
 * counted pictures. Whoever does not take it stops ffmpeg: it is the brake.
 *
 * Not the `thumbnail` filter, which would choose by itself, nor `tile` for the sprite: they write late, and ffmpeg reports no progress before
 * every output has begun.
 */
export function playbackOutputs(probe: Probe, flow: Writable): readonly FfmpegOutput[] {
  const rungs = ladderOf(probe.video.width, probe.video.height);
  const withSound = probe.audio !== null;
  const counted = withSound ? COUNTED_SIDE.inFile : COUNTED_SIDE.inStream;
  // Timestamps that jump ahead by hours would be filled with as many frames.
  const limit = ['-t', ((probe.durationMs + 1000) / 1000).toFixed(3)];
  // Each its own graph: one that waits for its first sound would hold back whole pictures in memory.
  const graphs = [pictureGraph(probe, rungs, counted), ...(withSound ? [soundGraph(probe)] : [])];
  const [first, ...others] = rungs.map((rung, at) => ({
    options: [...limit, '-map', `[v${at}]`, ...pictureCodec(rung), ...hls(rung.name, ['-hls_flags', 'independent_segments'])],
    to: playlistOf(rung.name),
  }));
  return [
    { options: [...graphs.flatMap((graph) => ['-filter_complex', graph]), ...(first?.options ?? [])], to: first?.to ?? '' },
    ...others,
    {
      options: [
        ...['-map', '[posters]', '-frames:v', '50', '-fps_mode', 'passthrough', '-c:v', 'mjpeg', '-q:v', '3', '-f', 'image2'],
      ],
      to: 'poster-%02d.jpg',
    },
    {
      options: ['-map', '[pictures]', '-fps_mode', 'passthrough', '-c:v', 'rawvideo', '-f', 'rawvideo'],
      to: withSound ? PICTURES : flow,
    },
    ...(withSound
      ? [
          { options: [...limit, '-map', '[sound]', '-c:a', 'aac', '-b:a', '128k', ...hls(SOUND, [])], to: playlistOf(SOUND) },
          { options: [...limit, '-map', '[wave]', '-c:a', 'pcm_s16le', '-f', 's16le'], to: flow },
        ]
      : []),
  ];
}

/** One stays one: made into two, each would be 3 dB quieter than it was. */
export function soundChannels({ audio }: Probe): 1 | 2 {
  return audio?.channels === 1 ? 1 : 2;
}

function soundGraph(probe: Probe): string {
  // Cameras leave gaps in the sound (pre-event buffer); filling them keeps picture and sound together.
  const filters = `aresample=48000:async=1:first_pts=0,aformat=sample_fmts=fltp:channel_layouts=${soundChannels(probe) === 1 ? 'mono' : 'stereo'}`;
  return `[0:${probe.audio?.index ?? 'a:0'}]${filters},asplit=2[sound][wave]`;
}

function pictureGraph(probe: Probe, rungs: readonly Rung[], counted: number): string {
  const smallest = rungs.length - 1;
  const step = (probe.durationMs / 1000 / POSTER_CANDIDATES).toFixed(3);
  const [{ width, height } = { width: 2, height: 2 }] = rungs;
  const last = rungs.at(-1);
  return [
    `[0:${probe.video.index ?? 'V:0'}]scale=${width}:${height}:out_range=tv,format=yuv420p,split=2[in][counted]`,
    `[counted]scale=${counted}:${counted}:flags=neighbor,format=gray[pictures]`,
    ...rungs.map((rung, at) => {
      const [from, scaled] =
        at === 0
          ? ['in', `fps=${playbackRate(probe.video.frameRate)}:start_time=0`]
          : [`n${at - 1}`, `scale=${rung.width}:${rung.height}`];
      return `[${from}]${scaled},split=2[v${at}][${at === smallest ? 'stills' : `n${at}`}]`;
    }),
    `[stills]select='isnan(prev_selected_t)+gte(t-prev_selected_t,${step})',scale=${last?.width}:${last?.height}:out_range=pc,` +
      `format=yuvj420p[posters]`,
  ].join(';');
}

function pictureCodec({ maxKbps }: Rung): readonly string[] {
  return [
    // A number of its own, not the machine's: what comes out depends on it, and memory would grow with the processor.
    ...['-c:v', 'libx264', '-threads', '4', '-preset', 'veryfast', '-profile:v', 'high', '-crf', '23'],
    ...['-maxrate', `${maxKbps}k`, '-bufsize', `${maxKbps * 2}k`],
    // At the same times in every rung, so that a player can change from one to another at any segment.
    ...['-fps_mode', 'vfr', '-force_key_frames', `expr:gte(t,n_forced*${SEGMENT_SECONDS})`, '-sc_threshold', '0', '-a53cc', '0'],
  ];
}

function hls(track: string, flags: readonly string[]): readonly string[] {
  return [
    ...['-sn', '-dn', '-map_metadata', '-1', '-map_chapters', '-1'],
    // Else pictures that are stored out of order would begin two frames late, and the sound, in files of its own, would not.
    ...['-avoid_negative_ts', 'disabled'],
    ...['-f', 'hls', '-hls_time', String(SEGMENT_SECONDS), '-hls_playlist_type', 'vod', ...flags, '-hls_segment_type', 'fmp4'],
    ...['-hls_fmp4_init_filename', initOf(track), '-hls_segment_filename', `${track}-%05d.m4s`],
  ];
}
