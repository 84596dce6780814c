import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Box } from '../redaction-plan.js';

export interface MovingSquare {
  readonly out: string;
  readonly seconds: number;
  readonly width?: number;
  readonly height?: number;
  /** Pixels a second to the right. */
  readonly speed?: number;
  /** Gone from then on. */
  readonly untilSeconds?: number;
}

const [SIDE, LEFT, TOP, SWING] = [48, 24, 60, 24];

/** Where the square of a clip is. */
export function squareAt({ speed = 60 }: MovingSquare, atMs: number): Box {
  const seconds = atMs / 1000;
  return { x: LEFT + speed * seconds, y: TOP + SWING * Math.sin(2 * seconds), width: SIDE, height: SIDE };
}

/** A square with a pattern of its own, on a background that moves and is noisy. */
export async function synthesiseMovingSquare(ffmpeg: string, clip: MovingSquare): Promise<void> {
  const { out, seconds, width = 320, height = 180, speed = 60, untilSeconds = seconds } = clip;
  const sources = [
    `testsrc2=s=${width}x${height}:r=30:d=${seconds}`,
    `color=black:s=${SIDE}x${SIDE}:r=30:d=${seconds},geq=lum='mod(floor(X/5)*71+floor(Y/5)*113+floor(X/5)*floor(Y/5)*37,220)+16':cb=128:cr=128`,
  ];
  const place = `x='${LEFT}+${speed}*t':y='${TOP}+${SWING}*sin(2*t)':enable='lt(t,${untilSeconds})'`;
  const graph = `[0]scroll=h=0.004:v=0.002,noise=alls=24:allf=t:all_seed=7,format=yuv444p[back];[back][1]overlay=${place}:format=yuv444,format=yuv420p[v]`;
  await promisify(execFile)(ffmpeg, [
    ...['-hide_banner', '-loglevel', 'error', '-y', ...sources.flatMap((source) => ['-f', 'lavfi', '-i', source])],
    ...['-filter_complex', graph, '-map', '[v]', '-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '20', out],
  ]);
}
