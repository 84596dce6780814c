import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

/** What an MP4 may hold (ISO/IEC 14496-12), each box once: the film, its tables, and nothing that could carry more. */
const WITHIN: Readonly<Record<string, readonly string[]>> = {
  file: ['ftyp', 'moov', 'free', 'mdat'],
  moov: ['mvhd', 'trak', 'udta'],
  trak: ['tkhd', 'edts', 'mdia'],
  edts: ['elst'],
  mdia: ['mdhd', 'hdlr', 'minf'],
  minf: ['vmhd', 'smhd', 'dinf', 'stbl'],
  dinf: ['dref'],
  stbl: ['stsd', 'stts', 'stss', 'ctts', 'stsc', 'stsz', 'stco', 'co64', 'sgpd', 'sbgp'],
  stsd: ['avc1', 'mp4a'],
  avc1: ['avcC', 'colr', 'fiel', 'pasp', 'btrt'],
  mp4a: ['esds', 'btrt'],
};
/** Bytes of their own that these have before the boxes within. */
const OWN_BYTES: Readonly<Record<string, number>> = { stsd: 8, avc1: 78, mp4a: 28 };
const REPEATED = ['trak'];
const HEADER = 8;
/** ffmpeg writes a list of tags also where there are none. */
const NO_TAGS = boxOf('udta', [boxOf('meta', [zeros(4), boxOf('hdlr', [zeros(8), 'mdirappl', zeros(9)]), boxOf('ilst', [])])]);

interface Box {
  readonly type: string;
  readonly at: number;
  /** The first byte of its content. */
  readonly from: number;
  readonly to: number;
}

/**
 * Nothing may hide in an MP4 beside the film: no box that is not needed, none twice, no space between.
 *
 * @param mediaBytes what the film's pictures and sound take together
 */
export async function boxFaults(file: string, mediaBytes: number): Promise<string[]> {
  const handle = await open(file);
  try {
    const faults: string[] = [];
    let media = 0;
    const look = async (parent: string, from: number, to: number): Promise<void> => {
      const seen = new Set<string>();
      for (let at = from; at < to;) {
        const box = await readBox(handle, at, to);
        if (box === undefined) return void faults.push('The file is not a whole MP4.');
        const { type } = box;
        if (WITHIN[parent]?.includes(type) !== true) faults.push(`The file holds a box "${type}", which is not expected.`);
        else if (seen.has(type) && !REPEATED.includes(type)) faults.push(`The file holds a box "${type}" more than once.`);
        seen.add(type);
        if (type === 'free' && box.to > box.from)
          faults.push(`The file holds ${box.to - box.from} bytes of space, which may hide something.`);
        if (type === 'udta' && !(await isWithoutTags(handle, box))) faults.push('The file holds data of its maker.');
        if (type === 'mdat') media += box.to - box.from;
        if (WITHIN[type] !== undefined) await look(type, box.from + (OWN_BYTES[type] ?? 0), box.to);
        at = box.to;
      }
    };
    await look('file', 0, (await handle.stat()).size);
    if (faults.length === 0 && media !== mediaBytes)
      faults.push(`The file holds ${media} bytes of film, of which ${mediaBytes} belong to pictures or sound.`);
    return faults;
  } finally {
    await handle.close();
  }
}

async function readBox(handle: FileHandle, at: number, end: number): Promise<Box | undefined> {
  const header = Buffer.alloc(2 * HEADER);
  const { bytesRead } = await handle.read(header, 0, header.length, at);
  if (bytesRead < HEADER) return undefined;
  const size = header.readUInt32BE(0);
  // Size 1 says that a 64-bit size follows the type.
  const long = size === 1 && bytesRead === header.length;
  const [own, whole] = long ? [2 * HEADER, Number(header.readBigUInt64BE(HEADER))] : [HEADER, size];
  if (whole < own || at + whole > end) return undefined;
  return { type: header.toString('latin1', 4, 8), at, from: at + own, to: at + whole };
}

async function isWithoutTags(handle: FileHandle, { at, to }: Box): Promise<boolean> {
  if (to - at !== NO_TAGS.length) return false;
  const found = Buffer.alloc(NO_TAGS.length);
  await handle.read(found, 0, found.length, at);
  return found.equals(NO_TAGS);
}

function boxOf(type: string, content: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
  const header = Buffer.alloc(HEADER);
  header.writeUInt32BE(HEADER + bytes.length, 0);
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, bytes]);
}

function zeros(count: number): Buffer {
  return Buffer.alloc(count);
}
