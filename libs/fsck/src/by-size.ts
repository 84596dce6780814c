/** Things that belong to sizes of the log, in ascending order, taken as the log is read: only the next ones are held. */
export class BySize<T extends { readonly size: bigint }> {
  private constructor(
    private readonly rest: AsyncIterator<T>,
    private following: T | undefined,
  ) {}

  static async of<T extends { readonly size: bigint }>(sorted: AsyncIterable<T>): Promise<BySize<T>> {
    const rest = sorted[Symbol.asyncIterator]();
    const first = await rest.next();
    return new BySize(rest, first.done === true ? undefined : first.value);
  }

  /** Whether something of this size, or of a smaller one, has not been taken yet. */
  due(size: bigint): boolean {
    return this.following !== undefined && this.following.size <= size;
  }

  async take(): Promise<T | undefined> {
    const taken = this.following;
    if (taken === undefined) return undefined;
    const next = await this.rest.next();
    this.following = next.done === true ? undefined : next.value;
    return taken;
  }

  /** Lets go of whatever the rest is read from. */
  async close(): Promise<void> {
    this.following = undefined;
    await this.rest.return?.();
  }
}
