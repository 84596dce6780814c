import type { Probe } from './ffprobe-report.js';
import type { RedactionMute, RedactionPlan } from './redaction-plan.js';

export const AUDIO_RATE = 48_000;
const SAMPLES_PER_MS = AUDIO_RATE / 1000;

/** What is heard in place of speech where a plan asks for a tone: an eighth of full scale (-18 dB). */
export const TONE_HZ = 1000;
const TONE_LEVEL = 0.125;

/**
 * Muting reaches this far beyond the span on both sides: an AAC block spreads what is loud next to the span over 2,048 samples (43 ms at
 * 48 kHz), and a mute decides for blocks of 48 samples.
 */
export const MUTE_MARGIN_MS = 50;

/** Expressions of more than about fifty spans do not parse. */
const SPANS_PER_FILTER = 40;

/** More than two channels are mixed down. */
export function outChannels(audio: { readonly channels: number }): 1 | 2 {
  return audio.channels > 1 ? 2 : 1;
}

/**
 * The filters from the source's sound to the redacted one, without the labels at both ends. Small blocks before the mute: `volume` decides
 * for a whole block, and the decoder's would leak up to 21 ms of speech. A tone is added to what is silent already, never to speech.
 */
export function soundGraph(audio: NonNullable<Probe['audio']>, plan: RedactionPlan): string {
  const { mutes, clip } = plan;
  const layout = outChannels(audio) === 1 ? 'mono' : 'stereo';
  const filters = [
    // A sample that is no number would stay none when it is muted, and no encoder takes it.
    ...(audio.codec.startsWith('pcm_f') ? ['aformat=sample_fmts=s32'] : []),
    `aresample=${AUDIO_RATE}:async=1:first_pts=0`,
    `aformat=sample_fmts=fltp:channel_layouts=${layout}`,
  ];
  if (clip !== undefined) {
    filters.push(`atrim=start_pts=${clip.fromMs * SAMPLES_PER_MS}:end_pts=${clip.toMs * SAMPLES_PER_MS}`);
  }
  if (mutes.length > 0) filters.push(`asetnsamples=n=${SAMPLES_PER_MS}:p=0`);
  filters.push(...silenced(mutes.map((mute) => widened(mute))));
  // At the very end: until there, mutes and plan share the recording's time.
  const restart = clip === undefined ? '' : `,asetpts=PTS-${clip.fromMs * SAMPLES_PER_MS}`;
  const tones = mutes.filter(({ fill }) => fill === 'tone').map((mute) => widened(mute));
  if (tones.length === 0) return `${filters.join(',')}${restart}`;
  // Made of the times of the sound's own samples, not of `sine`: ffmpeg 7 never ends where a graph holds a source that never does.
  const tone = [`aeval=${TONE_LEVEL}*sin(2*PI*${TONE_HZ}*t):c=same`, ...silenced(between(tones))];
  const mixed = `[speech][tone]amix=inputs=2:duration=first:normalize=0${restart}`;
  return `${filters.join(',')},asplit=2[speech][timed];[timed]${tone.join(',')}[tone];${mixed}`;
}

/** Milliseconds, ends included: blocks that begin there are meant. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

function widened({ fromMs, toMs }: RedactionMute): Stretch {
  return { from: Math.max(0, fromMs - MUTE_MARGIN_MS), to: toMs + MUTE_MARGIN_MS };
}

/** What lies between stretches, before the first and after the last. */
function between(stretches: readonly Stretch[]): Stretch[] {
  const gaps: Stretch[] = [];
  let reached = 0;
  for (const { from, to } of stretches.toSorted((a, b) => a.from - b.from)) {
    // Blocks begin on whole milliseconds.
    if (from > reached) gaps.push({ from: reached, to: from - 1 });
    reached = Math.max(reached, to + 1);
  }
  return [...gaps, { from: reached, to: Number.MAX_SAFE_INTEGER }];
}

function silenced(stretches: readonly Stretch[]): string[] {
  const filters: string[] = [];
  for (let first = 0; first < stretches.length; first += SPANS_PER_FILTER) {
    const spans = stretches.slice(first, first + SPANS_PER_FILTER).map(({ from, to }) => {
      return `between(t,${(from / 1000).toFixed(3)},${(to / 1000).toFixed(3)})`;
    });
    filters.push(`volume=0:enable='${spans.join('+')}'`);
  }
  return filters;
}
