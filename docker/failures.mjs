/** A failure whose message is meant for the person at the terminal: printed without a stack. */
export class Refusal extends Error {
  /**
   * @param {string} message what is wrong and what to do about it
   * @param {number} exitCode 1: it went wrong; 2: nothing was changed, do what the message says first
   */
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Thrown through a running step after Ctrl-C, SIGTERM or SIGHUP. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.exitCode = 130;
  }
}
