/** One line for each step, with the seconds it took; on a terminal also a live line naming the steps under way, elsewhere one every 20 s. */
export class Progress {
  #out;
  #began = Date.now();
  #running = new Map();
  #ticker;

  /** @param {NodeJS.WriteStream} out standard output, or standard error where standard output belongs to a command's own result */
  constructor(out) {
    this.#out = out;
    // A closed terminal or pipe must not take the services down with it.
    out.on('error', () => {});
  }

  /**
   * Runs one step and prints its line when it ends. What `work` returns as a string (or as `said`) stands behind the name.
   * @template T
   * @param {string} name
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async step(name, work) {
    const began = Date.now();
    this.#running.set(name, began);
    this.#tick();
    try {
      const result = await work();
      const said = typeof result === 'string' ? result : (result?.said ?? '');
      this.#end(name, '✓', `${name.padEnd(16)} ${seconds(Date.now() - began)}  ${said}`);
      return result;
    } catch (error) {
      this.#end(name, '✗', `${name.padEnd(16)} ${seconds(Date.now() - began)}  failed`);
      throw error;
    }
  }

  /** A line of its own, outside any step. */
  say(text = '') {
    this.#clear();
    this.#out.write(`${text}\n`);
  }

  /** Seconds since the command began, for the closing line. */
  elapsed() {
    return seconds(Date.now() - this.#began).trim();
  }

  #end(name, mark, line) {
    this.#running.delete(name);
    this.say(`${mark} ${line}`.trimEnd());
    if (this.#running.size === 0) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }
  }

  #tick() {
    if (this.#ticker) return;
    const underWay = () => [...this.#running].map(([name, began]) => `${name} ${seconds(Date.now() - began).trim()}`).join(', ');
    this.#ticker = this.#out.isTTY
      ? setInterval(() => this.#out.write(`\r\x1b[K… ${underWay()}`.slice(0, (this.#out.columns ?? 80) + 4)), 250)
      : setInterval(() => this.say(`… ${underWay()}`), 20_000);
    this.#ticker.unref();
  }

  #clear() {
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }
}

function seconds(ms) {
  return `${(ms / 1000).toFixed(1).padStart(6)} s`;
}

/** Lays rows out in columns for the terminal. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => String(row[column]).length)));
  return rows
    .map((row) => `  ${row.map((cell, column) => String(cell).padEnd(widths[column])).join('   ')}`.trimEnd())
    .join('\n');
}
