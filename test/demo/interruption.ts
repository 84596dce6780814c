/** Lets what must not be left half done end first when somebody presses Ctrl-C. */
export class Interruption {
  private holding = false;
  private signal: NodeJS.Signals | undefined;

  constructor(private readonly leave: () => void) {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        this.signal = signal;
        this.leaveIfFree();
      });
    }
  }

  async hold<T>(work: () => Promise<T>): Promise<T> {
    this.holding = true;
    try {
      return await work();
    } finally {
      this.holding = false;
      this.leaveIfFree();
    }
  }

  private leaveIfFree(): void {
    if (this.signal !== undefined && !this.holding) this.leave();
  }
}
