import type { HttpClient } from './http.js';

export interface StreamedEvent {
  readonly type: string;
  readonly id: string;
  readonly data: string;
  readonly retry: number | undefined;
  /** Milliseconds since the stream was opened. */
  readonly atMs: number;
}

/** A stream of server-sent events as a browser's EventSource reads it, without coming back when it ends. WHATWG HTML §9.2 */
export class EventStream {
  readonly events: StreamedEvent[] = [];
  readonly comments: string[] = [];
  /** How long it lasted, once it has ended; the body was cut off when that was not in order. */
  readonly ended: Promise<{ readonly atMs: number; readonly inOrder: boolean }>;
  /** Neither it has ended nor have we left. */
  isOpen = true;
  private readonly since = performance.now();

  private constructor(
    readonly status: number,
    readonly headers: Headers,
    private readonly body: ReadableStream<Uint8Array> | null,
    private readonly leaving: AbortController,
  ) {
    this.ended = this.read();
  }

  /** Returns once the answer has begun. */
  static async open(client: HttpClient, path: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    const leaving = new AbortController();
    const response = await client.open(path, { accept: 'text/event-stream', ...headers }, leaving.signal);
    return new EventStream(response.status, response.headers, response.body, leaving);
  }

  /** What the events said, oldest first. */
  said<T>(): T[] {
    return this.events.map(({ data }) => JSON.parse(data) as T);
  }

  /** As a browser does when its page is closed. */
  leave(): void {
    this.leaving.abort();
  }

  private async read(): Promise<{ atMs: number; inOrder: boolean }> {
    const end = (inOrder: boolean): { atMs: number; inOrder: boolean } => {
      this.isOpen = false;
      return { atMs: performance.now() - this.since, inOrder };
    };
    try {
      let text = '';
      const decoder = new TextDecoder();
      for await (const chunk of this.body ?? []) {
        const blocks = (text + decoder.decode(chunk, { stream: true })).split('\n\n');
        text = blocks.pop() ?? '';
        blocks.forEach((block) => this.take(block));
      }
      return end(true);
    } catch {
      return end(false);
    }
  }

  private take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (line.startsWith(':')) this.comments.push(value);
      else if (line !== '') fields.set(name, value);
    }
    const data = fields.get('data');
    if (data === undefined) return;
    const retry = fields.get('retry');
    this.events.push({
      type: fields.get('event') ?? 'message',
      id: fields.get('id') ?? '',
      data,
      retry: retry === undefined ? undefined : Number(retry),
      atMs: performance.now() - this.since,
    });
  }
}
