/** Rounding from the source's time unit to the result's. */
const TIME_TOLERANCE_MS = 1.5;

/** A frame so close to a clip's end may fall on either side of it: by then its time was rounded by the demuxer and by ffprobe. */
const EDGE_MS = 0.1;
/** Unless it is on the end itself, as far as ffprobe's microseconds can tell. */
const EXACT_MS = 0.0006;

/**
 * Of the source's frames, those that a clip keeps: shown at `fromMs` or later, before `toMs`. A frame within a tenth of a millisecond of
 * either end, yet not on it, is kept if the redaction has it.
 *
 * @param source times of all frames, ms from the start of the recording; as for `out`
 */
export function framesToKeep(
  source: Float64Array,
  out: Float64Array,
  clip: { readonly fromMs: number; readonly toMs: number } | undefined,
): Float64Array {
  if (clip === undefined) return source;
  const isClose = (time: number, edge: number, by = EDGE_MS): boolean => Math.abs(time - edge) <= by;
  return source.filter((time) => {
    if (isClose(time, clip.fromMs, EXACT_MS)) return true;
    if (isClose(time, clip.toMs, EXACT_MS)) return false;
    if (isClose(time, clip.fromMs) || isClose(time, clip.toMs)) return out.some((other) => isClose(other, time));
    return time > clip.fromMs && time < clip.toMs;
  });
}

/** Both in ms from the start of the recording. */
export function timingFaults(source: Float64Array, out: Float64Array): string[] {
  if (source.length !== out.length) return [`The source has ${source.length} frames to show and the redaction ${out.length}.`];
  const moved = out.findIndex((time, index) => {
    return !(Math.abs(time - (source[index] ?? NaN)) <= TIME_TOLERANCE_MS);
  });
  return moved === -1 ? [] : [`Frame ${moved} is not shown at the time it has in the source.`];
}

/**
 * Containers without presentation times (AVI with B-frames) leave the frames that the decoder still held at the end without a time: a player
 * shows them one frame after the other. Only at the end: elsewhere a frame without a time stays a fault.
 */
export function withDrainedFrames(times: Float64Array): Float64Array {
  const timed = times.findLastIndex((time) => !Number.isNaN(time));
  const interval = ((times[timed] ?? NaN) - (times[0] ?? NaN)) / timed;
  return times.map((time, index) => (index > timed ? (times[timed] ?? NaN) + (index - timed) * interval : time));
}

/**
 * Pictures that no plan can cover, since its times go from nought to the length that the header states: a header that says less than there is would
 * bring them through. All times in ms from the start of the recording.
 */
export function framesBeyondReach(kept: Float64Array, durationMs: number): string[] {
  const beyond = kept.filter((time) => time < -EDGE_MS || time > durationMs + EDGE_MS);
  const [first] = beyond;
  if (first === undefined) return [];
  return [
    `${beyond.length} pictures lie outside the length of ${durationMs} ms that the recording states, the first at ${Math.round(first)} ms, where no plan can cover them. A clip leaves them out.`,
  ];
}

/** Longer than this no camera waits for its next picture; ffmpeg takes a gap like that in a transport stream for a clock that was set anew. */
const LONGEST_GAP_MS = 10_000;

/** Why times cannot have been kept, where it is the source's own clock that was set back or ahead. Times in ms from the start of the recording. */
export function clockFaults(source: Float64Array): string[] {
  const at = source.findIndex((time, index) => {
    const step = time - (source[index - 1] ?? time);
    return step < -EDGE_MS || step > LONGEST_GAP_MS;
  });
  if (at === -1) return [];
  const [from, to] = [source[at - 1] ?? NaN, source[at] ?? NaN].map((ms) => (ms / 1000).toFixed(3));
  return [
    `The recording's own clock jumps from ${from} s to ${to} s, and a redaction cannot follow it: only a clip that ends before it can be redacted.`,
  ];
}
