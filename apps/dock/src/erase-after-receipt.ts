import { createHash } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { lstat, open, readdir, readFile, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, extname, join } from 'node:path';
import { verifyReceipt, type NoteVerifier } from '#tlog';
import { FileFault, messageOf, systemCode } from './dock-faults.js';
import type { SidecarFile } from './sidecar.js';

export interface ErasureGrounds {
  /** The pinned key of the log. */
  readonly logKey: NoteVerifier;
  /** Of the file as it was announced, lowercase hexadecimal. */
  readonly sha256: string;
  /** UUID of the recording that was sealed. */
  readonly recording: string;
  /** Where the receipt is kept; beside the file as `<recording>.receipt.json` when left out. */
  readonly receipt?: string;
  /** The sidecar whose words went into the manifest, where there was one. */
  readonly sidecar?: SidecarFile;
}

const READ_BYTES = 1024 * 1024;

/**
 * Erases the dock's copy of a recording: only when the receipt proves under the pinned key that this recording was sealed with this hash, the
 * receipt is safely on disk, and the file, read again whole, has that hash and is a plain file that did not change meanwhile.
 *
 * The sidecar goes with it when it still says what was announced: the signed manifest holds its words, and cameras use their file names again, so
 * that one left behind would describe the next file of that name. One that was changed since says something that nobody was told yet, and one
 * that another file shares is still needed: these stay.
 * @throws FileFault naming the reason; then nothing was erased
 */
export async function eraseAfterReceipt(path: string, receiptText: string, grounds: ErasureGrounds): Promise<void> {
  const { logKey, sha256, recording } = grounds;
  try {
    verifyReceipt(receiptText, { logKey, sha256, recording });
  } catch (error) {
    throw kept(path, `its receipt does not verify: ${messageOf(error)}`);
  }
  await assertOnDisk(path, receiptText, grounds.receipt ?? join(dirname(path), `${recording}.receipt.json`));
  await assertSameBytes(path, sha256);
  const sidecar = await sidecarToErase(path, grounds.sidecar);
  await unlink(path).catch((error: unknown) => {
    throw kept(path, messageOf(error));
  });
  // From here on the recording is erased, and a sidecar that cannot follow is no reason to say otherwise
  if (sidecar !== undefined) await unlink(sidecar).catch(() => undefined);
  await sync(dirname(path)).catch(() => undefined);
}

/** A receipt that only the memory holds is gone with the power, and with it the proof of what was erased. */
async function assertOnDisk(path: string, receiptText: string, receipt: string): Promise<void> {
  try {
    if ((await readFile(receipt, 'utf8')) !== receiptText) throw new Error('another receipt is kept there');
    await sync(receipt);
    await sync(dirname(receipt));
  } catch (error) {
    throw kept(path, `its receipt is not safely kept at ${receipt}: ${messageOf(error)}`);
  }
}

async function assertSameBytes(path: string, sha256: string): Promise<void> {
  let handle: FileHandle | undefined;
  try {
    // O_NOFOLLOW: a link would have us read one file and erase the name of another. O_NONBLOCK: a pipe would never answer
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const before = await handle.stat({ bigint: true });
    if (!before.isFile()) throw new Error('it is not a plain file');
    if ((await hashOf(handle)) !== sha256) throw new Error('its bytes are not those that were sealed');
    // Looked at by name, because the name is what is erased; the open file tells what was read
    const [after, named] = [await handle.stat({ bigint: true }), await lstat(path, { bigint: true })];
    if (!isSame(before, after) || !isSame(before, named)) throw new Error('it changed while it was read again');
  } catch (error) {
    throw kept(path, systemCode(error) === 'ELOOP' ? 'it is a link, not the file itself' : messageOf(error));
  } finally {
    await handle?.close();
  }
}

async function hashOf(handle: FileHandle): Promise<string> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  for (let at = 0; ;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, at);
    if (bytesRead === 0) return hash.digest('hex');
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}

/** The change time too: a modification time can be set back, and it cannot. */
function isSame(one: BigIntStats, other: BigIntStats): boolean {
  const members = ['dev', 'ino', 'mode', 'size', 'mtimeNs', 'ctimeNs'] as const;
  return members.every((member) => one[member] === other[member]);
}

async function sidecarToErase(path: string, used: SidecarFile | undefined): Promise<string | undefined> {
  if (used === undefined || dirname(used.path) !== dirname(path) || used.path === path) return undefined;
  try {
    if (!(await lstat(used.path)).isFile()) return undefined;
    if (
      createHash('sha256')
        .update(await readFile(used.path))
        .digest('hex') !== used.sha256
    )
      return undefined;
    return (await isShared(path, used.path)) ? undefined : used.path;
  } catch {
    // Gone or not readable: it stays as it is
    return undefined;
  }
}

/** Whether clip.json, which speaks of clip.mp4, may speak of a clip.mov too. */
async function isShared(path: string, sidecar: string): Promise<boolean> {
  if (sidecar === `${path}.json`) return false;
  const stem = basename(sidecar, '.json');
  const names = await readdir(dirname(path));
  return names.some((name) => basename(name, extname(name)) === stem && name !== basename(path) && name !== basename(sidecar));
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } catch (error) {
    // Some file systems of memory cards cannot bring a folder to the disk: theirs are written through
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    await handle.close();
  }
}

function kept(path: string, reason: string): FileFault {
  return new FileFault(`${path} was not erased: ${reason}`);
}
