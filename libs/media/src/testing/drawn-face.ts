import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Box } from '../redaction-plan.js';

/** 640×360, ten pictures a second: a drawn face that goes to the right, and a plate that stands still. */
export const DRAWN = { width: 640, height: 360, rate: 10, plate: { x: 400, y: 290, width: 204, height: 44 } } as const;
/** Half the face's width, in pixels: the cascades find no drawn face much smaller than that. */
const HALF = 60;
const [PATCH_WIDTH, PATCH_HEIGHT] = [2 * HALF + 40, Math.round(2.6 * HALF) + 40];

export function faceAt(atMs: number): Box {
  return { x: 60 + (atMs / 1000) * 80, y: 60, width: 2 * HALF, height: 2 * HALF };
}

export async function synthesiseDrawnFace(ffmpeg: string, out: string, seconds: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'custodiet-face-'));
  try {
    const face = drawnFace();
    const frames: Buffer[] = [];
    for (let n = 0; n < seconds * DRAWN.rate; n += 1) frames.push(frame(face, faceAt((n * 1000) / DRAWN.rate)));
    const raw = join(folder, 'frames.gray');
    await writeFile(raw, Buffer.concat(frames));
    const { x, y, width, height } = DRAWN.plate;
    const box = (colour: string, thick: string): string =>
      `drawbox=x=${x}:y=${y}:w=${width}:h=${height}:color=${colour}:t=${thick}`;
    const text = `drawtext=font=DejaVu Sans Mono:text=A123BC:fontsize=40:x=${x + 8}:y=${y}+(${height}-th)/2:fontcolor=black`;
    await promisify(execFile)(ffmpeg, [
      ...['-y', '-loglevel', 'error', '-f', 'rawvideo', '-pix_fmt', 'gray', '-s', `${DRAWN.width}x${DRAWN.height}`],
      ...['-r', String(DRAWN.rate), '-i', raw, '-vf', `${box('white', 'fill')},${box('black', '2')},${text},format=yuv420p`],
      ...['-c:v', 'libx264', '-preset', 'ultrafast', '-crf', '18', out],
    ]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Light skin, dark eyes, brows and mouth: what the cascades were taught to tell a face by. */
function drawnFace(): { readonly value: Float32Array; readonly share: Float32Array } {
  const value = new Float32Array(PATCH_WIDTH * PATCH_HEIGHT);
  const share = new Float32Array(PATCH_WIDTH * PATCH_HEIGHT);
  for (let row = 0; row < PATCH_HEIGHT; row += 1) {
    for (let column = 0; column < PATCH_WIDTH; column += 1) {
      const u = (column - PATCH_WIDTH / 2) / HALF;
      const v = (row - PATCH_HEIGHT / 2) / HALF;
      const spot = (x: number, y: number, w: number, h: number): number => Math.exp(-(((u - x) / w) ** 2) - ((v - y) / h) ** 2);
      const pair = (x: number, y: number, w: number, h: number): number => spot(-x, y, w, h) + spot(x, y, w, h);
      const dark = 95 * pair(0.42, -0.25, 0.2, 0.11) + 60 * pair(0.42, -0.5, 0.28, 0.07) + 40 * pair(0.13, 0.28, 0.07, 0.05);
      const mouth = 75 * spot(0, 0.65, 0.3, 0.08) + 25 * pair(0.9, 0.2, 0.25, 0.8);
      const light = 25 * spot(0, -0.1, 0.1, 0.35) + 15 * spot(0, -0.8, 0.6, 0.25) + 12 * pair(0.5, 0.2, 0.25, 0.2);
      const at = row * PATCH_WIDTH + column;
      value[at] = v < -0.95 ? 40 : 185 - dark - mouth + light;
      share[at] = 1 / (1 + Math.exp((Math.hypot(u, v / 1.3) - 1) * 30));
    }
  }
  return { value, share };
}

function frame(face: ReturnType<typeof drawnFace>, at: Box): Buffer {
  const pixels = Buffer.alloc(DRAWN.width * DRAWN.height);
  for (let i = 0; i < pixels.length; i += 1) pixels[i] = 70 + (((i % DRAWN.width) * 3 + Math.floor(i / DRAWN.width) * 5) % 17);
  const left = Math.round(at.x + at.width / 2 - PATCH_WIDTH / 2);
  const top = Math.round(at.y + at.height / 2 - PATCH_HEIGHT / 2);
  for (let row = 0; row < PATCH_HEIGHT; row += 1) {
    for (let column = 0; column < PATCH_WIDTH; column += 1) {
      const [x, y] = [left + column, top + row];
      if (x < 0 || y < 0 || x >= DRAWN.width || y >= DRAWN.height) continue;
      const from = row * PATCH_WIDTH + column;
      const to = y * DRAWN.width + x;
      const share = face.share[from] ?? 0;
      pixels[to] = Math.max(0, Math.min(255, (pixels[to] ?? 0) * (1 - share) + (face.value[from] ?? 0) * share));
    }
  }
  return pixels;
}
