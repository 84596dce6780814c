import { runVersion } from './ffmpeg-runner.js';
import type { MediaTools } from './media-tools.js';

/** e.g. `ffmpeg 5.1.9-0+deb12u1`. @throws MediaError `failed` when ffmpeg cannot be started */
export async function toolVersion(tools: MediaTools): Promise<string> {
  const line = await runVersion(tools, 'ffmpeg');
  return `ffmpeg ${/^ffmpeg version (\S+)/.exec(line)?.[1] ?? 'unknown'}`;
}
