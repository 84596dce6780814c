const START = Buffer.from([0, 0, 0, 1]);
const SLICE = new Set([1, 5]);

/**
 * An H.264 stream (Annex B) with closed captions in each of its pictures: text in an SEI message "registered user data", as broadcasters and
 * some cameras write it. ATSC A/53 part 4 §6.2.3, CTA-608, ISO/IEC 14496-10 annex D.
 */
export function withCaptions(stream: Buffer, text: string): Buffer {
  const out: Buffer[] = [];
  let at = 0;
  for (const unit of units(stream)) {
    const header = unit[0] ?? 0;
    // Pictures of the ultrafast preset are one slice each: first_mb_in_slice 0 is a single bit at the front.
    if (SLICE.has(header & 0x1f) && ((unit[1] ?? 0) & 0x80) !== 0) {
      out.push(START, captionUnit(text.slice(at, at + 2).padEnd(2)));
      at = (at + 2) % text.length;
    }
    out.push(START, unit);
  }
  return Buffer.concat(out);
}

function units(stream: Buffer): Buffer[] {
  const starts: number[] = [];
  const code = Buffer.from([0, 0, 1]);
  for (let at = stream.indexOf(code); at !== -1; at = stream.indexOf(code, at + 3)) starts.push(at + 3);
  return starts.map((from, i) => {
    const next = starts[i + 1];
    let to = next === undefined ? stream.length : next - 3;
    while (next !== undefined && to > from && stream[to - 1] === 0) to -= 1;
    return stream.subarray(from, to);
  });
}

/** One pair of characters on field 1, with odd parity as CTA-608 wants. */
function captionUnit(pair: string): Buffer {
  const [first = 0, second = 0] = Buffer.from(pair, 'latin1').map(withParity);
  const payload = Buffer.from([0xb5, 0x00, 0x31, ...Buffer.from('GA94'), 0x03, 0x41, 0xff, 0xfc, first, second, 0xff]);
  return Buffer.concat([Buffer.from([0x06, 0x04, payload.length]), payload, Buffer.from([0x80])]);
}

function withParity(character: number): number {
  const ones = (character & 0x7f).toString(2).replaceAll('0', '').length;
  return ones % 2 === 1 ? character & 0x7f : (character & 0x7f) | 0x80;
}
