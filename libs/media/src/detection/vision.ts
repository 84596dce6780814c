import { Worker } from 'node:worker_threads';
import type { GreyFrame } from './grey-frame.js';
import { MediaError } from '../media-error.js';

/** A box in pixels of the picture that was looked at. */
export interface Found {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where points went from one picture to the next: x and y in turn, and how far each missed its origin when it was sent back. */
export interface Flow {
  readonly points: Float32Array;
  readonly strayed: Float32Array;
}

export type Asked =
  | { readonly kind: 'load'; readonly name: string; readonly xml: Uint8Array }
  | { readonly kind: 'flow'; readonly frame: GreyFrame; readonly points: Float32Array }
  | {
      readonly kind: 'detect';
      readonly frame: GreyFrame;
      readonly cascade: string;
      readonly mirrored: boolean;
      /** Overlapping hits that make a find. */
      readonly neighbours: number;
      /** Side of the smallest thing looked for, in pixels. */
      readonly smallest: number;
    };

export type Answered =
  { readonly kind: 'load' } | ({ readonly kind: 'flow' } & Flow) | { readonly kind: 'detect'; readonly found: readonly Found[] };

type AnswerTo<K extends Asked['kind']> = Extract<Answered, { kind: K }>;

interface Waiting {
  readonly done: (answer: Answered) => void;
  readonly failed: (error: Error) => void;
}

/** What an OpenCV of this version says of itself; part of what goes on record with a proposal. */
export const OPENCV_VERSION = 'opencv.js 4.12.0';

// Compiled, the thread's file lies beside this one; tests run both from source, which Node reads as it is.
const THREAD = new URL(import.meta.url.endsWith('.ts') ? './vision-thread.ts' : './vision-thread.js', import.meta.url);

/**
 * OpenCV on a thread of its own. One picture at a time, in order; close it when done, which also ends what it is doing.
 *
 * @throws MediaError `failed` from every method when OpenCV refuses or the thread has died, `aborted` once the signal has fired
 */
export class Vision {
  private readonly thread = new Worker(THREAD, { execArgv: [], env: {}, resourceLimits: { maxOldGenerationSizeMb: 256 } });
  private readonly waiting = new Map<number, Waiting>();
  private asked = 0;
  private ended: MediaError | undefined;
  private readonly onAbort = (): void => this.end(new MediaError('aborted', 'The work on the video was stopped.'));

  constructor(private readonly signal?: AbortSignal) {
    this.thread.on('message', (message: { id: number; answer?: Answered; failure?: string }) => this.receive(message));
    this.thread.on('error', (cause) => this.end(new MediaError('failed', 'The picture analysis broke down.', { cause })));
    this.thread.on('exit', () => this.end(new MediaError('failed', 'The picture analysis ended by itself.')));
    signal?.addEventListener('abort', this.onAbort, { once: true });
    if (signal?.aborted) this.onAbort();
  }

  /** Cascades are told apart by name. */
  async load(name: string, xml: Uint8Array): Promise<void> {
    await this.ask<'load'>({ kind: 'load', name, xml });
  }

  /** Makes `frame` the current picture and follows points of the one before into it; the first picture has none to follow. */
  async flow(frame: GreyFrame, points: Float32Array): Promise<Flow> {
    return this.ask<'flow'>({ kind: 'flow', frame, points });
  }

  async detect(
    frame: GreyFrame,
    by: { readonly cascade: string; readonly mirrored: boolean; readonly neighbours: number; readonly smallest: number },
  ): Promise<readonly Found[]> {
    return (await this.ask<'detect'>({ kind: 'detect', frame, ...by })).found;
  }

  async close(): Promise<void> {
    this.end(new MediaError('failed', 'The picture analysis was closed.'));
    await this.thread.terminate();
  }

  private ask<K extends Asked['kind']>(ask: Extract<Asked, { kind: K }>): Promise<AnswerTo<K>> {
    if (this.ended !== undefined) return Promise.reject(this.ended);
    const id = ++this.asked;
    return new Promise<Answered>((done, failed) => {
      this.waiting.set(id, { done, failed });
      this.thread.postMessage({ id, ask });
    }) as Promise<AnswerTo<K>>;
  }

  private receive({ id, answer, failure }: { id: number; answer?: Answered; failure?: string }): void {
    const waiting = this.waiting.get(id);
    this.waiting.delete(id);
    if (answer !== undefined) waiting?.done(answer);
    else waiting?.failed(new MediaError('failed', 'The picture analysis could not read a picture.', { cause: failure }));
  }

  private end(error: MediaError): void {
    this.ended ??= error;
    this.signal?.removeEventListener('abort', this.onAbort);
    for (const { failed } of this.waiting.values()) failed(this.ended);
    this.waiting.clear();
    void this.thread.terminate();
  }
}
