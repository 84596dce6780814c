import { runFfmpeg, runFfprobe } from './ffmpeg-runner.js';
import type { FfprobeReport, Probe } from './ffprobe-report.js';
import type { MediaTools } from './media-tools.js';
import { report } from './probe.js';
import { redactedSize } from './redaction-arguments.js';
import { boxFaults } from './redaction-boxes.js';
import { FrameInspector } from './redaction-frame-inspector.js';
import type { RedactionPlan } from './redaction-plan.js';
import { AUDIO_RATE } from './redaction-sound.js';
import { SoundInspector } from './redaction-sound-inspector.js';
import { clockFaults, framesBeyondReach, framesToKeep, timingFaults, withDrainedFrames } from './redaction-timing.js';

export interface RedactionCheck {
  readonly source: string;
  readonly out: string;
  /** Of the source. */
  readonly probe: Probe;
  readonly plan: RedactionPlan;
  readonly signal?: AbortSignal;
}

/** The encoder's own start (1,024 samples that an edit list hides), and what fills its last packets. */
const AAC_PACKET_SAMPLES = 1024;
const AAC_SPARE_SAMPLES = 3 * AAC_PACKET_SAMPLES;

const FORMAT_TAGS = ['major_brand', 'minor_version', 'compatible_brands'];
const STREAM_TAGS: Readonly<Record<string, readonly string[]>> = {
  language: ['und'],
  handler_name: ['VideoHandler', 'SoundHandler'],
  vendor_id: ['[0][0][0][0]'],
  encoder: ['Lavc libx264'],
};

/**
 * Looks for leaks in a rendered redaction, trusting nothing of how it was made: decodes it and compares every pixel of every region in
 * every frame, every sample of every mute, and all that the container says, with what the plan allows. Constant memory.
 *
 * @returns every fault found, in words; empty is clean
 * @throws MediaError when either file cannot be read at all (`unreadable`, `no-video`, `failed`), `time-limit`, `aborted`
 */
export async function checkRedaction(tools: MediaTools, input: RedactionCheck): Promise<readonly string[]> {
  const described = await report(tools, input.out, input.signal);
  const stored = await storedPackets(tools, input);
  const faults = [...containerFaults(described, input.probe), ...(await boxFaults(input.out, stored.bytes))];
  // The decoding below only makes sense of a file of the expected build.
  if (faults.length > 0) return faults;

  const startMs = Number((await report(tools, input.source, input.signal)).format?.start_time ?? 0) * 1000 || 0;
  const sourceTimes = withDrainedFrames(await frameTimes(tools, input.source, startMs, input.signal, input.probe.video.index));
  // The result counts from the source's or the clip's start by itself, also when its first picture comes later.
  const carried = new Set<string>();
  const outTimes = await frameTimes(tools, input.out, -(input.plan.clip?.fromMs ?? 0), input.signal, undefined, carried);
  for (const kind of carried) faults.push(`The pictures carry more than a picture: ${kind}.`);
  const kept = framesToKeep(sourceTimes, outTimes, input.plan.clip);
  const moved = timingFaults(kept, outTimes);
  faults.push(
    ...framesBeyondReach(kept, input.probe.durationMs),
    ...moved,
    ...(moved.length > 0 ? clockFaults(sourceTimes) : []),
  );
  if (stored.video !== outTimes.length) {
    faults.push(`The file holds ${stored.video} pictures, of which ${outTimes.length} are shown.`);
  }
  faults.push(...(await pictureFaults(tools, input, kept)));
  faults.push(...(await soundFaults(tools, input, stored.audio)));
  return faults;
}

/** Pure: streams, tags and chapters against the allow-list. */
function containerFaults(described: FfprobeReport, probe: Probe): string[] {
  const faults: string[] = [];
  const streams = described.streams ?? [];
  const kinds = streams.map((stream) => `${stream.codec_type}/${stream.codec_name}`).join(', ');
  const expected = probe.audio === null ? 'video/h264' : 'video/h264, audio/aac';
  if (kinds !== expected) faults.push(`The file holds the streams ${kinds || 'none'}, where only ${expected} may be.`);
  const size = redactedSize(probe);
  const picture = streams[0];
  if (picture?.width !== size.width || picture.height !== size.height) {
    faults.push(`The picture has ${picture?.width}×${picture?.height} pixels, where ${size.width}×${size.height} are expected.`);
  }
  for (const tag of Object.keys(described.format?.tags ?? {})) {
    if (!FORMAT_TAGS.includes(tag)) faults.push(`The file carries the tag "${tag}".`);
  }
  for (const stream of streams) {
    for (const [tag, value] of Object.entries(stream.tags ?? {})) {
      if (!STREAM_TAGS[tag]?.includes(value))
        faults.push(`The ${stream.codec_type ?? 'unknown'} stream carries the tag "${tag}".`);
    }
    if (stream.side_data_list !== undefined) faults.push(`The ${stream.codec_type ?? 'unknown'} stream carries side data.`);
  }
  if ((described.chapters?.length ?? 0) > 0) faults.push('The file carries chapters.');
  return faults;
}

/**
 * Times of the frames that a player shows, in ms from `startMs`, in order; NaN where the file gives none. Decodes.
 *
 * @param carried takes what the frames have beside their pixels, captions above all: it lies among the pictures' own bytes, and no header tells
 */
async function frameTimes(
  tools: MediaTools,
  file: string,
  startMs: number,
  signal: AbortSignal | undefined,
  track?: number,
  carried?: Set<string>,
): Promise<Float64Array> {
  const times: number[] = [];
  const call = {
    file,
    options: [
      '-threads',
      '2',
      '-select_streams',
      String(track ?? 'V:0'),
      '-print_format',
      'default=noprint_wrappers=1',
      '-show_entries',
      'frame=best_effort_timestamp_time:frame_side_data=side_data_type',
    ],
    onLine: (line: string): void => {
      const [name, value = ''] = line.split('=', 2);
      if (name === 'best_effort_timestamp_time') times.push(parseFloat(value) * 1000 - startMs);
      if (name === 'side_data_type') carried?.add(value);
    },
  };
  await runFfprobe(tools, signal === undefined ? call : { ...call, signal });
  return Float64Array.from(times);
}

interface Stored {
  /** Packets of the picture, and of the sound. */
  readonly video: number;
  readonly audio: number;
  readonly bytes: number;
}

/** What there is of picture and sound in the file, whatever its edit list says of it. */
async function storedPackets(tools: MediaTools, input: RedactionCheck): Promise<Stored> {
  const stored = { video: 0, audio: 0, bytes: 0 };
  let kind = '';
  const call = {
    file: input.out,
    options: [
      '-ignore_editlist',
      '1',
      '-count_packets',
      '-print_format',
      'default=noprint_wrappers=1',
      '-show_entries',
      'packet=size:stream=codec_type,nb_read_packets',
    ],
    onLine: (line: string): void => {
      const [name, value = ''] = line.split('=', 2);
      if (name === 'size') stored.bytes += Number(value);
      if (name === 'codec_type') kind = value;
      if (name === 'nb_read_packets' && (kind === 'video' || kind === 'audio')) stored[kind] += Number(value);
    },
  };
  await runFfprobe(tools, input.signal === undefined ? call : { ...call, signal: input.signal });
  return stored;
}

async function pictureFaults(tools: MediaTools, input: RedactionCheck, times: Float64Array): Promise<string[]> {
  if (input.plan.regions.length === 0) return [];
  const inspector = new FrameInspector(input.plan.regions, redactedSize(input.probe), times);
  const options = ['-map', '0:V:0', '-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p', '-f', 'rawvideo'];
  await decode(tools, input, options, inspector);
  return inspector.faults();
}

async function soundFaults(tools: MediaTools, input: RedactionCheck, packets: number): Promise<string[]> {
  if (input.probe.audio === null) return [];
  const { mutes, clip } = input.plan;
  const inspector = new SoundInspector(mutes, clip?.fromMs);
  // Mixed down, opposite channels could cancel out: both are kept, interleaved.
  const resampled = ['-af', `aresample=${AUDIO_RATE}:async=1:first_pts=0`, '-ac', '2'];
  await decode(tools, input, ['-map', '0:a:0', ...resampled, '-c:a', 'pcm_f32le', '-f', 'f32le'], inspector);
  const faults = inspector.faults();
  const milliseconds = (samples: number): number => Math.ceil((samples * 1000) / AUDIO_RATE);
  const unheard = packets * AAC_PACKET_SAMPLES - inspector.samples;
  if (unheard > AAC_SPARE_SAMPLES) faults.push(`The file holds ${milliseconds(unheard)} ms of sound that is not heard.`);
  // No mute reaches beyond the end that the recording states.
  const lengthMs = clip === undefined ? input.probe.durationMs : clip.toMs - clip.fromMs;
  const beyond = inspector.samples - (lengthMs * AUDIO_RATE) / 1000;
  const end = clip === undefined ? 'end that the recording states' : "clip's end";
  const remedy = clip === undefined ? ' A clip leaves it out.' : '';
  if (beyond > AAC_SPARE_SAMPLES) faults.push(`The sound goes on for ${milliseconds(beyond)} ms after the ${end}.${remedy}`);
  return faults;
}

async function decode(
  tools: MediaTools,
  input: RedactionCheck,
  options: readonly string[],
  inspector: FrameInspector | SoundInspector,
): Promise<void> {
  await runFfmpeg(tools, {
    input: { options: [], file: input.out },
    outputs: [{ options, to: inspector }],
    ...(input.signal === undefined ? {} : { signal: input.signal }),
  });
}
