import type { ChildProcess } from 'node:child_process';
import { MediaError } from './media-error.js';
import type { MediaTools } from './media-tools.js';
import { DEFAULT_TIME_LIMIT_SECONDS } from './sandbox.js';

/** What a killed process leaves open it closes at once; only one that has fled from its group can hold on for longer. */
const CLOSED_WITHIN_MS = 2000;

/** Kills one tool's process group on abort or when its time is up, and remembers which it was. */
export class ToolWatch {
  private child: ChildProcess | undefined;
  private reason: 'aborted' | 'time-limit' | undefined;
  private letGo: NodeJS.Timeout | undefined;
  private readonly timer: NodeJS.Timeout;
  private readonly seconds: number;
  private readonly onAbort = (): void => this.stop('aborted');

  constructor(
    tools: MediaTools,
    private readonly signal?: AbortSignal,
  ) {
    this.seconds = tools.timeLimitSeconds ?? DEFAULT_TIME_LIMIT_SECONDS;
    this.timer = setTimeout(() => this.stop('time-limit'), this.seconds * 1000);
    signal?.addEventListener('abort', this.onAbort, { once: true });
  }

  follow(child: ChildProcess): void {
    this.child = child;
    if (this.reason !== undefined) this.kill(child);
  }

  verdict(): MediaError | undefined {
    switch (this.reason) {
      case undefined:
        return undefined;
      case 'aborted':
        return aborted(this.signal);
      case 'time-limit':
        return new MediaError(
          'time-limit',
          `The work on the video took longer than the ${this.seconds} s allowed and was stopped.`,
        );
    }
  }

  end(): void {
    clearTimeout(this.timer);
    clearTimeout(this.letGo);
    this.signal?.removeEventListener('abort', this.onAbort);
  }

  private stop(reason: 'aborted' | 'time-limit'): void {
    this.reason ??= reason;
    if (this.child !== undefined) this.kill(this.child);
  }

  /** Also when the tool itself has ended already: as long as this watch lasts, something that it started is still there. */
  private kill(child: ChildProcess): void {
    if (child.pid === undefined) return;
    // The launcher made the tool the leader of its own group, unless it has not come that far yet or setsid is missing: then the child alone.
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      child.kill('SIGKILL');
    }
    // Without a process namespace what made itself a group of its own lives on. It must not keep the job waiting as well.
    this.letGo ??= setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, CLOSED_WITHIN_MS);
  }
}

export function refuseIfAborted(signal?: AbortSignal): void {
  if (signal?.aborted) throw aborted(signal);
}

function aborted(signal?: AbortSignal): MediaError {
  return new MediaError('aborted', 'The work on the video was stopped.', { cause: signal?.reason });
}
