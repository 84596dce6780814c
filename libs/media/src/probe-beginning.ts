import { runFfprobe } from './ffmpeg-runner.js';
import { videoStream } from './ffprobe-report.js';
import type { FfprobeReport } from './ffprobe-report.js';
import type { MediaTools } from './media-tools.js';
import { unevenTimes } from './picture-times.rules.js';
import { indexOf, kindOf, milliseconds } from './technical-metadata.js';
import type { Beginning } from './technical-metadata.js';

/** Packets of all tracks together: some pictures and, as tracks lie side by side, some sound. */
const TRIED_FIRST = 30;
/** The same where a track gave nothing yet. All tracks in one pass: a file of many empty ones would be read to its end for each. */
const TRIED_THEN = 400;
/** Packets of the picture alone: a recording may begin in the middle of a long group of pictures. */
const TRIED_LAST = 900;
const TIMED_PICTURES = 500;

/**
 * What only packets and pictures tell: whether anything can be decoded, whether pictures follow each other evenly, and what an edit list
 * hides. Looks at the beginning only, so that it costs the same for a recording of a minute and of four hours.
 *
 * @throws MediaError `unreadable`, `time-limit`, `aborted`, `over-limit`
 */
export async function lookAtBeginning(
  tools: MediaTools,
  file: string,
  described: FfprobeReport,
  signal?: AbortSignal,
): Promise<Beginning> {
  const look = new Look(tools, file, signal);
  const size = Number(described.format?.size);
  return {
    ...(size > 0 ? { sizeBytes: size } : {}),
    variableFrameRate: unevenTimes(await look.pictureTimes()),
    hiddenMs: await look.hiddenMs(described),
    ...(await look.contents(described)),
  };
}

interface Decoded {
  readonly packets: Set<number>;
  readonly decoded: Set<number>;
  readonly captioned: Set<number>;
}

class Look {
  constructor(
    private readonly tools: MediaTools,
    private readonly file: string,
    private readonly signal?: AbortSignal,
  ) {}

  async pictureTimes(): Promise<number[]> {
    const times: number[] = [];
    const options = ['-select_streams', 'V:0', '-show_entries', 'packet=pts_time,dts_time,flags', '-read_intervals'];
    await this.lines([...options, `%+#${TIMED_PICTURES}`], (line) => {
      const [pts, dts, flags = ''] = line.split(',');
      const time = milliseconds(pts) ?? milliseconds(dts);
      if (time !== null && !flags.includes('D')) times.push(time);
    });
    return times;
  }

  /** The same header read as if there were no edit list: only the mov demuxer has that option, and only its files have one. */
  async hiddenMs(described: FfprobeReport): Promise<number> {
    if (!described.format?.format_name?.startsWith('mov,')) return 0;
    const shown = milliseconds(videoStream(described)?.duration);
    let stored: number | null = null;
    await this.lines(['-ignore_editlist', '1', '-select_streams', 'V:0', '-show_entries', 'stream=duration'], (line) => {
      stored ??= milliseconds(line.split(',')[0]);
    });
    return shown === null || stored === null ? 0 : Math.max(0, stored - shown);
  }

  async contents(described: FfprobeReport): Promise<Pick<Beginning, 'silentTracks' | 'captioned'>> {
    const streams = (described.streams ?? []).map((stream, place) => ({ stream, index: indexOf(stream, place) }));
    const tried = streams.filter(({ stream }) => stream.codec_name !== undefined && ['video', 'audio'].includes(kindOf(stream)));
    let { decoded, packets, captioned } = await this.decoded([], TRIED_FIRST);
    const silent = (): number[] => tried.flatMap(({ index }) => (decoded.has(index) ? [] : [index]));
    if (silent().length > 0) ({ decoded, packets, captioned } = await this.decoded([], TRIED_THEN));
    const picture = streams.find(({ stream }) => stream === videoStream(described));
    if (picture !== undefined && silent().includes(picture.index)) {
      const alone = await this.decoded(['-select_streams', 'V:0'], TRIED_LAST);
      for (const index of alone.decoded) decoded.add(index);
      for (const index of alone.packets) packets.add(index);
    }
    // A track that has no packets so far is empty or begins late, and neither is a fault.
    return { silentTracks: new Set(silent().filter((index) => packets.has(index))), captioned };
  }

  private async decoded(select: readonly string[], most: number): Promise<Decoded> {
    const seen: Decoded = { packets: new Set(), decoded: new Set(), captioned: new Set() };
    const entries = 'packet=stream_index:frame=stream_index:stream=index,closed_captions';
    const onLine = (line: string): void => {
      const [section, index, captions] = line.split(',');
      const stream = Number.parseInt(index ?? '', 10);
      if (section === 'packet') seen.packets.add(stream);
      if (section === 'frame') seen.decoded.add(stream);
      if (section === 'stream' && captions === '1') seen.captioned.add(stream);
    };
    await this.lines([...select, '-show_entries', entries, '-read_intervals', `%+#${most}`], onLine, 'csv=p=1');
    return seen;
  }

  private async lines(options: readonly string[], onLine: (line: string) => void, format = 'csv=p=0'): Promise<void> {
    const call = { file: this.file, options: ['-print_format', format, ...options], onLine };
    await runFfprobe(this.tools, this.signal === undefined ? call : { ...call, signal: this.signal });
  }
}
