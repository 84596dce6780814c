import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { readPackets } from './completeness.js';
import { runFfmpeg, runFfprobe } from './ffmpeg-runner.js';
import type { FfprobeReport, Probe } from './ffprobe-report.js';
import type { MediaTools } from './media-tools.js';
import { report } from './probe.js';
import { AUDIO_RATE, redactedSize } from './redaction-arguments.js';
import type { RedactionPlan } from './redaction-plan.js';
import { FrameInspector, SoundInspector } from './redaction-inspectors.js';

export interface RedactionCheck {
  readonly source: string;
  readonly out: string;
  /** Of the source. */
  readonly probe: Probe;
  readonly plan: RedactionPlan;
  readonly signal?: AbortSignal;
}

/** Rounding from the source's time unit to the result's. */
const TIME_TOLERANCE_MS = 1.5;

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
  const sourceTimes = withDrainedFrames(await frameTimes(tools, input.source, startMs, input.signal));
  // The result counts from the source's start by itself, also when its first picture comes later.
  const outTimes = await frameTimes(tools, input.out, 0, input.signal);
  faults.push(...timingFaults(sourceTimes, outTimes));
  const stored = (await readPackets(tools, input.out, input.signal)).videoPackets;
  if (stored !== outTimes.length) faults.push(`The file holds ${stored} pictures, of which ${outTimes.length} are shown.`);
  faults.push(...(await pictureFaults(tools, input, sourceTimes)));
  faults.push(...(await soundFaults(tools, input)));
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
async function frameTimes(tools: MediaTools, file: string, startMs: number, signal?: AbortSignal): Promise<Float64Array> {
  const times: number[] = [];
  const call = {
    file,
    options: [
      '-threads',
      '2',
      '-select_streams',
      'V:0',
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

function timingFaults(source: Float64Array, out: Float64Array): string[] {
  if (source.length !== out.length) return [`The source has ${source.length} frames and the redaction ${out.length}.`];
  const moved = out.findIndex((time, index) => {
    return !(Math.abs(time - (source[index] ?? NaN)) <= TIME_TOLERANCE_MS);
  });
  return moved === -1 ? [] : [`Frame ${moved} is not shown at the time it has in the source.`];
}

async function pictureFaults(tools: MediaTools, input: RedactionCheck, times: Float64Array): Promise<string[]> {
  if (input.plan.regions.length === 0) return [];
  const inspector = new FrameInspector(input.plan.regions, redactedSize(input.probe), times);
  const options = ['-map', '0:V:0', '-fps_mode', 'passthrough', '-pix_fmt', 'yuv420p', '-f', 'rawvideo'];
  await decode(tools, input, options, inspector);
  return inspector.faults();
}

async function soundFaults(tools: MediaTools, input: RedactionCheck): Promise<string[]> {
  if (input.plan.mutes.length === 0 || input.probe.audio === null) return [];
  const inspector = new SoundInspector(input.plan.mutes, AUDIO_RATE);
  // Mixed down, opposite channels could cancel out: both are kept, interleaved.
  const sound = [
    '-map',
    '0:a:0',
    '-af',
    `aresample=${AUDIO_RATE}:async=1:first_pts=0`,
    '-ac',
    '2',
    '-c:a',
    'pcm_f32le',
    '-f',
    'f32le',
  ];
  await decode(tools, input, sound, inspector);
  return inspector.faults();
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

/**
 * Containers without presentation times (AVI with B-frames) leave the frames that the decoder still held at the end without a time: a player
 * shows them one frame after the other. Only at the end: elsewhere a frame without a time stays a fault.
 */
function withDrainedFrames(times: Float64Array): Float64Array {
  const timed = times.findLastIndex((time) => !Number.isNaN(time));
  const interval = ((times[timed] ?? NaN) - (times[0] ?? NaN)) / timed;
  return times.map((time, index) => (index > timed ? (times[timed] ?? NaN) + (index - timed) * interval : time));
}
