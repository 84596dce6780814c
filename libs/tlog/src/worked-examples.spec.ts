import { readFileSync } from 'node:fs';
import { cosign, parseCosigner, verifyCosignatures, parseCosignatureVerifier } from './cosignature.js';
import { openCheckpoint, signCheckpoint } from './checkpoint.js';
import { canonicalize } from './canonical-json.js';
import { base64, fromBase64, utf8 } from './encodings.js';
import { decodeHeader, encodeHeader, payloadCommitment } from './entry.js';
import { headLeaf, headsDigest, headsMap, headsMapJson, type SubjectHead } from './heads.js';
import { leafHash, nodeHash, verifyInclusion } from './merkle.js';
import { parseSigner, parseVerifier, verifierOf } from './note.js';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The blocks of code in a section of README.md. */
function blocksOf(title: string): string[] {
  const section = readme.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? '';
  return [...section.matchAll(/^```\n(.*?)^```$/gms)].map(([, block]) => block!);
}

const [entries, keys, note] = blocksOf('Worked examples') as [string, string, string];

/** The values written after a name, in order. */
function valuesOf(block: string, name: string): string[] {
  return [...block.matchAll(new RegExp(`^${name} +(.*)$`, 'gm'))].map(([, value]) => value!);
}

const key = (name: string): string => valuesOf(keys, name)[0]!;
const [root] = valuesOf(entries, 'root') as [string];
const leaves = valuesOf(entries, 'leaf');
const headers = valuesOf(entries, 'header');

describe('the worked examples of README.md', () => {
  it('have the payload commitments that they say', () => {
    const salts = valuesOf(entries, 'salt');
    const payloads = valuesOf(entries, 'payload');
    const commitments = payloads.map((payload, i) => base64(payloadCommitment(fromBase64(salts[i]!), payload)));
    expect(commitments).toEqual(valuesOf(entries, 'pc'));
    expect(headers.map((header) => decodeHeader(utf8(header)).pc)).toEqual(commitments);
  });

  it('have the leaves that they say, chained', () => {
    expect(headers).toHaveLength(2);
    expect(headers.map((header) => base64(leafHash(utf8(header))))).toEqual(leaves);
    const decoded = headers.map((header) => decodeHeader(utf8(header)));
    expect(decoded.map((header) => Buffer.from(encodeHeader(header)).toString())).toEqual(headers);
    expect(decoded.map(({ prev }) => prev)).toEqual([null, leaves[0]]);
    expect(decoded.map(({ seq }) => seq)).toEqual([0, 1]);
  });

  it('have the root that they say, and each leaf proves the other', () => {
    const hashes = leaves.map((leaf) => fromBase64(leaf, 32));
    expect(base64(nodeHash(hashes[0]!, hashes[1]!))).toBe(root);
    for (const [i, leaf] of hashes.entries()) {
      const proof = [hashes[1 - i]!];
      expect(() => verifyInclusion({ index: BigInt(i), size: 2n, leaf, proof, root: fromBase64(root) })).not.toThrow();
    }
  });

  it('have a checkpoint and a cosignature that these keys make, and no others', () => {
    const checkpoint = openCheckpoint(note, [parseVerifier(key('log vkey'))]);
    expect(checkpoint).toMatchObject({ origin: 'example.com/log', size: 2n, root: fromBase64(root) });
    const signed = signCheckpoint(checkpoint, parseSigner(key('log skey')));
    const time = new Date('2026-11-20T10:32:00.000Z');
    const witness = parseCosignatureVerifier(key('witness vkey'));
    expect(signed + cosign(signed, parseCosigner(key('witness skey')), time)).toBe(note);
    expect(verifyCosignatures(note, [witness])).toEqual([{ witness, time }]);
    expect(verifierOf(key('log skey')).vkey).toBe(key('log vkey'));
    expect(parseCosigner(key('witness skey')).vkey).toBe(witness.vkey);
  });

  it('have a heads map as it is written there', () => {
    const [, block] = blocksOf('Heads map') as [string, string];
    const written = [...block.matchAll(/^(\{.*\})\n {2}(leaf|sha256) (\S+)$/gm)].map(([, json, , digest]) => ({
      json: json!,
      digest: digest!,
    }));
    const [first, second, map] = written as [(typeof written)[0], (typeof written)[0], (typeof written)[0]];
    const heads = [first, second].map(({ json }) => JSON.parse(json) as SubjectHead);
    expect(heads.map((head) => base64(headLeaf(head)))).toEqual([first.digest, second.digest]);
    expect(canonicalize(headsMapJson(headsMap(8n, heads)))).toBe(map.json);
    expect(headsDigest(headsMap(8n, heads))).toBe(map.digest);
  });
});
