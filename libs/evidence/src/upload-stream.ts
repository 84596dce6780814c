import type { MessageEvent } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import type { Action, Caller, Incoming, Resource } from '#identity';
import type { Recording } from './recording.entity.js';
import { isOver } from './upload-events.rules.js';
import type { UploadStatus } from './uploads.service.js';

/** The `id` of a stream's last event. Whoever comes back with it has been told everything. */
export const OVER = 'over';

/** What somebody wants to follow, and by what right. */
export interface Following {
  readonly request: Incoming;
  readonly caller: Caller;
  readonly action: Action;
  readonly resource: Resource;
  /** The uploads to follow, as they are now. */
  readonly find: () => Promise<readonly Recording[]>;
  /** Whether an upload that begins later belongs to it. */
  readonly joins?: (recording: Recording) => boolean;
}

/** One caller's view of one or several uploads: each is told of when something changed, and the stream ends with the last of them. */
export class UploadStream {
  private readonly told = new Map<string, string>();
  private readonly open = new Set<string>();
  /** What was told before the answer began to be sent. */
  private readonly early: MessageEvent[] = [];
  private sink: Subscriber<MessageEvent> | undefined;
  private begun = false;
  private over = false;

  constructor(readonly following: Following) {}

  readonly events = new Observable<MessageEvent>((sink) => {
    this.sink = sink;
    for (const event of this.early.splice(0)) sink.next(event);
    if (this.over) sink.complete();
  });

  /** All has been told, and nothing of it can change. */
  get isComplete(): boolean {
    return this.begun && this.open.size === 0;
  }

  /** It had nothing to tell. */
  get isEmpty(): boolean {
    return this.told.size === 0;
  }

  /** What it still waits for. */
  get waitsFor(): ReadonlySet<string> {
    return this.open;
  }

  concerns(recording: Recording): boolean {
    if (!this.begun || this.over) return false;
    return this.open.has(recording.id) || (!this.told.has(recording.id) && this.following.joins?.(recording) === true);
  }

  begin(statuses: readonly UploadStatus[]): void {
    this.begun = true;
    for (const { recording } of statuses) this.open.add(recording);
    for (const status of statuses) this.tell(status);
    if (this.open.size === 0) this.end();
  }

  tell(status: UploadStatus): void {
    // All that changes of an upload. Not the whole status is kept: it may name ten thousand parts.
    const mark = `${status.state} ${status.partsReceived.length}`;
    if (this.over || this.told.get(status.recording) === mark) return;
    // After a pause that differs from stream to stream: a service that was restarted is not asked by all at once.
    const retry = this.told.size === 0 ? { retry: 2000 + Math.floor(Math.random() * 3000) } : {};
    this.told.set(status.recording, mark);
    if (isOver(status.state)) this.open.delete(status.recording);
    else this.open.add(status.recording);
    const last = this.open.size === 0;
    this.send({ type: 'state', id: last ? OVER : `${status.recording} ${mark}`, data: JSON.stringify(status), ...retry });
    if (last) this.end();
  }

  /** Keeps what lies between from taking the connection for dead. */
  beat(): void {
    if (this.sink !== undefined) this.send({ comment: 'still here' });
  }

  end(): void {
    this.over = true;
    this.sink?.complete();
  }

  private send(event: MessageEvent): void {
    if (this.sink === undefined) this.early.push(event);
    else this.sink.next(event);
  }
}
