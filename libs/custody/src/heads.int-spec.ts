import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { decodeHeader, encodeHeader, headsDigest, headsMap, headsTree, leafHash, type SubjectHead } from '#tlog';
import { eventually } from '../../../test/support/eventually.js';
import type { Attribution } from './catalogue.js';
import { payloadOf } from './custody-log.service.js';
import { LogHeads } from './heads.service.js';
import { logSubject } from './log-subject.js';
import type { Sequencer } from './sequencer.js';
import { CustodyDatabase } from './testing/custody-database.js';

const BY: Attribution = { kind: 'system', id: null, name: 'test' };

let database: CustodyDatabase;
let sequencer: Sequencer;

beforeAll(async () => {
  database = await CustodyDatabase.create();
  sequencer = database.start();
}, 60_000);
afterAll(() => database.close());

function newHeads(): LogHeads {
  return new LogHeads(database.unitOfWork, database.custody, database.log);
}

/** From all rows, one after the other, by text: what README.md says, in the shortest words. */
async function headsOf(size: bigint): Promise<SubjectHead[]> {
  const heads = new Map<string, SubjectHead>();
  const rows = await database.rows<{ index: string; subject: string; seq: string; leaf_hash: Buffer }>(
    'SELECT index, subject, seq, leaf_hash FROM custody_entries WHERE index < $1 ORDER BY index',
    [size.toString()],
  );
  for (const { index, subject, seq, leaf_hash } of rows)
    heads.set(subject, { subject, seq: Number(seq), index, head: leaf_hash.toString('base64') });
  return [...heads.values()].sort((a, b) => (a.subject < b.subject ? -1 : 1));
}

async function maps(): Promise<number> {
  return Number((await database.rows<{ n: string }>("SELECT count(*) AS n FROM custody_entries WHERE type = 'log.heads'"))[0]?.n);
}

describe('a recorded heads map', () => {
  it('is refused for a log without entries, and leaves nothing behind', async () => {
    await expect(newHeads().record(BY)).rejects.toMatchObject({ status: 503, code: 'log-behind' });
    expect(await database.size()).toBe(0n);
    expect(await database.rows('SELECT FROM custody_pending')).toEqual([]);
    expect(await newHeads().newest()).toBeUndefined();
  });

  it('is that of every entry that had its place, whatever the subjects and however long their chains', async () => {
    const heads = newHeads();
    const subjects = fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 12 });
    const log = subjects.chain((some) => fc.array(fc.constantFrom(...some), { minLength: 1, maxLength: 40 }));
    await fc.assert(
      fc.asyncProperty(log, async (entries) => {
        await database.unitOfWork.run(async (tx) => {
          for (const subject of entries) await database.appendIn(tx, subject);
        });
        await database.untilNothingIsPending();
        const size = await database.size();
        const { entry, map, heads: recorded, tree } = await heads.record(BY);
        const expected = await headsOf(size);
        expect(recorded).toEqual(expected);
        expect(map).toEqual(headsMap(size, expected));
        expect(tree.root).toEqual(headsTree(expected).root);
        const header = decodeHeader(Buffer.from(entry.header));
        expect(header).toMatchObject({ type: 'log.heads', subject: logSubject(header.log), sha256: headsDigest(map) });
        expect(entry.index).toBe(size);
        expect(payloadOf(entry)).toEqual({ who: BY, event: { size: size.toString() } });
      }),
      { numRuns: 8 },
    );
  }, 60_000);

  it('holds the lowest and the highest subject, and those of every page, in the order of their text', async () => {
    const edges = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];
    for (const subject of edges) await database.append(subject, 2);
    await database.rows(
      `SELECT custody_append(gen_random_uuid(), sha256('salt'), '{}', gen_random_uuid(), 'signed-out', now(), null, null, sha256('{}'), false)
       FROM generate_series(1, 5000)`,
    );
    await database.untilNothingIsPending();
    const { map, heads } = await newHeads().record(BY);
    const expected = await headsOf(map.size);
    expect(expected.length).toBeGreaterThan(5000);
    expect(heads).toEqual(expected);
    expect(heads.map(({ subject }) => subject)).toEqual(heads.map(({ subject }) => subject).sort());
    expect([heads.at(0)?.subject, heads.at(-1)?.subject]).toEqual(edges);
  }, 60_000);

  it('is made as of one size while entries go on coming', async () => {
    const subjects = Array.from({ length: 5 }, () => randomUUID());
    const heads = newHeads();
    const writing = Promise.all(subjects.map((subject) => database.append(subject, 30)));
    const recorded = [await heads.record(BY), await heads.record(BY), await heads.record(BY)];
    await writing;
    for (const { map, heads: found, entry } of recorded) {
      expect(found).toEqual(await headsOf(map.size));
      expect(entry.index).toBeGreaterThanOrEqual(map.size);
    }
  }, 60_000);

  it('is shared by all who ask while another one is made, and begun after they asked', async () => {
    const heads = newHeads();
    const before = await maps();
    await database.stop(sequencer);
    const first = heads.record({ ...BY, name: 'first' });
    const waits = (): Promise<boolean> =>
      database.rows("SELECT FROM custody_pending WHERE type = 'log.heads'").then(({ length }) => length > 0);
    await eventually('the first waits for its place', waits);
    const subject = randomUUID();
    await database.append(subject);
    const late = [heads.record({ ...BY, name: 'second' }), heads.record({ ...BY, name: 'third' }), heads.record(BY)];
    sequencer = database.start();
    const [one, ...others] = await Promise.all([first, ...late]);
    expect(await maps()).toBe(before + 2);
    expect(one.heads.some((head) => head.subject === subject)).toBe(false);
    for (const other of others) {
      expect(other).toBe(others[0]);
      expect(other.heads.some((head) => head.subject === subject)).toBe(true);
      expect(payloadOf(other.entry)?.who.name).toBe('second');
    }
  });

  it('is refused while the log is frozen, leaves nothing that waits, and is made again after', async () => {
    const heads = newHeads();
    await database.rows("INSERT INTO log_freezes (reason) VALUES ('test')");
    const before = await maps();
    for (const each of [heads.record(BY), heads.record(BY)]) await expect(each).rejects.toMatchObject({ code: 'log-frozen' });
    expect(await database.rows('SELECT FROM custody_pending')).toEqual([]);
    await database.rows("INSERT INTO log_freezes (frozen, reason) VALUES (false, 'test')");
    const size = await database.size();
    await heads.record(BY);
    expect(await heads.newest()).toMatchObject({ size });
    expect(await maps()).toBe(before + 1);
  });

  it('is refused when an entry is missing, rather than vouch for a chain whose end was deleted', async () => {
    const subject = randomUUID();
    const [, last = ''] = await database.appendSequenced(subject, 2);
    await database.appendSequenced(randomUUID());
    const before = await maps();
    await database.tamper((run) => run('CREATE TABLE deleted AS SELECT * FROM custody_entries WHERE id = $1', [last]));
    await database.tamper((run) => run('DELETE FROM custody_entries WHERE id = $1', [last]));
    await expect(newHeads().record(BY)).rejects.toMatchObject({
      status: 500,
      code: 'log-inconsistent',
      members: { check: 'heads' },
    });
    expect(await maps()).toBe(before);
    await database.tamper((run) => run('INSERT INTO custody_entries SELECT * FROM deleted', []));
    expect((await newHeads().record(BY)).heads.find((head) => head.subject === subject)).toMatchObject({ seq: 1 });
  });

  it('is refused when another entry was put in the place of one at the end of a chain, or a chain is counted longer than it is', async () => {
    const [subject, other] = [randomUUID(), randomUUID()];
    await database.appendSequenced(subject, 2);
    await database.appendSequenced(other, 2);
    await database.rows('CREATE TABLE untouched AS SELECT * FROM custody_entries WHERE subject = ANY($1)', [[subject, other]]);
    const [end] = await database.rows<{ index: string; header: Buffer }>(
      'SELECT index, header FROM untouched WHERE subject = $1 AND seq = 1',
      [subject],
    );
    const decoy = encodeHeader({ ...decodeHeader(end!.header), id: randomUUID(), subject: randomUUID(), seq: 0, prev: null });
    const before = await maps();
    const refused = { status: 500, code: 'log-inconsistent', members: { check: 'heads' } };
    // Every index is taken and every hash is that of its header: only the tiles know better.
    await database.tamper(async (run) => {
      await run('DELETE FROM custody_entries WHERE index = $1', [end!.index]);
      const { id, subject: about } = decodeHeader(decoy);
      await run(
        `INSERT INTO custody_entries (index, id, subject, seq, type, at, header, leaf_hash)
         VALUES ($1, $2, $3, 0, 'signed-out', now(), $4, $5)`,
        [end!.index, id, about, Buffer.from(decoy), Buffer.from(leafHash(decoy))],
      );
    });
    await expect(newHeads().record(BY)).rejects.toMatchObject(refused);
    // What is missing there is counted here.
    await database.tamper(async (run) => {
      await run('DELETE FROM custody_entries WHERE index = $1', [end!.index]);
      await run('UPDATE custody_entries SET seq = 2 WHERE subject = $1 AND seq = 1', [other]);
    });
    await expect(newHeads().record(BY)).rejects.toMatchObject(refused);
    expect(await maps()).toBe(before);
    await database.tamper(async (run) => {
      await run('DELETE FROM custody_entries WHERE subject = $1', [other]);
      await run('INSERT INTO custody_entries SELECT * FROM untouched ON CONFLICT DO NOTHING', []);
    });
    expect((await newHeads().record(BY)).heads.find((head) => head.subject === subject)).toMatchObject({ seq: 1 });
  });
});
