import fc from 'fast-check';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { encodeZip } from './bundle-zip.js';
import { addSignatureLines, cosign, generateWitnessKey, parseCosigner } from './cosignature.js';
import { base64, fromUtf8, utf8 } from './encodings.js';
import { leafHash } from './merkle.js';
import { generateNoteKey } from './note.js';
import { SampleLog, sampleBundle, uuidOf } from './sample-log.js';

const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'by-hand-'));
const script = join(folder, 'check.sh');
const witness = generateWitnessKey('witness.example/board');

const { log, files } = await sampleBundle({
  after: (to) => Array.from({ length: 4 }, () => to.append(uuidOf('other'), 'person.enrolled')),
});
const note = fromUtf8(files.get('checkpoint')!);
const time = new Date('2026-11-20T11:05:00.000Z');
const cosigned = addSignatureLines(note, cosign(note, parseCosigner(witness.skey), time));
files.set('checkpoint', utf8(cosigned));
const lines = fromUtf8(files.get('entries.jsonl')!).trimEnd().split('\n');

/** What check.sh, as README.md has it, prints about the entry on this line. @throws what it prints when a step does not hold. */
async function check(line: number, from = files, keys = [log.key.vkey, witness.vkey]): Promise<string> {
  const bundle = join(mkdtempSync(join(folder, 'case-')), 'bundle.zip');
  writeFileSync(bundle, encodeZip(from));
  const env = { PATH: process.env['PATH'], TMPDIR: folder };
  return (await run('/bin/sh', [script, bundle, `${line}`, ...keys], { env })).stdout;
}

function changed(path: string, change: (text: string) => string): Map<string, Uint8Array> {
  return new Map([...files, [path, utf8(change(fromUtf8(files.get(path)!)))]]);
}

beforeAll(() => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const section = readme.split(/^## /m).find((text) => text.startsWith('Checking one entry by hand\n')) ?? '';
  writeFileSync(script, [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('\n'));
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the steps of README.md by which one entry is checked with openssl and a shell', () => {
  it('hold for every entry of a bundle', async () => {
    expect(lines).toHaveLength(6);
    for (const [i, { index, header, payload }] of log.entries.filter(({ subject }) => isInBundle(subject)).entries()) {
      expect(await check(i + 1)).toBe(
        [
          `ok leaf ${base64(leafHash(header))} of ${fromUtf8(header)}`,
          `ok proof of entry ${index} among 13 leads to ${note.split('\n')[2]}`,
          'ok root',
          `ok signature of ${log.key.vkey}`,
          `ok cosignature of ${witness.vkey} at ${time.getTime() / 1000}`,
          `ok payload ${payload}`,
          '',
        ].join('\n'),
      );
    }
  });

  it('fail under the key of another log or another witness', async () => {
    const keys = [log.key.vkey, witness.vkey] as const;
    await expect(check(4, files, [generateNoteKey(log.origin).vkey, keys[1]])).rejects.toThrow('FAILED');
    await expect(check(4, files, [generateNoteKey('example.com/other').vkey, keys[1]])).rejects.toThrow('another log');
    await expect(check(4, files, [keys[0], generateWitnessKey('witness.example/board').vkey])).rejects.toThrow('FAILED');
    await expect(check(4, files, [keys[1], keys[0]])).rejects.toThrow('FAILED');
  });

  it('fail for the checkpoint of another tree of the same log', async () => {
    const fork = new SampleLog();
    fork.append(uuidOf('other'), 'person.enrolled');
    await expect(
      check(
        4,
        changed('checkpoint', () => fork.checkpoint()),
      ),
    ).rejects.toThrow('FAILED');
  });

  it('fail when a hash of the proof is left out, added or moved', async () => {
    const edit = (change: (hashes: string[]) => string[]): Map<string, Uint8Array> =>
      changed('proofs.jsonl', (text) =>
        text.replaceAll(/\[(.*)\]/g, (_, list: string) => `[${change(list.split(',')).join(',')}]`),
      );
    await expect(
      check(
        4,
        edit((hashes) => hashes.slice(1)),
      ),
    ).rejects.toThrow('FAILED');
    await expect(
      check(
        4,
        edit((hashes) => hashes.slice(0, -1)),
      ),
    ).rejects.toThrow('too short');
    await expect(
      check(
        4,
        edit((hashes) => [...hashes, hashes[0]!]),
      ),
    ).rejects.toThrow('too long');
    await expect(
      check(
        4,
        edit(([first, second, ...rest]) => [second!, first!, ...rest]),
      ),
    ).rejects.toThrow('another root');
  });

  it('fail when any byte of the header, the salt, the payload, the proof or the checkpoint is changed', async () => {
    const [, header, payload, salt] = /^\{"header":"(.*)","index":"\d+","payload":"(.*)","salt":"(.*)"\}$/.exec(lines[3]!)!;
    const proof = fromUtf8(files.get('proofs.jsonl')!).split('\n')[3]!;
    const hashes = proof.match(/[A-Za-z0-9+/]{43}=/g)!;
    expect(hashes).toHaveLength(4);
    const places = [
      ...[header!, payload!, salt!].flatMap((text) => placesOf('entries.jsonl', text)),
      ...hashes.flatMap((hash) => placesOf('proofs.jsonl', hash, proof)),
      ...placesOf('checkpoint', cosigned),
    ];
    // The shell leaves out zero bytes when it reads a line.
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...places), fc.integer({ min: 1, max: 255 }), async ({ path, at }, byte) => {
        const data = files.get(path)!;
        fc.pre(data[at] !== byte);
        await expect(check(4, new Map([...files, [path, data.with(at, byte)]]))).rejects.toThrow();
      }),
      { numRuns: 40 },
    );
  });
});

/** Where the bytes of a text in a line are, without the last characters of base64: their spare bits are nothing to base64(1). */
function placesOf(path: string, text: string, line = text): { path: string; at: number }[] {
  const data = Buffer.from(files.get(path)!);
  const from = data.indexOf(text, data.indexOf(line));
  const spare = [...text.matchAll(/[A-Za-z0-9+/]=+$/gm)].flatMap(({ index, 0: end }) => {
    const at = utf8(text.slice(0, index)).length;
    return Array.from(end, (_, i) => at + i);
  });
  return Array.from(utf8(text), (_, i) => i)
    .filter((i) => !spare.includes(i))
    .map((i) => ({ path, at: from + i }));
}

function isInBundle(subject: string): boolean {
  return lines.some((line) => line.includes(`\\"subject\\":\\"${subject}\\"`));
}
