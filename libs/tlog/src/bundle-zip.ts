import { equalBytes, fromUtf8, utf8 } from './encodings.js';
import { TlogError } from './tlog-error.js';

/**
 * The one ZIP form of a bundle (README.md, "Container"): stored entries only, sorted by the bytes of their UTF-8 names, every
 * optional or variable field fixed, nothing between the records. Equal files give equal bytes, so a reader finds any
 * changed byte by writing the container again.
 */
const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const END_BYTES = 22;
const VERSION = 20;
const UTF8_NAMES = 0x0800;
const STORED = 0;
const MIDNIGHT = 0;
const FIRST_OF_JANUARY_1980 = 0x0021;
/** One more is what ZIP64 marks itself with. */
const MOST_FILES = 0xfffe;

/** A relative path with "/" between non-empty parts, none of them "." or "..", without backslash, colon or control characters. */
export function isBundlePath(path: string): boolean {
  if (!path.isWellFormed() || /[\\:\p{Cc}]/u.test(path) || utf8(path).length > 255) return false;
  return path.split('/').every((part) => !['', '.', '..'].includes(part));
}

/** The container of these files. @throws TlogError for an impossible path, or more than the format without ZIP64 can hold. */
export function encodeZip(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const members = [...files].map(([path, data]) => {
    if (!isBundlePath(path)) throw new TlogError('bundle-malformed', `${JSON.stringify(path)} is not a path for a bundle.`);
    return { name: utf8(path), data, crc: crc32(data) };
  });
  members.sort((a, b) => Buffer.compare(a.name, b.name));
  const local = members.reduce((sum, { name, data }) => sum + LOCAL_BYTES + name.length + data.length, 0);
  const central = members.reduce((sum, { name }) => sum + CENTRAL_BYTES + name.length, 0);
  if (members.length > MOST_FILES || local + central >= 0xffffffff) {
    throw new TlogError('bundle-malformed', 'A bundle holds less than 65,535 files and 4 GiB.');
  }
  const out = new LittleEndian(new Uint8Array(local + central + END_BYTES));
  const offsets: number[] = [];
  for (const { name, data, crc } of members) {
    offsets.push(out.at);
    out.u32(LOCAL).u16(VERSION).u16(UTF8_NAMES).u16(STORED).u16(MIDNIGHT).u16(FIRST_OF_JANUARY_1980);
    out.u32(crc).u32(data.length).u32(data.length).u16(name.length).u16(0).bytes(name).bytes(data);
  }
  members.forEach(({ name, data, crc }, i) => {
    out.u32(CENTRAL).u16(VERSION).u16(VERSION).u16(UTF8_NAMES).u16(STORED).u16(MIDNIGHT).u16(FIRST_OF_JANUARY_1980);
    out.u32(crc).u32(data.length).u32(data.length).u16(name.length).u16(0).u16(0).u16(0).u16(0).u32(0);
    out.u32(offsets[i] ?? 0).bytes(name);
  });
  out.u32(END).u16(0).u16(0).u16(members.length).u16(members.length).u32(central).u32(local).u16(0);
  return out.buffer;
}

/** The files of a container. @throws TlogError 'not-a-zip'; 'zip-altered' when any byte is not as `encodeZip` writes it. */
export function decodeZip(bytes: Uint8Array): Map<string, Uint8Array> {
  const { files, fault } = salvageZip(bytes);
  if (fault !== undefined) throw new TlogError('zip-altered', fault);
  return files;
}

/**
 * As `decodeZip`, but for a container that was altered also gives what could still be read of it, so that a verifier can
 * say more precisely what changed. `fault` present: not to be trusted. @throws TlogError 'not-a-zip'
 */
export function salvageZip(bytes: Uint8Array): { files: Map<string, Uint8Array>; fault?: string } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = bytes.length - END_BYTES;
  // Either mark is enough: a changed byte in one of them makes an altered bundle, not something else.
  const begins = bytes.length >= 4 && [LOCAL, END].includes(view.getUint32(0, true));
  if (!begins && !(end >= 0 && view.getUint32(end, true) === END)) {
    throw new TlogError('not-a-zip', 'The file is not a ZIP file.');
  }
  const files = new Map<string, Uint8Array>();
  const starts: { path: string; at: number }[] = [];
  let at = 0;
  while (at + LOCAL_BYTES <= bytes.length && view.getUint32(at, true) === LOCAL) {
    const nameEnd = at + LOCAL_BYTES + view.getUint16(at + 26, true);
    const dataEnd = nameEnd + view.getUint32(at + 18, true);
    const path = readPath(bytes.subarray(at + LOCAL_BYTES, nameEnd));
    if (path === undefined) return { files, fault: `The ZIP record at byte ${at} has no valid file name.` };
    if (dataEnd > bytes.length) return { files, fault: `The ZIP file ends in the middle of ${path}.` };
    if (files.has(path)) return { files, fault: `The ZIP file holds ${path} twice.` };
    if (files.size === MOST_FILES) return { files, fault: `The ZIP file holds more than ${MOST_FILES} files.` };
    files.set(path, bytes.slice(nameEnd, dataEnd));
    starts.push({ path, at });
    at = dataEnd;
  }
  const canonical = encodeZip(files);
  if (equalBytes(canonical, bytes)) return { files };
  const differs = canonical.findIndex((byte, i) => byte !== bytes[i]);
  if (differs < 0) return { files, fault: `The ZIP file has ${bytes.length - canonical.length} bytes too many at its end.` };
  const inside = differs < at ? starts.findLast((start) => start.at <= differs)?.path : undefined;
  return {
    files,
    fault: `The ZIP file is not as it was written: ${inside ?? 'its table of contents'} was altered (first difference at byte ${differs}).`,
  };
}

function readPath(name: Uint8Array): string | undefined {
  try {
    const path = fromUtf8(name);
    return isBundlePath(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

class LittleEndian {
  at = 0;
  private readonly view: DataView;

  constructor(readonly buffer: Uint8Array) {
    this.view = new DataView(buffer.buffer);
  }

  u16(value: number): this {
    this.view.setUint16(this.at, value, true);
    this.at += 2;
    return this;
  }

  u32(value: number): this {
    this.view.setUint32(this.at, value, true);
    this.at += 4;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.buffer.set(value, this.at);
    this.at += value.length;
    return this;
  }
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function crc32(data: Uint8Array): number {
  let crc = 0xffffffff;
  // By index: an iterator is several times slower over files of many megabytes.
  for (let i = 0; i < data.length; i += 1) crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (data[i] ?? 0)) & 0xff] ?? 0);
  return (crc ^ 0xffffffff) >>> 0;
}
