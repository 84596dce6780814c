import { open, type FileHandle } from 'node:fs/promises';
import type { DockClient, RemoteFile } from './dock-client.js';
import { FileFault, Refused } from './dock-faults.js';
import { assertUnchanged, type RecordingFile } from './recording-file.js';

const PARTS_AT_ONCE = 4;
const RESENDS = 2;

/** Part numbers, from 1, that the server does not have yet. */
export function missingParts({ size, partSize, partsReceived }: RemoteFile): number[] {
  const received = new Set(partsReceived);
  const all = Array.from({ length: Math.ceil(size / partSize) }, (_, i) => i + 1);
  return all.filter((part) => !received.has(part));
}

/**
 * Sends what the server does not have and completes the recording. Memory is four parts, whatever the size of the file.
 * @throws Refused, ServerUnreachable, FileFault
 */
export async function transfer(
  client: DockClient,
  file: RecordingFile,
  remote: RemoteFile,
  onBytes: (count: number) => void,
): Promise<RemoteFile> {
  for (let round = 0; ; round += 1) {
    await sendParts(client, file, remote, onBytes);
    await assertUnchanged(file);
    try {
      return await client.complete(remote.recording);
    } catch (error) {
      // A server that came back from a fault may know of fewer parts than it confirmed: ask, and send those again
      if (!(error instanceof Refused) || error.problem.status !== 409 || round === RESENDS) throw error;
      remote = await client.state(remote.recording);
      if (remote.state !== 'receiving') return remote;
      if (missingParts(remote).length === 0) throw error;
    }
  }
}

async function sendParts(
  client: DockClient,
  file: RecordingFile,
  remote: RemoteFile,
  onBytes: (count: number) => void,
): Promise<void> {
  const queue = missingParts(remote);
  if (queue.length === 0) return;
  const handle = await open(file.path, 'r');
  const stop = new AbortController();
  let fault: unknown;
  const sender = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(Math.min(remote.partSize, remote.size));
    for (let part = queue.shift(); part !== undefined && !stop.signal.aborted; part = queue.shift()) {
      onBytes(await sendPart(client, handle, remote, part, buffer, stop.signal));
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
    await Promise.all(Array.from({ length: Math.min(PARTS_AT_ONCE, queue.length) }, guarded));
  } finally {
    await handle.close();
  }
  if (stop.signal.aborted) throw fault;
}

async function sendPart(
  client: DockClient,
  handle: FileHandle,
  remote: RemoteFile,
  part: number,
  buffer: Buffer,
  signal: AbortSignal,
): Promise<number> {
  const start = (part - 1) * remote.partSize;
  const body = buffer.subarray(0, Math.min(remote.partSize, remote.size - start));
  for (let resent = 0; ; resent += 1) {
    await readExactly(handle, body, start);
    try {
      await client.putPart(remote.recording, part, body, signal);
      return body.length;
    } catch (error) {
      // 422: other bytes arrived than were hashed here. A cable or a memory cell may do that once, not three times
      if (!(error instanceof Refused) || error.problem.status !== 422 || resent === RESENDS) throw error;
    }
  }
}

async function readExactly(handle: FileHandle, into: Buffer, start: number): Promise<void> {
  for (let filled = 0; filled < into.length;) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, start + filled);
    if (bytesRead === 0) throw new FileFault('The file became shorter while it was being sent');
    filled += bytesRead;
  }
}
