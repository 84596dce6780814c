import { stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { subjectAt, synthesiseClip, type Clip } from '../clips/synthesise.js';
import type { DemoContext } from './demo-context.js';
import type { Told } from './narrator.js';

/** A file that the dock will bring in. */
export interface DemoClip {
  readonly path: string;
  readonly name: string;
  /** Where the person to be covered is, for a clip of our own. */
  readonly synthesised: Clip | null;
}

export interface Clips extends Told {
  readonly clips: readonly DemoClip[];
  /** The one that is watched, redacted and exported. */
  readonly main: DemoClip;
}

/** Two cameras at one event. The run is burnt into the picture, so that each run brings new bytes: what is known is refused as a duplicate. */
export async function makeClips({ run, work, ffmpeg }: DemoContext, badge: string): Promise<Clips> {
  const recordedAt = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000).toISOString();
  const common = { recordedAt, seed: Date.now() % 100_000 };
  const wanted: readonly Clip[] = [
    { ...common, out: join(work, `BWC-1042-${run}.mp4`), seconds: 30, camera: `BWC-1042 ${run}`, location: '+40.7128-074.0060/' },
    {
      ...common,
      out: join(work, `BWC-2077-${run}.mp4`),
      seconds: 90,
      camera: `BWC-2077 ${run}`,
      location: '+40.7130-074.0055/',
      silentPreEventSeconds: 30,
    },
  ];
  const made: DemoClip[] = [];
  for (const clip of wanted) {
    await synthesiseClip({ ffmpeg }, clip);
    const [serial] = clip.camera.split(' ');
    await writeFile(`${clip.out}.json`, JSON.stringify({ camera: serial, officer: badge, recordedAt, clockOffsetMs: -1250 }));
    made.push({ path: clip.out, name: basename(clip.out), synthesised: clip });
  }
  return told(made, made.at(-1));
}

export async function ownVideos({ videos }: DemoContext): Promise<Clips> {
  const own = videos.map((path) => ({ path, name: basename(path), synthesised: null }));
  return told(own, own[0]);
}

async function told(clips: readonly DemoClip[], main: DemoClip | undefined): Promise<Clips> {
  if (main === undefined) throw new Error('There is no video to play.');
  const sizes = await Promise.all(clips.map(async ({ path }) => (await stat(path)).size));
  const lines = clips.map(({ name }, index) => `${name} ${((sizes[index] ?? 0) / 2 ** 20).toFixed(1)} MiB`);
  return { clips, main, detail: lines.join(', ') };
}

export { subjectAt };
