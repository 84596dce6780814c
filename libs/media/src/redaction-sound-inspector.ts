import type { RedactionMute } from './redaction-plan.js';
import { RecordSink } from './redaction-record-sink.js';
import { AUDIO_RATE, TONE_HZ } from './redaction-sound.js';

/** -60 dB of full scale. */
const SILENCE = 0.001;
/**
 * -34 dB: what coding may leave beside a tone that begins or ends with the sound itself, where there is no room for the mute to reach further
 * than asked (measured: -39.8 dB). It is gone after 3,072 samples.
 */
const EDGE_REST = 0.02;
const EDGE_WINDOWS = 7;

/** Between these, -40 and -6 dB, a tone is taken for the one that was asked for. */
const TONE_LEAST = 0.01;
const TONE_MOST = 0.5;

const CHANNELS = 2;
const SAMPLE_BYTES = 4 * CHANNELS;
/** Whole turns of the tone, so that what is left beside it can be told from it. */
const WINDOW_SAMPLES = (AUDIO_RATE / TONE_HZ) * 10;

/** Samples of the redaction. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

interface Heard {
  /** Loudest sample, without the tone if a tone is asked for. */
  loudest: number;
  readonly tone: { least: number; most: number };
}

/** Takes interleaved 32-bit float samples of two channels, 48,000 a second, and looks for sound within the mutes. */
export class SoundInspector extends RecordSink {
  private readonly heard: readonly Heard[];
  private readonly spans: readonly Stretch[];
  /** What was left beside tones in the last windows: only the end of the sound tells whether they were its edge. */
  private recent: { readonly heard: Heard; readonly rest: number; readonly window: number }[] = [];
  private readonly turns: { readonly sine: Float64Array; readonly cosine: Float64Array };

  /** @param startMs the time in the recording at which the redaction begins: its clip's start */
  constructor(
    private readonly mutes: readonly RedactionMute[],
    startMs = 0,
  ) {
    super(WINDOW_SAMPLES * SAMPLE_BYTES);
    this.heard = mutes.map(() => ({ loudest: 0, tone: { least: Infinity, most: 0 } }));
    const sample = (ms: number): number => ((ms - startMs) * AUDIO_RATE) / 1000;
    this.spans = mutes.map(({ fromMs, toMs }) => ({ from: sample(fromMs), to: sample(toMs) }));
    const angle = (index: number): number => (2 * Math.PI * TONE_HZ * index) / AUDIO_RATE;
    this.turns = {
      sine: Float64Array.from({ length: WINDOW_SAMPLES }, (_, index) => Math.sin(angle(index))),
      cosine: Float64Array.from({ length: WINDOW_SAMPLES }, (_, index) => Math.cos(angle(index))),
    };
  }

  override _final(done: () => void): void {
    this.inspect(this.rest, this.records);
    for (const { heard, rest } of this.recent) noteRest(heard, rest, true);
    this.recent = [];
    done();
  }

  /** Samples of one channel. */
  get samples(): number {
    return this.records * WINDOW_SAMPLES + Math.floor(this.rest.length / SAMPLE_BYTES);
  }

  faults(): string[] {
    return this.mutes.flatMap(({ fromMs, toMs, fill }, index) => {
      const { loudest, tone } = this.heard[index] as Heard;
      const name = `Mute ${index + 1} (${fromMs} to ${toMs} ms)`;
      const level = `${(20 * Math.log10(loudest)).toFixed(1)} dB`;
      if (fill !== 'tone') return loudest < SILENCE ? [] : [`${name} is not silent: ${level}.`];
      const faults = loudest < SILENCE ? [] : [`${name} holds more than its tone: ${level} beside it.`];
      const hasTone = tone.least === Infinity || (tone.least >= TONE_LEAST && tone.most <= TONE_MOST);
      return hasTone ? faults : [...faults, `${name} does not hold its tone throughout.`];
    });
  }

  protected override inspect(block: Buffer, index: number): void {
    while (this.recent[0] !== undefined && this.recent[0].window < index - EDGE_WINDOWS) {
      const { heard, rest, window } = this.recent.shift() as (typeof this.recent)[number];
      noteRest(heard, rest, window < EDGE_WINDOWS);
    }
    const first = index * WINDOW_SAMPLES;
    const end = first + Math.floor(block.length / SAMPLE_BYTES);
    this.spans.forEach(({ from, to }, number) => {
      const within = { from: Math.max(from, first) - first, to: Math.min(to, end) - first };
      if (within.from >= within.to) return;
      const heard = this.heard[number] as Heard;
      for (let channel = 0; channel < CHANNELS; channel += 1) {
        if (this.mutes[number]?.fill === 'tone') this.hearTone(heard, block, channel, within, index);
        else this.hear(heard, block, channel, within);
      }
    });
  }

  private hear(heard: Heard, block: Buffer, channel: number, { from, to }: Stretch): void {
    for (let sample = from; sample < to; sample += 1) {
      heard.loudest = Math.max(heard.loudest, levelOf(block.readFloatLE(sample * SAMPLE_BYTES + 4 * channel)));
    }
  }

  /** Takes the tone that fits best out of a whole window, which lies within the mute's margins even where the mute does not fill it. */
  private hearTone(heard: Heard, block: Buffer, channel: number, { from, to }: Stretch, window: number): void {
    const samples = Math.floor(block.length / SAMPLE_BYTES);
    // The end of the sound, too short to tell a tone: no longer than ten milliseconds.
    if (samples < WINDOW_SAMPLES) return;
    let [a, b] = [0, 0];
    for (let sample = 0; sample < samples; sample += 1) {
      const value = block.readFloatLE(sample * SAMPLE_BYTES + 4 * channel);
      a += (2 / samples) * value * (this.turns.sine[sample] as number);
      b += (2 / samples) * value * (this.turns.cosine[sample] as number);
    }
    const amplitude = Math.hypot(a, b);
    heard.tone.least = Math.min(heard.tone.least, amplitude);
    heard.tone.most = Math.max(heard.tone.most, amplitude);
    let rest = 0;
    for (let sample = from; sample < to; sample += 1) {
      const tone = a * (this.turns.sine[sample] as number) + b * (this.turns.cosine[sample] as number);
      rest = Math.max(rest, levelOf(block.readFloatLE(sample * SAMPLE_BYTES + 4 * channel) - tone));
    }
    this.recent.push({ heard, rest, window });
  }
}

function noteRest(heard: Heard, rest: number, isEdge: boolean): void {
  if (!isEdge || rest >= EDGE_REST) heard.loudest = Math.max(heard.loudest, rest);
}

/** What is not a number is not silence. */
function levelOf(sample: number): number {
  return Number.isNaN(sample) ? 1 : Math.abs(sample);
}
