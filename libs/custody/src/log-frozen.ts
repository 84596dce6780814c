/** The database's log no longer extends what was signed: nothing more is placed or signed until a person has looked. */
export class LogFrozen extends Error {
  /** @param recorded false for what is only this process's own fault, such as another log's key: that must not stop the others */
  constructor(
    message: string,
    readonly recorded = true,
  ) {
    super(message);
  }
}
