import { Transform, type Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';

const ACCOUNTING_MS = 2000;

interface Stream {
  readonly cut: () => void;
  readonly accounted: Promise<void>;
}

export interface CountedStream {
  readonly stream: Readable;
  /** Bytes so far. */
  readonly sent: () => number;
}

/** What this process is sending at the moment, by viewing, counted as it goes. */
@Injectable()
export class ViewingStreams {
  private readonly logger = new Logger('Viewings');
  private readonly underWay = new Map<string, Set<Stream>>();

  /**
   * Hands on what `source` gives and counts it. Every byte is counted before it is handed on, so the count may be more than what arrived, never less.
   * @param ended is called once, when nothing more will be sent, with the count in bytes
   */
  counted(viewing: string, source: Readable, ended: (sent: number) => Promise<void>): CountedStream {
    let sent = 0;
    const counted = new Transform({
      transform(chunk: Buffer, _, next): void {
        sent += chunk.length;
        next(null, chunk);
      },
    });
    source.on('error', (error) => counted.destroy(error));
    // Not events.once: an aborted connection is an error to it, and is just what we want to count.
    const closed = new Promise<void>((resolve) => counted.once('close', resolve).on('error', () => undefined));
    const streams = this.underWay.get(viewing) ?? new Set();
    this.underWay.set(viewing, streams);
    const stream: Stream = {
      cut: () => void counted.destroy(new Error('The viewing is over.')),
      accounted: closed
        .then(() => {
          source.destroy();
          return ended(sent);
        })
        .catch((error: unknown) =>
          this.logger.error({ err: error, viewing }, 'how much was sent could not be stored; it counts as sent'),
        )
        .finally(() => {
          streams.delete(stream);
          if (streams.size === 0 && this.underWay.get(viewing) === streams) this.underWay.delete(viewing);
        }),
    };
    streams.add(stream);
    return { stream: source.pipe(counted), sent: () => sent };
  }

  /** The viewer has the last byte a moment before we have noted it. What is still being sent after that is cut off. */
  async settle(viewing: string): Promise<void> {
    const streams = [...(this.underWay.get(viewing) ?? [])];
    if (streams.length === 0) return;
    const accounted = Promise.all(streams.map((stream) => stream.accounted));
    if ((await Promise.race([accounted, setTimeout(ACCOUNTING_MS, 'late' as const, { ref: false })])) !== 'late') return;
    for (const { cut } of streams) cut();
    await Promise.race([accounted, setTimeout(ACCOUNTING_MS, undefined, { ref: false })]);
  }
}
