/** What the table of contents of a ZIP file names, with where its bytes begin. Of stored files without ZIP64 records. APPNOTE.TXT §4.3 */
function contentsOf(zip: Buffer): Map<string, Buffer> {
  const end = zip.length - 22;
  let at = zip.readUInt32LE(end + 16);
  const files = new Map<string, Buffer>();
  while (at < end && zip.readUInt32LE(at) === 0x02014b50) {
    const size = zip.readUInt32LE(at + 24);
    const nameBytes = zip.readUInt16LE(at + 28);
    const local = zip.readUInt32LE(at + 42);
    const begins = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    files.set(zip.toString('utf8', at + 46, at + 46 + nameBytes), zip.subarray(begins, begins + size));
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

export function zipPaths(zip: Buffer): string[] {
  return [...contentsOf(zip).keys()];
}

/** @throws Error when there is no such file */
export function zipped(zip: Buffer, path: string): Buffer {
  const bytes = contentsOf(zip).get(path);
  if (bytes === undefined) throw new Error(`The package holds no ${path}.`);
  return bytes;
}
