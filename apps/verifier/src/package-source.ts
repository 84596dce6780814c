import { createReadStream } from 'node:fs';
import { lstat, open, readdir, type FileHandle } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { isBundlePath } from '#tlog';
import { messageOf, Unusable } from './trust-options.js';

/** The files of a package, in a ZIP file or unpacked. Nothing of them is in memory. */
export interface PackageSource {
  /** Bytes, by path. */
  readonly files: ReadonlyMap<string, number>;
  /** What is wrong with the container itself; a folder has nothing of the kind. */
  readonly fault?: string;
  read(path: string): AsyncIterable<Buffer>;
}

/** @throws Unusable when it is neither a folder nor a ZIP file, or cannot be read */
export async function packageSource(path: string): Promise<PackageSource> {
  const found = await lstat(path).catch((error: unknown) => {
    throw new Unusable(`${path} cannot be read. (${messageOf(error)})`);
  });
  return found.isDirectory() ? folderSource(path) : zipSource(path);
}

async function folderSource(folder: string): Promise<PackageSource> {
  const files = new Map<string, number>();
  const faults: string[] = [];
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const whole = join(entry.parentPath, entry.name);
    const path = relative(folder, whole).split(sep).join('/');
    // A link could lead to a file that is there today and another one tomorrow.
    if (entry.isFile()) files.set(path, (await lstat(whole)).size);
    else faults.push(`${path} is no file.`);
  }
  return {
    files,
    ...(faults[0] === undefined ? {} : { fault: faults[0] }),
    read: (path) => createReadStream(join(folder, path)) as AsyncIterable<Buffer>,
  };
}

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const DESCRIPTOR = 0x08074b50;
const IN_EXTRA_FIELD = 0xffffffff;
const SIZES_FOLLOW = 0x0008;
const UTF8_NAMES = 0x0800;
const FILE_TYPE = 0o170000;
const PLAIN_FILE = 0o100000;
const MOST_DIRECTORY_BYTES = 2 ** 26;

class Altered extends Error {}

interface Member {
  readonly path: string;
  readonly size: number;
  readonly at: number;
  readonly flags: number;
}

/**
 * A ZIP or ZIP64 file of stored files, one behind the other without a gap: a file that hides between two others is a fault, and so is a name
 * that would lead out of the folder it is unpacked in. Whatever else the format allows (a second name, a password, a link, a size said otherwise in
 * another place) is a fault too: with it, programs that unpack the file find something else than was checked.
 */
async function zipSource(path: string): Promise<PackageSource> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw new Unusable(`${path} cannot be read. (${messageOf(error)})`);
  });
  try {
    const { size } = await file.stat();
    const starts = await readAt(file, 0, Math.min(4, size));
    if (size < 22 || starts.readUInt32LE(0) !== LOCAL) throw new Unusable(`${path} is no package: it is no ZIP file.`);
    const data = new Map<string, { at: number; size: number }>();
    try {
      await readMembers(file, size, data);
    } catch (error) {
      if (!(error instanceof Altered)) throw error;
      return { files: new Map(), fault: error.message, read: () => nothing() };
    }
    return {
      files: new Map([...data].map(([name, found]) => [name, found.size])),
      read: (name) => {
        const { at, size: bytes } = data.get(name) ?? { at: 0, size: 0 };
        return bytes === 0 ? nothing() : (createReadStream(path, { start: at, end: at + bytes - 1 }) as AsyncIterable<Buffer>);
      },
    };
  } finally {
    await file.close();
  }
}

async function readMembers(file: FileHandle, size: number, data: Map<string, { at: number; size: number }>): Promise<void> {
  const { at: directory, bytes, count } = await readEnd(file, size);
  const members = readDirectory(await readAt(file, directory, bytes), count);
  let next = 0;
  for (const member of members) {
    if (member.at !== next)
      throw new Altered(`The ZIP file is not as it was written: ${member.path} does not follow the file before it.`);
    if (member.size > size) throw new Altered(`The ZIP file ends in the middle of ${member.path}.`);
    const header = await readAt(file, member.at, 30);
    const name = Buffer.from(member.path, 'utf8');
    const agrees =
      header.readUInt32LE(0) === LOCAL &&
      header.readUInt16LE(6) === member.flags &&
      header.readUInt16LE(8) === 0 &&
      [18, 22].every((at) => header.readUInt32LE(at) === ((member.flags & SIZES_FOLLOW) === 0 ? member.size : 0)) &&
      header.readUInt16LE(26) === name.length &&
      header.readUInt16LE(28) === 0 &&
      name.equals(await readAt(file, member.at + 30, name.length));
    if (!agrees) throw new Altered(`The ZIP file says different things of ${member.path} in two places.`);
    if (data.has(member.path)) throw new Altered(`The ZIP file holds ${member.path} twice.`);
    const at = member.at + 30 + name.length;
    data.set(member.path, { at, size: member.size });
    next = at + member.size + (await descriptorBytes(file, at + member.size, member));
  }
  if (next !== directory) throw new Altered('The ZIP file holds something that its table of contents does not name.');
}

async function readEnd(file: FileHandle, size: number): Promise<{ at: number; bytes: number; count: number }> {
  const end = await readAt(file, size - 22, 22);
  if (end.readUInt32LE(0) !== END || end.readUInt16LE(20) !== 0)
    throw new Altered('The ZIP file does not end as it was written: it was cut short, or something was added.');
  const [count, bytes, at] = [end.readUInt16LE(10), end.readUInt32LE(12), end.readUInt32LE(16)];
  if (count !== 0xffff && bytes !== IN_EXTRA_FIELD && at !== IN_EXTRA_FIELD) {
    if (at + bytes !== size - 22) throw new Altered('The table of contents of the ZIP file is not where it should be.');
    return { at, bytes: bounded(bytes), count };
  }
  const locator = await readAt(file, Math.max(0, size - 42), 20);
  const at64 = Number(locator.readBigUInt64LE(8));
  if (locator.readUInt32LE(0) !== LOCATOR64 || at64 !== size - 98)
    throw new Altered('The ZIP64 records are not where they should be.');
  const end64 = await readAt(file, at64, 56);
  const said: readonly (readonly [number, number, bigint])[] = [
    [count, 0xffff, end64.readBigUInt64LE(32)],
    [bytes, IN_EXTRA_FIELD, end64.readBigUInt64LE(40)],
    [at, IN_EXTRA_FIELD, end64.readBigUInt64LE(48)],
  ];
  if (said.some(([short, elsewhere, long]) => short !== elsewhere && BigInt(short) !== long))
    throw new Altered('The ZIP file says two things of its table of contents.');
  const found = {
    at: Number(end64.readBigUInt64LE(48)),
    bytes: bounded(Number(end64.readBigUInt64LE(40))),
    count: Number(end64.readBigUInt64LE(32)),
  };
  if (end64.readUInt32LE(0) !== END64 || found.at + found.bytes !== at64)
    throw new Altered('The table of contents of the ZIP file is not where it should be.');
  return found;
}

function bounded(bytes: number): number {
  if (bytes > MOST_DIRECTORY_BYTES) throw new Altered('The table of contents of the ZIP file is larger than any package has.');
  return bytes;
}

function readDirectory(directory: Buffer, count: number): Member[] {
  const members: Member[] = [];
  let at = 0;
  while (at < directory.length) {
    if (at + 46 > directory.length || directory.readUInt32LE(at) !== CENTRAL)
      throw new Altered('The table of contents is damaged.');
    const [nameBytes, extraBytes] = [directory.readUInt16LE(at + 28), directory.readUInt16LE(at + 30)];
    const next = at + 46 + nameBytes + extraBytes + directory.readUInt16LE(at + 32);
    if (next > directory.length) throw new Altered('The table of contents is damaged.');
    const path = pathOf(directory.subarray(at + 46, at + 46 + nameBytes));
    if (directory.readUInt16LE(at + 10) !== 0) throw new Altered(`${path} is compressed, as no file of a package is.`);
    const extra = directory.subarray(at + 46 + nameBytes, at + 46 + nameBytes + extraBytes);
    const large = extra.length === 28 && extra.readUInt16LE(0) === 1 && extra.readUInt16LE(2) === 24;
    if (!large && extra.length > 0) throw new Altered(`The ZIP file says more of ${path} than a package does.`);
    const inExtra = [20, 24, 42].map((field) => directory.readUInt32LE(at + field) === IN_EXTRA_FIELD);
    if (inExtra.some((is) => is !== large))
      throw new Altered(`The ZIP file says two things of the size or the place of ${path}.`);
    const [flags, type] = [directory.readUInt16LE(at + 8), (directory.readUInt32LE(at + 38) >>> 16) & FILE_TYPE];
    if ((flags & ~(SIZES_FOLLOW | UTF8_NAMES)) !== 0 || ![0, PLAIN_FILE].includes(type) || directory.readUInt16LE(at + 32) !== 0)
      throw new Altered(`${path} is not a plain file, as every file of a package is.`);
    const size = large ? Number(extra.readBigUInt64LE(4)) : directory.readUInt32LE(at + 24);
    const compressed = large ? Number(extra.readBigUInt64LE(12)) : directory.readUInt32LE(at + 20);
    if (size !== compressed) throw new Altered(`${path} is compressed, as no file of a package is.`);
    const start = large ? Number(extra.readBigUInt64LE(20)) : directory.readUInt32LE(at + 42);
    members.push({ path, size, at: start, flags });
    at = next;
  }
  if (members.length !== count) throw new Altered('The table of contents is not complete.');
  return members;
}

function pathOf(name: Buffer): string {
  const path = name.toString('utf8');
  if (!Buffer.from(path, 'utf8').equals(name) || !isBundlePath(path))
    throw new Altered('The ZIP file holds a file without a valid name.');
  return path;
}

async function descriptorBytes(file: FileHandle, at: number, { flags, size }: Member): Promise<number> {
  if ((flags & SIZES_FOLLOW) === 0) return 0;
  const found = await readAt(file, at, 24);
  if (found.readUInt32LE(0) !== DESCRIPTOR) throw new Altered('The ZIP file is not as it was written behind one of its files.');
  if (found.readUInt32LE(8) === size && found.readUInt32LE(12) === size && size <= IN_EXTRA_FIELD && !isLarge(found, size))
    return 16;
  if (isLarge(found, size)) return 24;
  throw new Altered('The ZIP file says different things of the size of one of its files.');
}

/** An empty file looks the same in both forms as far as it goes; what follows it then decides. */
function isLarge(found: Buffer, size: number): boolean {
  return found.readBigUInt64LE(8) === BigInt(size) && found.readBigUInt64LE(16) === BigInt(size);
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, at);
  if (bytesRead < length) throw new Altered('The ZIP file ends too early.');
  return bytes;
}

async function* nothing(): AsyncGenerator<Buffer> {
  // A file without bytes.
}
