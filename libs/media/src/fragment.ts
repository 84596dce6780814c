/** What the initialisation segment of one track says. ISO/IEC 14496-12 §8.16.3, RFC 6381 for `codec` */
export interface TrackHeader {
  /** Units of time in a second. */
  readonly timescale: number;
  /** e.g. `avc1.64001f`, `mp4a.40.2` */
  readonly codec: string;
  readonly kind: 'video' | 'audio';
}

/** What one media segment holds. */
export interface Fragment {
  /** Pictures, or packets of sound. */
  readonly samples: number;
  /** In units of the track's timescale. */
  readonly duration: number;
}

/** A sentence about the file, to follow its name. */
export class FragmentFaulty extends Error {}

interface Box {
  readonly type: string;
  /** Without the box's own header. */
  readonly body: Buffer;
}

const IDR = 5;
const NON_SYNC = 0x10000;

/** @throws FragmentFaulty */
export function readTrackHeader(bytes: Buffer): TrackHeader {
  const media = only(inside(only(boxesOf(bytes), 'moov'), 'trak'), 'mdia');
  const mdhd = only(boxesOf(media), 'mdhd');
  const timescale = mdhd.readUInt32BE(mdhd[0] === 1 ? 20 : 12);
  const stsd = only(inside(only(boxesOf(media), 'minf'), 'stbl'), 'stsd');
  const [entry] = boxesOf(stsd.subarray(8));
  if (timescale === 0 || entry === undefined) throw new FragmentFaulty('describes no track');
  if (entry.type === 'avc1') {
    const avcC = only(boxesOf(entry.body.subarray(78)), 'avcC');
    return { timescale, kind: 'video', codec: `avc1.${avcC.subarray(1, 4).toString('hex')}` };
  }
  if (entry.type === 'mp4a')
    return { timescale, kind: 'audio', codec: `mp4a.40.${audioObjectType(only(boxesOf(entry.body.subarray(28)), 'esds'))}` };
  throw new FragmentFaulty(`holds ${entry.type}, which players may not know`);
}

/**
 * Counts what is in a segment and checks that its bytes are as its own tables say, and that pictures begin with one that needs no other.
 *
 * @throws FragmentFaulty
 */
export function readFragment(bytes: Buffer, header: TrackHeader): Fragment {
  const boxes = boxesOf(bytes);
  let [samples, duration] = [0, 0];
  for (const [at, { type, body }] of boxes.entries()) {
    if (type !== 'moof') continue;
    const run = readRun(body);
    const data = boxes[at + 1];
    if (data?.type !== 'mdat') throw new FragmentFaulty('has a table without its data');
    const stated = run.sizes.reduce((sum, size) => sum + size, 0);
    if (stated !== data.body.length) throw new FragmentFaulty(`holds ${data.body.length} bytes where its table says ${stated}`);
    if (header.kind === 'video') {
      const startsAlone = checkPictures(data.body, run.sizes) && run.startsWithSync;
      if (samples === 0 && run.sizes.length > 0 && !startsAlone)
        throw new FragmentFaulty('does not begin with a picture that needs no other');
    }
    samples += run.sizes.length;
    duration += run.duration;
  }
  if (samples === 0 || duration === 0) throw new FragmentFaulty('is empty');
  return { samples, duration };
}

/** One moof with one traf, as our own segments have it. §8.8.7, §8.8.8 */
function readRun(moof: Buffer): { sizes: number[]; duration: number; startsWithSync: boolean } {
  const traf = only(boxesOf(moof), 'traf');
  const tfhd = only(boxesOf(traf), 'tfhd');
  const defaults = readDefaults(tfhd);
  const sizes: number[] = [];
  let duration = 0;
  let startsWithSync: boolean | undefined;
  for (const { body: trun } of boxesOf(traf).filter(({ type }) => type === 'trun')) {
    const flags = trun.readUIntBE(1, 3);
    const count = trun.readUInt32BE(4);
    let at = 8 + (flags & 0x1 ? 4 : 0);
    const firstFlags = flags & 0x4 ? trun.readUInt32BE(at) : undefined;
    at += flags & 0x4 ? 4 : 0;
    for (let i = 0; i < count; i++) {
      const next = (present: number, otherwise: number | undefined): number => {
        if (!(flags & present)) return otherwise ?? 0;
        at += 4;
        return trun.readUInt32BE(at - 4);
      };
      duration += next(0x100, defaults.duration);
      sizes.push(next(0x200, defaults.size));
      const sampleFlags = next(0x400, defaults.flags);
      startsWithSync ??= ((firstFlags ?? sampleFlags) & NON_SYNC) === 0;
      next(0x800, 0);
    }
  }
  return { sizes, duration, startsWithSync: startsWithSync ?? false };
}

function readDefaults(tfhd: Buffer): { duration: number | undefined; size: number | undefined; flags: number | undefined } {
  const present = tfhd.readUIntBE(1, 3);
  let at = 8 + (present & 0x1 ? 8 : 0) + (present & 0x2 ? 4 : 0);
  const next = (bit: number): number | undefined => {
    if (!(present & bit)) return undefined;
    at += 4;
    return tfhd.readUInt32BE(at - 4);
  };
  return { duration: next(0x8), size: next(0x10), flags: next(0x20) };
}

/** Each sample is whole units of H.264, each behind its length (ISO/IEC 14496-15 §5.3.3). @returns whether the first is an IDR picture */
function checkPictures(data: Buffer, sizes: readonly number[]): boolean {
  let at = 0;
  let startsWithIdr = false;
  for (const [index, size] of sizes.entries()) {
    const end = at + size;
    while (at < end) {
      if (end - at < 5) throw new FragmentFaulty(`breaks off in picture ${index}`);
      const length = data.readUInt32BE(at);
      if (index === 0 && ((data[at + 4] ?? 0) & 0x1f) === IDR) startsWithIdr = true;
      at += 4 + length;
    }
    if (at !== end) throw new FragmentFaulty(`breaks off in picture ${index}`);
  }
  return startsWithIdr;
}

/** The decoder's own configuration follows tag 5; its first five bits are the kind of AAC. ISO/IEC 14496-1 §7.2.6, 14496-3 §1.6.2.1 */
function audioObjectType(esds: Buffer): number {
  let at = 4;
  while (at < esds.length) {
    const tag = esds[at];
    at += 1;
    while ((esds[at] ?? 0) & 0x80) at += 1;
    at += 1;
    if (tag === 5) return (esds[at] ?? 0) >> 3;
    at += tag === 3 ? 3 : tag === 4 ? 13 : esds.length;
  }
  throw new FragmentFaulty('does not say how its sound is coded');
}

function boxesOf(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at < bytes.length;) {
    const size = bytes.length - at < 8 ? 0 : bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) throw new FragmentFaulty('breaks off');
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return boxes;
}

function inside(body: Buffer, type: string): Box[] {
  return boxesOf(only(boxesOf(body), type));
}

function only(boxes: readonly Box[], type: string): Buffer {
  const found = boxes.find((box) => box.type === type);
  if (found === undefined) throw new FragmentFaulty(`lacks its "${type}" part`);
  return found.body;
}
