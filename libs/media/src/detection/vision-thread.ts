/**
 * The body of the thread that runs OpenCV (WebAssembly). On a thread of its own because a picture takes tens of milliseconds and whoever asks
 * has other work, and because a thread can be ended in the middle of a picture. It sees nothing but pixels that our sandboxed decoder made.
 *
 * Imports nothing of ours but types: it is started as a file, compiled or as source.
 */
import { parentPort } from 'node:worker_threads';
import opencv from '@techstark/opencv-js';
import type { Answered, Asked, Found } from './vision.js';
import type { GreyFrame } from './grey-frame.js';

type OpenCv = typeof opencv;
type Mat = InstanceType<OpenCv['Mat']>;

/** Side of the square that the flow of a point is looked for in, and how often the picture is halved: movements up to about 60 pixels. */
const WINDOW = 17;
const PYRAMID_LEVELS = 3;
/** Each pass looks for things larger by this factor. */
const SCALE_STEP = 1.1;

const port = parentPort;
if (port === null) throw new Error('This file is the body of a thread.');
const cv = opencv;
await started();
const cascades = new Map<string, InstanceType<OpenCv['CascadeClassifier']>>();
let previous: Mat | undefined;

port.on('message', ({ id, ask }: { id: number; ask: Asked }) => {
  try {
    port.postMessage({ id, answer: answer(ask) });
  } catch (error) {
    // OpenCV throws the address of its exception.
    port.postMessage({ id, failure: error instanceof Error ? error.message : `OpenCV refused the picture (${String(error)}).` });
  }
});

function answer(ask: Asked): Answered {
  switch (ask.kind) {
    case 'load':
      load(ask.name, ask.xml);
      return { kind: 'load' };
    case 'flow':
      return { kind: 'flow', ...flow(ask.frame, ask.points) };
    case 'detect':
      return { kind: 'detect', found: detect(ask.frame, ask.cascade, ask.mirrored, ask.neighbours, ask.smallest) };
  }
}

/**
 * The module calls back when its WebAssembly is compiled; it may be so by now. Never give the module itself to a promise: it has a `then` that
 * resolves to the module again, without end.
 */
async function started(): Promise<void> {
  if (typeof cv.Mat === 'function') return;
  await new Promise<void>((done) => {
    cv.onRuntimeInitialized = done;
  });
}

function matOf({ width, height, pixels }: GreyFrame): Mat {
  const mat = new cv.Mat(height, width, cv.CV_8UC1);
  mat.data.set(pixels);
  return mat;
}

function load(name: string, xml: Uint8Array): void {
  cv.FS_createDataFile('/', name, xml, true, false, false);
  const cascade = new cv.CascadeClassifier();
  // `load` reports no failure in this binding; an empty cascade finds nothing and says nothing.
  cascade.load(name);
  if (cascade.empty()) throw new Error(`${name} is no cascade that OpenCV can read.`);
  cascades.set(name, cascade);
}

/** Where points of the previous picture are in this one, and how far from home each lands when it is sent back (in pixels). */
function flow(frame: GreyFrame, points: Float32Array): { points: Float32Array; strayed: Float32Array } {
  const next = matOf(frame);
  const before = previous;
  previous = next;
  const count = points.length / 2;
  const sameSize = before?.rows === next.rows && before.cols === next.cols;
  if (before === undefined || !sameSize || count === 0) {
    before?.delete();
    return { points, strayed: new Float32Array(count).fill(before === undefined ? 0 : Infinity) };
  }
  const [there, back] = [new cv.Mat(), new cv.Mat()];
  const [found, foundBack] = [new cv.Mat(), new cv.Mat()];
  const [error, errorBack] = [new cv.Mat(), new cv.Mat()];
  const from = new cv.Mat(count, 1, cv.CV_32FC2);
  try {
    from.data32F.set(points);
    const window = new cv.Size(WINDOW, WINDOW);
    cv.calcOpticalFlowPyrLK(before, next, from, there, found, error, window, PYRAMID_LEVELS);
    cv.calcOpticalFlowPyrLK(next, before, there, back, foundBack, errorBack, window, PYRAMID_LEVELS);
    const moved = Float32Array.from(there.data32F);
    const strayed = new Float32Array(count);
    for (let i = 0; i < count; i += 1) {
      const lost = found.data[i] !== 1 || foundBack.data[i] !== 1;
      const [x = 0, y = 0] = [points[2 * i], points[2 * i + 1]];
      strayed[i] = lost ? Infinity : Math.hypot((back.data32F[2 * i] ?? NaN) - x, (back.data32F[2 * i + 1] ?? NaN) - y);
    }
    return { points: moved, strayed };
  } finally {
    for (const mat of [before, from, there, back, found, foundBack, error, errorBack]) mat.delete();
  }
}

function detect(frame: GreyFrame, name: string, mirrored: boolean, neighbours: number, smallest: number): Found[] {
  const cascade = cascades.get(name);
  if (cascade === undefined) throw new Error(`The cascade ${name} was not loaded.`);
  const mat = matOf(frame);
  const boxes = new cv.RectVector();
  try {
    // Not equalised first, as is often done: the cascades normalise every window themselves, and plates were lost by it.
    if (mirrored) cv.flip(mat, mat, 1);
    cascade.detectMultiScale(mat, boxes, SCALE_STEP, neighbours, 0, new cv.Size(smallest, smallest), new cv.Size(0, 0));
    return Array.from({ length: boxes.size() }, (_, index) => {
      const { x, y, width, height } = boxes.get(index);
      return { x: mirrored ? frame.width - x - width : x, y, width, height };
    });
  } finally {
    boxes.delete();
    mat.delete();
  }
}
