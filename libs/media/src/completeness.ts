import { runFfprobe } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';

/** How far the packets really reach, from demuxing the whole file. */
export interface PacketRun {
  /** End of the last whole packet of any stream, from the start of the recording. */
  readonly endMs: number;
  /** Whole packets of the moving picture. */
  readonly videoPackets: number;
  /** Start and end of its last one. */
  readonly lastPictureMs: { readonly from: number; readonly to: number };
  /** Where the clock of the moving picture was first set back, or ahead by more than a camera waits for its next picture; from the start of the recording. */
  readonly jumpMs?: { readonly from: number; readonly to: number };
  /** The demuxer met the end of the file inside a packet or a block. */
  readonly cutOff: boolean;
}

/** ffmpeg takes a gap like that in a transport stream for a clock that was set anew. */
const LONGEST_GAP_SECONDS = 10;

/** Containers round, and the last packet's own length is often missing: one second of a long file and a fiftieth of a short one are no loss. */
function toleranceMs(durationMs: number): number {
  return Math.min(1000, Math.max(250, durationMs / 50));
}

/** ffprobe estimates the length of an AVI without its index from the file's size; the count of frames in its header stays true. */
function promised(probe: Probe): number {
  const [rate, per] = probe.video.frameRate.split('/').map(Number);
  if (probe.container !== 'avi' || probe.video.frames === undefined || !rate || !per) return probe.durationMs;
  return Math.max(probe.durationMs, Math.round((probe.video.frames * 1000 * per) / rate));
}

/**
 * Demuxes to the end without decoding and compares with what the container promises. A stream format that promises nothing (a transport
 * stream states neither length nor count) can only be judged by its last packet.
 *
 * @throws MediaError `truncated` ("12.3 s of 30.0 s present"), `unreadable`, `time-limit`, `aborted`
 */
export async function checkWhole(tools: MediaTools, file: string, probe: Probe, signal?: AbortSignal): Promise<void> {
  const packets = await readPackets(tools, file, signal);
  const promisedMs = promised(probe);
  const short = packets.endMs < promisedMs - toleranceMs(promisedMs);
  if (!packets.cutOff && !short) return;
  const present = `${seconds(packets.endMs)} s of ${seconds(promisedMs)} s present`;
  throw new MediaError('truncated', `The file is cut off: ${present}.`);
}

/** @throws MediaError `unreadable`, `time-limit`, `aborted` */
export async function readPackets(tools: MediaTools, file: string, signal?: AbortSignal): Promise<PacketRun> {
  let firstMs = Infinity;
  let endMs = -Infinity;
  let videoPackets = 0;
  let lastPicture = { from: -Infinity, to: -Infinity };
  let lastWasDamaged = false;
  let decoded: number | undefined;
  let jump: { from: number; to: number } | undefined;
  const call = {
    file,
    options: ['-print_format', 'csv=p=0:nk=0', '-show_entries', 'packet=codec_type,pts_time,dts_time,duration_time,flags'],
    onLine: (line: string): void => {
      const packet = fields(line);
      const time = number(packet.get('pts_time')) ?? number(packet.get('dts_time'));
      const flags = packet.get('flags') ?? '';
      lastWasDamaged = flags.includes('C');
      if (lastWasDamaged) return;
      if (packet.get('codec_type') === 'video') {
        videoPackets += 1;
        const next = number(packet.get('dts_time'));
        const step = next === undefined || decoded === undefined ? 0 : next - decoded;
        if (step < 0 || step > LONGEST_GAP_SECONDS) jump ??= { from: (decoded ?? 0) * 1000, to: (next ?? 0) * 1000 };
        decoded = next ?? decoded;
      }
      if (time === undefined) return;
      // What an edit list hides comes before the beginning.
      if (!flags.includes('D')) firstMs = Math.min(firstMs, time * 1000);
      const to = (time + (number(packet.get('duration_time')) ?? 0)) * 1000;
      endMs = Math.max(endMs, to);
      if (packet.get('codec_type') === 'video' && to > lastPicture.to) lastPicture = { from: time * 1000, to };
    },
  };
  const errors = await runFfprobe(tools, signal === undefined ? call : { ...call, signal });
  const cutOff = lastWasDamaged || errors.some((line) => /partial file|ended prematurely/i.test(line));
  // Below nought where the clock of a transport stream began anew.
  const startMs = Number.isFinite(firstMs) ? firstMs : 0;
  const sinceStart = (ms: number): number => (Number.isFinite(ms) ? Math.round(ms - startMs) : 0);
  const lastPictureMs = { from: sinceStart(lastPicture.from), to: sinceStart(lastPicture.to) };
  const jumpMs = jump === undefined ? {} : { jumpMs: { from: sinceStart(jump.from), to: sinceStart(jump.to) } };
  return { endMs: sinceStart(endMs), videoPackets, lastPictureMs, ...jumpMs, cutOff };
}

function fields(line: string): Map<string, string> {
  return new Map(
    line.split(',').map((field): [string, string] => [field.slice(0, field.indexOf('=')), field.slice(field.indexOf('=') + 1)]),
  );
}

function number(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || Number.isNaN(value) ? undefined : value;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(1);
}
