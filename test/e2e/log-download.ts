import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openCheckpoint, parseVerifier, TILE_WIDTH, tilePath } from '#tlog';
import type { HttpClient } from '../support/http.js';

/** The paths, under `/log`, of every hash tile or of every entry bundle of a log of that size, each as wide as it is. C2SP tlog-tiles */
export function tilePaths(size: bigint, of: 'hashes' | 'entries'): string[] {
  const paths: string[] = [];
  const width = BigInt(TILE_WIDTH);
  for (let level = 0, places = size; places > 0n && (level === 0 || of === 'hashes'); level += 1, places /= width)
    for (let index = 0n; index * width < places; index += 1n) {
      const left = places - index * width;
      const path = tilePath(level, index, left < width ? Number(left) : TILE_WIDTH);
      paths.push(of === 'hashes' ? path : path.replace('tile/0/', 'tile/entries/'));
    }
  return paths;
}

/** Size of the newest checkpoint that the log gives out. @throws TlogError unless it is signed with `logKey` */
export async function sizeOf(http: HttpClient, logKey: string): Promise<bigint> {
  return openCheckpoint((await http.get('/log/checkpoint')).expect(200).text, [parseVerifier(logKey)]).size;
}

/** The whole log into a folder, under the names that it is served under. @returns their contents by path */
export async function downloadLog(auditor: HttpClient, logKey: string, folder: string): Promise<Map<string, Buffer>> {
  const checkpoint = (await auditor.get('/log/checkpoint')).expect(200);
  const { size } = openCheckpoint(checkpoint.text, [parseVerifier(logKey)]);
  const files = new Map([['checkpoint', checkpoint.bytes]]);
  for (const path of [...tilePaths(size, 'hashes'), ...tilePaths(size, 'entries')])
    files.set(path, (await auditor.get(`/log/${path}`)).expect(200).bytes);
  for (const [path, bytes] of files) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  }
  return files;
}
