import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { runFfmpeg } from './ffmpeg-runner.js';
import type { FfmpegOutput } from './ffmpeg-runner.js';
import type { Probe } from './ffprobe-report.js';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { probe } from './probe.js';
import { redactedSize, redactionArguments } from './redaction-arguments.js';
import { toolVersion } from './tool-version.js';

/** Raise it whenever the arguments below change what comes out. */
export const MARKED_RECIPE = 'marked-h264-v1';

/** Debian's fonts-dejavu-core. Named, not looked for: without it ffmpeg fails, where a search would end in a copy without a mark. */
const FONT = '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf';
const TEXT = 'mark.txt';
const LINES_OF_PICTURE = 26;
const SMALLEST_LETTERS = 8;
/** Of the height of the letters; DejaVu's digits are 0.64 wide. */
const WIDTH_OF_A_LETTER = 0.68;
const MOST_LINES = 8;
const STAYS_SECONDS = 10;

export interface MarkedCopyInput {
  readonly file: string;
  readonly probe: Probe;
  /** What is written into every picture, line by line; broken where it is too wide. */
  readonly lines: readonly string[];
  /** Of the recording; all of it when it is left out. */
  readonly clip?: { readonly fromMs: number; readonly toMs: number };
  /** Appears whole or not at all. */
  readonly out: string;
  readonly onProgress?: (percent: number) => void;
  readonly signal?: AbortSignal;
}

/** Letters and their place, in pixels: so large that they can be read, and so small that the picture can be seen. */
export function letterSize({ height }: { readonly height: number }): number {
  return Math.max(SMALLEST_LETTERS, Math.round(height / LINES_OF_PICTURE));
}

/** The text as it is set. Pure; of a text that would fill the picture the end is left out, but never the last line. */
export function markText(lines: readonly string[], size: { readonly width: number; readonly height: number }): string {
  const most = Math.max(8, Math.floor(size.width / (letterSize(size) * WIDTH_OF_A_LETTER)) - 2);
  const broken = lines.map((line) => brokenAt(line, most));
  const last = broken.at(-1) ?? [];
  const before = broken.slice(0, -1).flat();
  const room = Math.max(1, MOST_LINES - last.length);
  const shown =
    before.length <= room ? before : [...before.slice(0, room - 1), `${(before[room - 1] ?? '').slice(0, most - 1)}…`];
  return [...shown, ...last].join('\n');
}

function brokenAt(line: string, most: number): string[] {
  const out: string[] = [];
  let rest = Array.from(line);
  while (rest.length > most) {
    const space = rest.lastIndexOf(' ', most);
    const cut = space > most / 2 ? space : most;
    out.push(rest.slice(0, cut).join('').trim());
    rest = rest.slice(cut);
  }
  return [...out, rest.join('').trim()];
}

/**
 * Everything ffmpeg is told. As for a redaction, so that nothing but picture and sound of the recording comes through; the text is read from a
 * file, so that nothing in it can be taken for a filter's words. It changes its place, for whoever would cut it off.
 */
export function markedArguments(source: Probe, clip: MarkedCopyInput['clip'], out: string): FfmpegOutput {
  const plan = { v: 1, regions: [], mutes: [], ...(clip === undefined ? {} : { clip }) } as const;
  const { options, to } = redactionArguments(source, plan, { mask: 'none', out });
  const size = redactedSize(source);
  const letters = letterSize(size);
  const edge = Math.ceil(letters / 2);
  const atBottom = `lt(mod(t\\,${2 * STAYS_SECONDS})\\,${STAYS_SECONDS})`;
  const draw =
    `drawtext=fontfile=${FONT}:textfile=${TEXT}:expansion=none:fontsize=${letters}:fontcolor=white:line_spacing=2` +
    `:box=1:boxcolor=black@0.55:boxborderw=${Math.ceil(letters / 4)}:x=${edge}:y=if(${atBottom}\\,h-text_h-${edge}\\,${edge})`;
  return { options: options.map((option) => option.replace(/\[picture\]$/, (label) => markedGraph(option, label, draw))), to };
}

/** The picture's graph ends in its label; the map of the label stays as it is. */
function markedGraph(option: string, label: string, draw: string): string {
  return option === label ? label : `,${draw}${label}`;
}

/**
 * Renders a copy with the lines in every picture, and nothing of the source but its picture and sound.
 *
 * @throws MediaError `failed` (also for a clip in which no picture begins), `time-limit`, `aborted`, `no-video`
 */
export async function renderMarkedCopy(
  tools: MediaTools,
  input: MarkedCopyInput,
): Promise<{ readonly tool: string; readonly recipe: string }> {
  if (input.probe.problem !== undefined) throw new MediaError('failed', input.probe.problem);
  const tool = await toolVersion(tools);
  const work = await mkdtemp(join(tools.scratch, 'marked-'));
  const unfinished = `${resolve(input.out)}.part`;
  const { clip } = input;
  try {
    await writeFile(join(work, TEXT), markText(input.lines, redactedSize(input.probe)), 'utf8');
    await runFfmpeg(tools, {
      input: { options: [], file: input.file },
      outputs: [markedArguments(input.probe, clip, unfinished)],
      cwd: work,
      durationMs: clip === undefined ? input.probe.durationMs : clip.toMs - clip.fromMs,
      ...(input.onProgress === undefined ? {} : { onProgress: input.onProgress }),
      ...(input.signal === undefined ? {} : { signal: input.signal }),
    });
    // ffmpeg writes a file without a picture and calls it a success.
    await probe(tools, unfinished, input.signal);
    await rename(unfinished, input.out);
  } finally {
    await rm(work, { recursive: true, force: true });
    await rm(unfinished, { force: true });
  }
  return { tool, recipe: MARKED_RECIPE };
}
