/**
 * An MP4 that has its index at the end, with one more track: data of the kind `gpmd`, the way action cameras write where they are. ffmpeg
 * copies such a track but makes none, so the boxes are put together here. ISO/IEC 14496-12 §8
 */
export function withDataTrack(mp4: Buffer, text: string): Buffer {
  const moovAt = boxAt(mp4, 'moov');
  const moov = mp4.subarray(moovAt, moovAt + mp4.readUInt32BE(moovAt));
  if (moovAt + moov.length !== mp4.length) throw new Error('The index of the MP4 is not at its end.');
  const sample = Buffer.from(text, 'utf8');
  const data = box('mdat', sample);
  // The index stays last, so that no offset of the other tracks changes.
  const sampleAt = moovAt + 8;
  const duration = moov.readUInt32BE(8 + 8 + 16);
  return Buffer.concat([mp4.subarray(0, moovAt), data, box('moov', moov.subarray(8), track(sampleAt, sample.length, duration))]);
}

/** The MP4 with a display matrix that turns its first track (§8.3.2): degrees clockwise, as a camera that was worn turned writes it. */
export function turned(mp4: Buffer, degrees: 90 | 180): Buffer {
  const out = Buffer.from(mp4);
  const header = out.indexOf('tkhd', boxAt(out, 'moov'), 'latin1') + 4;
  // Version 0: the matrix follows 40 bytes of flags, times, track and layer.
  const one = 0x10000;
  const [a, b, c, d] = degrees === 90 ? [0, one, -one, 0] : [-one, 0, 0, -one];
  u32(a, b, 0, c, d, 0).copy(out, header + 40);
  return out;
}

function boxAt(file: Buffer, type: string): number {
  let at = 0;
  while (at + 8 <= file.length) {
    if (file.toString('latin1', at + 4, at + 8) === type) return at;
    at += file.readUInt32BE(at);
  }
  throw new Error(`The MP4 has no box ${type}.`);
}

function box(type: string, ...content: readonly (Buffer | readonly number[])[]): Buffer {
  const body = Buffer.concat(content.map((part) => Buffer.from(part)));
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8, 0);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

const u32 = (...values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, i) => bytes.writeUInt32BE(value >>> 0, 4 * i));
  return bytes;
};

/** Track 99, one sample as long as the recording; times in thousandths of a second. */
function track(sampleAt: number, sampleSize: number, durationMs: number): Buffer {
  const matrix = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);
  const stbl = box(
    'stbl',
    box('stsd', u32(0, 1), box('gpmd', [0, 0, 0, 0, 0, 0, 0, 1], u32(0))),
    box('stts', u32(0, 1, 1, durationMs)),
    box('stsc', u32(0, 1, 1, 1, 1)),
    box('stsz', u32(0, 0, 1, sampleSize)),
    box('stco', u32(0, 1, sampleAt)),
  );
  const minf = box(
    'minf',
    box('gmhd', box('gmin', u32(0, 0, 0, 0))),
    box('dinf', box('dref', u32(0, 1), box('url ', u32(1)))),
    stbl,
  );
  return box(
    'trak',
    box('tkhd', u32(1, 0, 0, 99, 0, durationMs, 0, 0, 0, 0), matrix, u32(0, 0)),
    box(
      'mdia',
      box('mdhd', u32(0, 0, 0, 1000, durationMs, 0x55c40000)),
      box('hdlr', u32(0, 0), Buffer.from('meta'), u32(0, 0, 0), Buffer.from('GPS\0')),
      minf,
    ),
  );
}
