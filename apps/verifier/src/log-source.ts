import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const ATTEMPTS = 4;
const TIMEOUT_MS = 30_000;

/** The log could not be read: nothing is verified, and nothing refuted. */
export class LogUnreadable extends Error {}

/** Where the files of a log come from. Their names are those of C2SP tlog-tiles. */
export interface LogSource {
  /** As it was given. */
  readonly name: string;
  /** Whether entry bundles can be had. */
  withEntries(): Promise<boolean>;
  /** At most `limit` + 1 bytes, so that whoever asks sees when it is too long. Undefined when there is no such file. @throws LogUnreadable */
  read(path: string, limit: number): Promise<Uint8Array | undefined>;
}

/** @param given a folder, or the address under which a log's `checkpoint` is served. */
export function logSource(given: string, token?: string): LogSource {
  return /^https?:\/\//i.test(given) ? new ServedLog(given, token) : new FolderLog(given);
}

class FolderLog implements LogSource {
  constructor(readonly name: string) {}

  async withEntries(): Promise<boolean> {
    return (await stat(join(this.name, 'tile/entries')).catch(() => undefined))?.isDirectory() ?? false;
  }

  async read(path: string, limit: number): Promise<Uint8Array | undefined> {
    try {
      const file = await open(join(this.name, path));
      try {
        const bytes = Buffer.alloc(Math.min((await file.stat()).size, limit + 1));
        const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
        return bytes.subarray(0, bytesRead);
      } finally {
        await file.close();
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw new LogUnreadable(`${join(this.name, path)} cannot be read. (${message})`);
    }
  }
}

class ServedLog implements LogSource {
  private readonly prefix: string;

  constructor(
    readonly name: string,
    private readonly token: string | undefined,
  ) {
    this.prefix = name.replace(/\/+$/, '');
  }

  withEntries(): Promise<boolean> {
    return Promise.resolve(this.token !== undefined);
  }

  async read(path: string, limit: number): Promise<Uint8Array | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.fetch(path, limit);
      } catch (error) {
        if (error instanceof LogUnreadable) throw error;
        if (attempt === ATTEMPTS) throw new LogUnreadable(`${this.prefix}/${path} cannot be read. (${reasonOf(error)})`);
        await setTimeout(200 * 4 ** (attempt - 1));
      }
    }
  }

  private async fetch(path: string, limit: number): Promise<Uint8Array | undefined> {
    const response = await fetch(`${this.prefix}/${path}`, {
      headers: this.token === undefined ? {} : { authorization: `Bearer ${this.token}` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.ok) return atMost(response, limit + 1);
    await response.body?.cancel();
    const { status } = response;
    if (status === 401 || status === 403)
      throw new LogUnreadable(`${this.prefix}/${path} is not given to the holder of this token. (${status})`);
    // These say "not now". Every other refusal is for good: a log that does not give out what it signed has not shown it.
    if (status === 429 || (status > 500 && status <= 504)) throw new Error(`status ${status}`);
    return undefined;
  }
}

async function atMost(response: Response, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return Buffer.alloc(0);
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limit) break;
  }
  return Buffer.concat(chunks).subarray(0, limit);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // fetch says only "fetch failed"; why is in its cause.
  return error.cause instanceof Error && error.cause.message !== '' ? error.cause.message : error.message;
}
