import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  decodeHeader,
  generateNoteKey,
  leafHash,
  openCheckpoint,
  parseProof,
  parseVerifier,
  TILE_WIDTH,
  verifyInclusion,
} from '#tlog';
import { eventually } from '../support/eventually.js';
import type { Answer, HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { runProgram, type Ended } from './command-line.js';
import { downloadLog, sizeOf, tilePaths } from './log-download.js';
import { asSuperuser } from './superuser.js';
import { forgeHeader, removeEntry } from './tampering.js';

/** Enough for two full tiles and a partial one. */
const ENTRIES = 560;
const FOR_EVER = 'max-age=31536000, immutable';

describe('the public log', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let officer: HttpClient;
  let token: string;
  let address: string;
  let folder: string;
  let files: Map<string, Buffer>;
  let size: bigint;

  beforeAll(async () => {
    [stack, folder] = await Promise.all([startStack(), mkdtemp(join(tmpdir(), 'custodiet-log-'))]);
    address = `${stack.url}/log`;
    const administrator = await stack.signIn('administrator');
    [auditor, officer] = await Promise.all([stack.signIn('auditor'), stack.signIn('officer')]);
    const machine = { name: 'monitor', roles: ['auditor'], days: 1 };
    token = (await administrator.post<{ secret: string }>('/api/service-tokens', machine)).expect(201).body.secret;
    // Every refusal is an entry.
    const refused = async (): Promise<void> => void (await officer.get('/api/people')).expect(403);
    for (let i = 0; i < ENTRIES / 20; i += 1) await Promise.all(Array.from({ length: 20 }, refused));
    const covered = async (): Promise<boolean> => (await sizeOf(auditor, stack.logKey)) >= BigInt(ENTRIES);
    await eventually('a checkpoint covers all entries', covered);
    files = await downloadLog(auditor, stack.logKey, folder);
    size = await sizeOf(auditor, stack.logKey);
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const verifyLog = (log: string, ...args: string[]): Promise<Ended> =>
    runProgram('custodiet-verify.mjs', ['log', log, '--log-key', stack.logKey, ...args]);

  describe('over HTTP', () => {
    it('proves to anybody, by its index, that an entry is in it, and says so of no other', async () => {
      const proofOf = (index: string): Promise<Answer<unknown>> => stack.anonymous().get(`/log/proof?index=${index}`);
      const leaves = files.get('tile/0/001') ?? Buffer.alloc(0);
      const answer = (await proofOf('300')).expect(200);
      expect(answer.contentType).toBe('text/plain');
      const { index, hashes, checkpoint } = parseProof(answer.text);
      const { size: covered, root } = openCheckpoint(checkpoint, [parseVerifier(stack.logKey)]);
      const leaf = leaves.subarray((300 - 256) * 32, (301 - 256) * 32);
      expect(index).toBe(300n);
      expect(() => verifyInclusion({ index, size: covered, leaf, proof: hashes, root })).not.toThrow();
      expect((await proofOf('100000000000000000')).expect(404).problem().type).toBe('urn:custodiet:not-found');
      for (const wrong of ['', '-1', '01', '1.5', 'x', '1&index=2', '1&size=2', '9'.repeat(19)])
        expect((await proofOf(wrong)).expect(400).problem().type).toBe('urn:custodiet:invalid-request');
    });

    it('gives anybody its hash tiles, full and partial, to be kept for ever', async () => {
      const paths = tilePaths(size, 'hashes');
      expect(paths).toEqual(
        expect.arrayContaining(['tile/0/000', 'tile/0/001', `tile/0/002.p/${size % 256n}`, 'tile/1/000.p/2']),
      );
      for (const path of paths) {
        const answer = (await stack.anonymous().get(`/log/${path}`)).expect(200);
        expect(answer.contentType).toBe('application/octet-stream');
        expect(answer.headers.get('cache-control')).toBe(`public, ${FOR_EVER}`);
        expect(answer.bytes).toEqual(files.get(path));
        expect(answer.bytes.length).toBe(32 * Number(/p\/(\d+)$/.exec(path)?.[1] ?? TILE_WIDTH));
      }
      const narrow = (await stack.anonymous().get('/log/tile/0/001.p/7')).expect(200);
      expect(narrow.bytes).toEqual(files.get('tile/0/001')?.subarray(0, 7 * 32));
      expect((await stack.anonymous().get('/log/checkpoint')).headers.get('cache-control')).toBe('public, max-age=5');
    });

    it('has nothing beyond its newest checkpoint, and one address for every tile', async () => {
      const elsewhere = [
        ...[
          `0/002.p/${(size % 256n) + 1n}`,
          '0/002',
          '0/003',
          '0/003.p/1',
          '1/000.p/3',
          '1/000',
          '2/000.p/1',
          '63/000.p/1',
          '64/000',
        ],
        ...[
          '0/0',
          '0/x000/000',
          '0/000.p/0',
          '0/000.p/256',
          '0/000.p/01',
          '00/000',
          '-1/000',
          '0/x999/x999/x999/x999/x999/x999/999',
        ],
        ...['0/', '0/000/', 'x/000', '0/..%2f..%2fcheckpoint', 'entries/', 'entries/0', 'entries/003.p/1', 'entries/x000/000'],
      ];
      for (const path of elsewhere) {
        const answer = await auditor.get(`/log/tile/${path}`);
        expect(`${path} ${answer.status}`).toBe(`${path} 404`);
        expect(answer.problem().type).toBe('urn:custodiet:not-found');
        // A cache that kept this would hide the tile once it is there.
        expect(answer.headers.get('cache-control')).toBe('no-store');
      }
    });

    it('gives auditors, and nobody else, what the entries say', async () => {
      for (const path of tilePaths(size, 'entries')) {
        (await stack.anonymous().get(`/log/${path}`)).expect(401);
        (await officer.get(`/log/${path}`)).expect(403);
        const answer = (await auditor.get(`/log/${path}`)).expect(200);
        expect(answer.contentType).toBe('application/octet-stream');
        expect(answer.headers.get('cache-control')).toBe(`private, ${FOR_EVER}`);
        const tile = files.get(path.replace('entries', '0')) ?? Buffer.alloc(0);
        entriesOf(answer.bytes).forEach(({ bytes }, i) => {
          expect(decodeHeader(bytes).log).toBe(parseVerifier(stack.logKey).name);
          expect(tile.subarray(i * 32, i * 32 + 32).equals(leafHash(bytes))).toBe(true);
        });
      }
      for (const role of ['custodian', 'administrator', 'supervisor', 'investigator'])
        (await (await stack.signIn(role)).get('/log/tile/entries/000')).expect(403);
    });
  });

  describe('custodiet-verify log', () => {
    it("verifies every entry, tile and root from the log's address with an auditor's token, and from a folder", async () => {
      await writeFile(join(folder, 'token.txt'), `${token}\n`);
      const ways: [string, ...string[]][] = [
        [address, '--token', token],
        [`${address}/`, '--token', join(folder, 'token.txt')],
        [folder],
      ];
      for (const args of ways) {
        const { code, stdout, stderr } = await verifyLog(...args);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toMatch(/✓ entries: \d+ headers.*\n✓ chains: \d+ subjects/);
        expect(stdout).toMatch(/\nVERIFIED: all \d+ entries of the log /);
        expect(stdout).toContain('The log key is one that you gave');
      }
      const json = await verifyLog(folder, '--json');
      expect(JSON.parse(json.stdout)).toMatchObject({
        ...{ ok: true, entriesRead: true, logKeysPinned: true, logKeys: [stack.logKey] },
        checkpoint: { size: size.toString() },
      });
    });

    it('says without a token that it did not see what the entries say', async () => {
      const { code, stdout } = await verifyLog(address);
      expect(code).toBe(0);
      expect(stdout).toContain('✓ tiles: ');
      expect(stdout).not.toContain('✓ entries');
      expect(stdout).toContain('NOT checked');
      expect(stdout).toMatch(/\nVERIFIED: the hash tiles of \d+ entries, nothing else, of the log /);
    });

    it('says when the key came with the log, and fails under another key', async () => {
      const own = await runProgram('custodiet-verify.mjs', ['log', address]);
      expect(own.code).toBe(0);
      expect(own.stdout).toContain('The log key came with the log itself.');
      const { vkey } = generateNoteKey(parseVerifier(stack.logKey).name);
      const other = await runProgram('custodiet-verify.mjs', ['log', address, '--log-key', vkey]);
      expect(other.code).toBe(1);
      expect(other.stdout).toContain('✗ checkpoint: checkpoint: ');
    });

    it('has verified nothing when the log cannot be read', async () => {
      const ways: [string, ...string[]][] = [
        [address, '--token', 'cst_wrong'],
        ['http://127.0.0.1:1/log'],
        [folder, '--log-key', join(folder, 'no.key')],
      ];
      for (const args of ways) {
        const { code, stdout, stderr } = await verifyLog(...args);
        expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
        expect(stderr).toContain('custodiet-verify: ');
      }
    });

    it('fails and names the place when one byte of any file was altered', async () => {
      for (const [path, bytes] of files)
        for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
          await writeFile(
            join(folder, path),
            bytes.map((byte, i) => (i === at ? byte ^ 1 : byte)),
          );
          const { code, stdout } = await verifyLog(folder);
          await writeFile(join(folder, path), bytes);
          expect({ path, at, code }).toEqual({ path, at, code: 1 });
          expect(stdout).toContain(`: ${placeOf(path, bytes, at)}: `);
          expect(stdout).toContain('\nNOT VERIFIED: ');
        }
      expect((await verifyLog(folder)).code).toBe(0);
    });

    it('fails and names the file when one is missing', async () => {
      for (const path of files.keys()) {
        await rename(join(folder, path), join(folder, 'aside'));
        const { code, stdout } = await verifyLog(folder);
        await rename(join(folder, 'aside'), join(folder, path));
        expect({ path, code }).toEqual({ path, code: 1 });
        expect(stdout).toContain(`: ${path}: `);
      }
    });
  });

  describe('of a database that its superuser changed', () => {
    it.each([
      ['an entry and its leaf hash', forgeHeader, '300', 'entry 300'],
      ['an entry away', removeEntry, '300', 'tile/entries/001'],
    ])('(%s) does not verify, and the place is named', async (_, tamper, index, place) => {
      await asSuperuser(stack.database, async (db) => {
        const restore = await tamper(db, index);
        try {
          const { code, stdout } = await verifyLog(address, '--token', token);
          expect(code).toBe(1);
          expect(stdout).toContain(`✗ entries: ${place}: `);
        } finally {
          await restore();
        }
      });
      expect((await verifyLog(address, '--token', token)).code).toBe(0);
    });

    it('(an entry, its leaf hash and its hash tile) does not verify, with and without a token', async () => {
      await asSuperuser(stack.database, async (db) => {
        const restore = await forgeHeader(db, '300');
        const tile =
          'UPDATE log_tiles SET hashes = overlay(hashes PLACING $1::bytea FROM (300 - 256) * 32 + 1) WHERE level = 0 AND index = 1';
        const original = files.get('tile/0/001')?.subarray(44 * 32, 45 * 32);
        const { rows } = await db.query<{ leaf_hash: Buffer }>('SELECT leaf_hash FROM custody_entries WHERE index = 300');
        await db.query('ALTER TABLE log_tiles DISABLE TRIGGER USER');
        await db.query(tile, [rows[0]?.leaf_hash]);
        try {
          const tilesOnly = await verifyLog(address);
          expect(tilesOnly.code).toBe(1);
          expect(tilesOnly.stdout).toContain('✗ tiles: tile/1/000.p/2: its hash 1 is not the root of tile/0/001');
          // The refusals are all of one person: the next of that chain no longer links.
          const whole = await verifyLog(address, '--token', token);
          expect(whole.code).toBe(1);
          expect(whole.stdout).toContain('✗ chains: entry 301: ');
        } finally {
          await restore();
          await db.query(tile, [original]);
          await db.query('ALTER TABLE log_tiles ENABLE ALWAYS TRIGGER log_tiles_extend');
          await db.query('ALTER TABLE log_tiles ENABLE ALWAYS TRIGGER log_tiles_rows');
        }
      });
      expect((await verifyLog(address, '--token', token)).code).toBe(0);
    });
  });
});

/** The entries of a bundle: where each lies with its length, and what it says. C2SP tlog-tiles, "Log entries" */
function entriesOf(bundle: Buffer): { start: number; end: number; bytes: Buffer }[] {
  const entries: { start: number; end: number; bytes: Buffer }[] = [];
  for (let start = 0; start < bundle.length; start = entries.at(-1)?.end ?? bundle.length) {
    const end = start + 2 + bundle.readUInt16BE(start);
    entries.push({ start, end, bytes: bundle.subarray(start + 2, end) });
  }
  return entries;
}

/** What the verifier must name when that byte of the file was altered. */
function placeOf(path: string, bytes: Buffer, at: number): string {
  const first = Number(/^tile\/(?:0|entries)\/(\d{3})/.exec(path)?.[1] ?? 0) * TILE_WIDTH;
  if (path.startsWith('tile/0/')) return `entry ${first + Math.floor(at / 32)}`;
  if (!path.startsWith('tile/entries/')) return path;
  return `entry ${first + entriesOf(bytes).findIndex(({ end }) => at < end)}`;
}
