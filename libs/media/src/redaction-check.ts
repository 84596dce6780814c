import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { runFfmpeg, runFfprobe } from './ffmpeg-runner.js';
import type { FfprobeReport, Probe } from './ffprobe-report.js';
import type { MediaTools } from './media-tools.js';
import { report } from './probe.js';
import { redactedSize } from './redaction-arguments.js';
import { FrameInspector } from './redaction-frame-inspector.js';
import type { RedactionPlan } from './redaction-plan.js';
import { AUDIO_RATE } from './redaction-sound.js';
import { SoundInspector } from './redaction-sound-inspector.js';
import { framesToKeep, timingFaults, withDrainedFrames } from './redaction-timing.js';

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
const TOP_LEVEL_BOXES = ['ftyp', 'moov', 'free', 'mdat'];

/**
 * Looks for leaks in a rendered redaction, trusting nothing of how it was made: decodes it and compares every pixel of every region in
 * every frame, every sample of every mute, and all that the container says, with what the plan allows. Constant memory.
 *
 * @returns every fault found, in words; empty is clean
 * @throws MediaError when either file cannot be read at all (`unreadable`, `no-video`, `failed`), `time-limit`, `aborted`
 */
export async function checkRedaction(tools: MediaTools, input: RedactionCheck): Promise<readonly string[]> {
  const described = await report(tools, input.out, input.signal);
  const faults = [...containerFaults(described, input.probe), ...(await boxFaults(input.out))];
  // The decoding below only makes sense of a file of the expected build.
  if (faults.length > 0) return faults;

  const startMs = Number((await report(tools, input.source, input.signal)).format?.start_time ?? 0) * 1000 || 0;
  const sourceTimes = withDrainedFrames(await frameTimes(tools, input.source, startMs, input.signal, input.probe.video.index));
  // The result counts from the source's or the clip's start by itself, also when its first picture comes later.
  const outTimes = await frameTimes(tools, input.out, -(input.plan.clip?.fromMs ?? 0), input.signal);
  const kept = framesToKeep(sourceTimes, outTimes, input.plan.clip);
  faults.push(...timingFaults(kept, outTimes));
  const stored = await storedPackets(tools, input);
  if (stored.video !== outTimes.length) {
    faults.push(`The file holds ${stored.video} pictures, of which ${outTimes.length} are shown.`);
  }
  faults.push(...(await pictureFaults(tools, input, kept)));
  faults.push(...(await soundFaults(tools, input, stored.audio)));
  return faults;
}

/** Pure: streams, tags, chapters and captions against the allow-list. */
export function containerFaults(described: FfprobeReport, probe: Probe): string[] {
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
    if (stream.closed_captions === 1) faults.push('The picture carries captions.');
  }
  if ((described.chapters?.length ?? 0) > 0) faults.push('The file carries chapters.');
  return faults;
}

/** The boxes of the MP4 itself (ISO/IEC 14496-12 §4.2): nothing may hide beside the film, nor after it. */
async function boxFaults(file: string): Promise<string[]> {
  const handle = await open(file);
  try {
    const faults: string[] = [];
    const { size } = await handle.stat();
    for (let at = 0; at < size;) {
      const box = await readBox(handle, at);
      if (!TOP_LEVEL_BOXES.includes(box.type)) faults.push(`The file holds a box "${box.type}", which is not expected.`);
      if (box.size < 8 || at + box.size > size) return [...faults, 'The file is not a whole MP4.'];
      at += box.size;
    }
    return faults;
  } finally {
    await handle.close();
  }
}

async function readBox(handle: FileHandle, at: number): Promise<{ type: string; size: number }> {
  const header = Buffer.alloc(16);
  await handle.read(header, 0, 16, at);
  const size = header.readUInt32BE(0);
  // Size 1 says that a 64-bit size follows the type.
  return { type: header.toString('latin1', 4, 8), size: size === 1 ? Number(header.readBigUInt64BE(8)) : size };
}

/** Times of the frames that a player shows, in ms from `startMs`, in order; NaN where the file gives none. Decodes. */
async function frameTimes(
  tools: MediaTools,
  file: string,
  startMs: number,
  signal: AbortSignal | undefined,
  track?: number,
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
      'csv=p=0',
      '-show_entries',
      'frame=best_effort_timestamp_time',
    ],
    // A frame with side data brings an empty line of its own.
    onLine: (line: string): void => {
      if (line !== '') times.push(parseFloat(line) * 1000 - startMs);
    },
  };
  await runFfprobe(tools, signal === undefined ? call : { ...call, signal });
  return Float64Array.from(times);
}

/** Packets of picture and sound in the file, whatever its edit list says of them. */
async function storedPackets(tools: MediaTools, input: RedactionCheck): Promise<{ video: number; audio: number }> {
  const stored = { video: 0, audio: 0 };
  const call = {
    file: input.out,
    options: [
      '-ignore_editlist',
      '1',
      '-count_packets',
      '-print_format',
      'csv=p=0',
      '-show_entries',
      'stream=codec_type,nb_read_packets',
    ],
    onLine: (line: string): void => {
      const [kind, packets] = line.split(',');
      if (kind === 'video' || kind === 'audio') stored[kind] += Number(packets);
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
  const beyond = clip === undefined ? 0 : inspector.samples - ((clip.toMs - clip.fromMs) * AUDIO_RATE) / 1000;
  if (beyond > AAC_SPARE_SAMPLES) faults.push(`The sound goes on for ${milliseconds(beyond)} ms after the clip's end.`);
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
