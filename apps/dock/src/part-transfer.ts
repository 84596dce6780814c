import { open, type FileHandle } from 'node:fs/promises';
import type { DockClient, RemoteFile } from './dock-client.js';
import { FileFault, FileGone, messageOf, Refused, systemCode, UploadExpired } from './dock-faults.js';
import { assertSame } from './file-stamp.js';
import type { FileStamp } from './journal-entry.js';
import type { Turns } from './turns.js';
import type { Urgency } from './urgency.rules.js';

const RESENDS = 2;
/** Senders of one file; how many parts are under way in all is for the turns to say. */
const MOST_SENDERS = 32;

/** Memory for parts, used again: a fresh 16 MiB for each of thousands would keep the garbage collector busy. */
export class PartBuffers {
  private readonly free: Buffer[] = [];

  async lend<T>(bytes: number, work: (buffer: Buffer) => Promise<T>): Promise<T> {
    const kept = this.free.pop();
    const buffer = kept !== undefined && kept.length >= bytes ? kept : Buffer.allocUnsafeSlow(bytes);
    try {
      return await work(buffer.subarray(0, bytes));
    } finally {
      this.free.push(buffer);
    }
  }
}

export interface Transfer {
  readonly buffers: PartBuffers;
  /** Of all parts of all files. */
  readonly turns: Turns;
  readonly urgency: Urgency;
  readonly onBytes: (count: number) => void;
  readonly signal: AbortSignal;
}

/** Part numbers, from 1, that the server does not have yet. */
export function missingParts({ size, partSize, partsReceived }: RemoteFile): number[] {
  const received = new Set(partsReceived);
  const all = Array.from({ length: Math.ceil(size / partSize) }, (_, i) => i + 1);
  return all.filter((part) => !received.has(part));
}

/** Bytes that the server has. */
export function receivedBytes(remote: RemoteFile): number {
  if (remote.state !== 'receiving') return remote.size;
  return missingParts(remote).reduce((left, part) => left - partLength(remote, part), remote.size);
}

/**
 * Sends what the server does not have and completes the recording. Memory is one part for each that is under way, whatever the size of the file.
 * @throws Refused, ServerUnreachable, FileFault, UploadExpired
 */
export async function transfer(client: DockClient, file: FileStamp, remote: RemoteFile, how: Transfer): Promise<RemoteFile> {
  for (let round = 0; ; round += 1) {
    try {
      await sendParts(client, file, remote, how);
      await assertSame(file);
      return await client.complete(remote.recording);
    } catch (error) {
      if (!(error instanceof Refused) || error.problem.status !== 409) throw error;
      if (error.problem['state'] === 'expired') throw new UploadExpired(error.message);
      // A server that came back from a fault may know of fewer parts than it confirmed: ask, and send those again
      if (round === RESENDS) throw error;
      remote = await client.state(remote.recording, how.signal);
      if (remote.state !== 'receiving') return remote;
      if (missingParts(remote).length === 0) throw error;
    }
  }
}

async function sendParts(client: DockClient, file: FileStamp, remote: RemoteFile, how: Transfer): Promise<void> {
  const queue = missingParts(remote);
  if (queue.length === 0) return;
  const handle = await open(file.path, 'r').catch((error: unknown) => {
    throw new FileGone(`${file.path} cannot be read: ${messageOf(error)}`);
  });
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, how.signal]);
  let fault: unknown;
  const sender = async (): Promise<void> => {
    while (queue.length > 0) {
      const send = async (): Promise<void> => {
        const part = queue.shift();
        if (part === undefined) return;
        // Between two parts, because a file that is still written to is not worth the rest of its way
        await assertSame(file);
        const sent = (body: Buffer): Promise<void> => sendPart(client, handle, remote, part, body, signal);
        await how.buffers.lend(partLength(remote, part), sent);
        how.onBytes(partLength(remote, part));
      };
      await how.turns.during(how.urgency, signal, send, Math.min(remote.partSize, remote.size));
    }
  };
  const guarded = async (): Promise<void> => {
    try {
      await sender();
    } catch (error) {
      // The first fault counts; the others are its echo, because it stops them
      if (!stop.signal.aborted) fault = error;
      stop.abort();
    }
  };
  try {
    await Promise.all(Array.from({ length: Math.min(MOST_SENDERS, queue.length) }, guarded));
  } finally {
    await handle.close().catch(() => undefined);
  }
  if (stop.signal.aborted) throw fault;
}

async function sendPart(
  client: DockClient,
  handle: FileHandle,
  remote: RemoteFile,
  part: number,
  body: Buffer,
  signal: AbortSignal,
): Promise<void> {
  for (let resent = 0; ; resent += 1) {
    await readExactly(handle, body, (part - 1) * remote.partSize);
    try {
      await client.putPart(remote.recording, part, body, signal);
      return;
    } catch (error) {
      // 422: other bytes arrived than were hashed here. A cable or a memory cell may do that once, not three times
      if (!(error instanceof Refused) || error.problem.status !== 422 || resent === RESENDS) throw error;
    }
  }
}

function partLength({ size, partSize }: RemoteFile, part: number): number {
  return Math.min(partSize, size - (part - 1) * partSize);
}

async function readExactly(handle: FileHandle, into: Buffer, start: number): Promise<void> {
  for (let filled = 0; filled < into.length;) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, start + filled).catch((error: unknown) => {
      throw systemCode(error) === undefined ? error : new FileGone(`The file cannot be read: ${messageOf(error)}`);
    });
    if (bytesRead === 0) throw new FileFault('The file became shorter while it was being sent');
    filled += bytesRead;
  }
}
