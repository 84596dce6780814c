import { randomUUID } from 'node:crypto';
import { canonicalize, generateNoteKey, leafHash, parseSigner, signCheckpoint } from '#tlog';
import type { Query } from '#custody';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';
import type { Finding } from './findings.js';
import type { FsckReport } from './fsck.js';

const SIZE = 300;
const MIDDLE = 137;

/** Entries 0 to 299, three subjects in turn, so that the chain of `MIDDLE` goes on at `MIDDLE` + 3. */
describe('fsck', () => {
  let database: CustodyDatabase;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    const subjects = [randomUUID(), randomUUID(), randomUUID()];
    const appendTurns = async (turns: number): Promise<void> => {
      await database.unitOfWork.run(async (tx) => {
        for (let i = 0; i < turns; i++) for (const subject of subjects) await database.appendIn(tx, subject);
      });
    };
    const sequencer = database.start();
    await appendTurns(40);
    await database.untilNothingIsPending();
    await database.checkpoint();
    await appendTurns(60);
    await database.untilNothingIsPending();
    await database.checkpoint();
    await database.stop(sequencer);
  }, 60_000);

  afterAll(() => database.close());

  const findings = async (work: (run: Query) => Promise<unknown>): Promise<readonly Finding[]> => {
    const report = await database.fsckAfter(work);
    expect(report.ok).toBe(false);
    return report.findings;
  };
  const places = (found: readonly Finding[]): string[] => [...new Set(found.map(({ where }) => where))];
  const headerOf = async (run: Query, index: number): Promise<Buffer> => {
    const [row] = await run<{ header: Buffer }>('SELECT header FROM custody_entries WHERE index = $1', [index]);
    if (row === undefined) throw new Error(`no entry ${index}`);
    return row.header;
  };
  const changed = (header: Buffer): Buffer => Buffer.from(header.toString('utf8').replace('"signed-out"', '"dock.revoked"'));

  it('finds nothing in a log that nobody touched', async () => {
    const report = await database.fsck();
    expect(report).toEqual<FsckReport>({
      ok: true,
      origin: database.verifier.name,
      entries: BigInt(SIZE),
      checkpoints: report.checkpoints,
      cosignatures: 0,
      signed: BigInt(SIZE),
      cosigned: undefined,
      erased: 0,
      heads: { checked: 0, logged: 0 },
      mirror: undefined,
      originals: undefined,
      found: 0,
      findings: [],
      first: undefined,
    });
    expect(report.checkpoints).toBeGreaterThanOrEqual(2);
  });

  it('finds a header that was changed', async () => {
    const found = await findings(async (run) => {
      const header = changed(await headerOf(run, MIDDLE));
      await run('UPDATE custody_entries SET header = $2 WHERE index = $1', [MIDDLE, header]);
    });
    expect(found).toContainEqual({ where: `entry ${MIDDLE}`, what: 'its header no longer hashes to its leaf hash' });
    expect(found).toContainEqual({ where: 'tile 0/0', what: `differs from the entries, first at entry ${MIDDLE}` });
  });

  it('finds a header that was changed together with its columns and its leaf hash, and whoever links to it', async () => {
    const found = await findings(async (run) => {
      const header = changed(await headerOf(run, MIDDLE));
      const leaf = Buffer.from(leafHash(header));
      await run(`UPDATE custody_entries SET header = $2, leaf_hash = $3, type = 'dock.revoked' WHERE index = $1`, [
        MIDDLE,
        header,
        leaf,
      ]);
    });
    expect(found).toContainEqual({ where: 'tile 0/0', what: `differs from the entries, first at entry ${MIDDLE}` });
    expect(found).toContainEqual({
      where: `entry ${MIDDLE + 3}`,
      what: "it does not link to the previous entry of its subject's chain",
    });
    expect(found).toContainEqual({
      where: `checkpoint ${SIZE}`,
      what: `the first ${SIZE} entries no longer have the root that was signed`,
    });
    expect(places(found)).not.toContain('checkpoint 120');
  });

  it('finds a payload that was changed, and names nothing else', async () => {
    const what = 'its payload is not what its header commits to';
    const id = `(SELECT id FROM custody_entries WHERE index = ${MIDDLE})`;
    const rewritten = canonicalize({ who: { kind: 'system', id: null, name: 'somebody else' }, event: {} });
    for (const payload of [rewritten, '{ "not": canonical', ''])
      expect(await findings((run) => run(`UPDATE custody_payloads SET payload = $1 WHERE entry = ${id}`, [payload]))).toEqual([
        { where: `entry ${MIDDLE}`, what },
      ]);
    const other = await findings((run) => run(`UPDATE custody_payloads SET salt = sha256(salt) WHERE entry = ${id}`, []));
    expect(other).toEqual([{ where: `entry ${MIDDLE}`, what }]);
  });

  it('finds a payload that was deleted, and names nothing else', async () => {
    const found = await findings((run) =>
      run('DELETE FROM custody_payloads WHERE entry = (SELECT id FROM custody_entries WHERE index = $1)', [MIDDLE]),
    );
    expect(found).toEqual([{ where: `entry ${MIDDLE}`, what: 'its payload is missing' }]);
  });

  it('finds an entry that was deleted from the middle', async () => {
    const found = await findings((run) => run('DELETE FROM custody_entries WHERE index = $1', [MIDDLE]));
    expect(found).toContainEqual({ where: `entry ${MIDDLE}`, what: 'is missing' });
  });

  it('finds an entry that was deleted from the middle although the rest was moved up and the state fits again', async () => {
    const found = await findings(async (run) => {
      await run('DELETE FROM custody_entries WHERE index = $1', [MIDDLE]);
      await run('UPDATE custody_entries SET index = index + 1000000 WHERE index > $1', [MIDDLE]);
      await run('UPDATE custody_entries SET index = index - 1000001 WHERE index > 1000000', []);
      await run('UPDATE log_state SET size = size - 1', []);
    });
    expect(found).toContainEqual({ where: 'tile 0/0', what: `differs from the entries, first at entry ${MIDDLE}` });
    expect(places(found)).toContain(`entry ${MIDDLE + 2}`);
    expect(found).toContainEqual({
      where: `checkpoint ${SIZE}`,
      what: `it was signed over ${SIZE} entries, but only ${SIZE - 1} are there`,
    });
  });

  it('finds an entry that was put before the first one, where nobody would look for it', async () => {
    const found = await findings(async (run) => {
      await run('ALTER TABLE custody_entries DROP CONSTRAINT custody_entries_index_check', []);
      await run(
        `INSERT INTO custody_entries (index, id, subject, seq, type, at, actor, header, leaf_hash)
         SELECT -1, gen_random_uuid(), subject, 1000, type, at, actor, header, leaf_hash FROM custody_entries WHERE index = $1`,
        [MIDDLE],
      );
    });
    expect(found).toEqual([{ where: 'entry -1', what: 'lies before the first entry' }]);
  });

  it('finds that the newest entries were deleted, with or without the rest of the state', async () => {
    const cut = (run: Query): Promise<unknown> => run('DELETE FROM custody_entries WHERE index >= $1', [SIZE - 5]);
    const signed = { where: `checkpoint ${SIZE}`, what: `it was signed over ${SIZE} entries, but only ${SIZE - 5} are there` };
    const rough = await findings(cut);
    expect(rough).toContainEqual({ where: 'log_state', what: `it says ${SIZE} entries, but ${SIZE - 5} are there` });
    expect(rough).toContainEqual(signed);

    const careful = await findings(async (run) => {
      await cut(run);
      await run('UPDATE log_state SET size = $1', [SIZE - 5]);
      await run('UPDATE log_tiles SET hashes = substring(hashes FOR $1) WHERE level = 0 AND index = 1', [(SIZE - 5 - 256) * 32]);
    });
    expect(careful).toContainEqual(signed);
    expect(careful).toContainEqual({ where: 'log_state', what: 'its tree state differs from the entries' });
    expect(places(careful)).not.toContain('tile 0/1');
  });

  it('finds two entries that changed places', async () => {
    const other = MIDDLE + 1;
    const found = await findings(async (run) => {
      await run('UPDATE custody_entries SET index = 1000000 WHERE index = $1', [MIDDLE]);
      await run('UPDATE custody_entries SET index = $1 WHERE index = $2', [MIDDLE, other]);
      await run('UPDATE custody_entries SET index = $1 WHERE index = 1000000', [other]);
    });
    expect(found).toContainEqual({ where: 'tile 0/0', what: `differs from the entries, first at entry ${MIDDLE}` });
    expect(places(found)).toContain(`checkpoint ${SIZE}`);
  });

  it.each([
    ['id', `id = gen_random_uuid()`],
    ['subject', `subject = gen_random_uuid()`],
    ['type', `type = 'recording.sealed'`],
    ['at', `at = at + interval '1 millisecond'`],
    ['actor', `actor = gen_random_uuid()`],
  ])('finds that the column %s says something else than the header', async (column, assignment) => {
    const found = await findings((run) => run(`UPDATE custody_entries SET ${assignment} WHERE index = $1`, [MIDDLE]));
    expect(found).toContainEqual({ where: `entry ${MIDDLE}`, what: `its column ${column} differs from its header` });
  });

  it('finds that the column seq says something else than the chain', async () => {
    const found = await findings((run) => run('UPDATE custody_entries SET seq = 9999 WHERE index = $1', [MIDDLE]));
    const turn = Math.floor(MIDDLE / 3);
    expect(found).toContainEqual({
      where: `entry ${MIDDLE}`,
      what: `it is number 9999 of its subject's chain, expected ${turn}`,
    });
  });

  it('finds a header that is none', async () => {
    const found = await findings((run) => run(`UPDATE custody_entries SET header = 'no header' WHERE index = $1`, [MIDDLE]));
    expect(
      found.filter(({ where, what }) => where === `entry ${MIDDLE}` && what.startsWith('its header is malformed')),
    ).toHaveLength(1);
  });

  it('finds a checkpoint whose text or signature was altered', async () => {
    const note = `UPDATE log_checkpoints SET note = replace(note, $1, $2) WHERE size = ${SIZE}`;
    for (const [from, to] of [
      [`\n${SIZE}\n`, `\n${SIZE - 1}\n`],
      ['\u2014 ', '\u2014 x'],
    ])
      expect(places(await findings((run) => run(note, [from, to])))).toEqual([`checkpoint ${SIZE}`]);
  });

  it('finds a checkpoint that another key signed under the same name', async () => {
    const { skey } = generateNoteKey(database.verifier.name);
    const [row] = await database.rows<{ root: Buffer }>('SELECT root FROM log_checkpoints WHERE size = $1', [SIZE]);
    const checkpoint = { origin: database.verifier.name, size: BigInt(SIZE), root: row?.root ?? Buffer.alloc(32) };
    const forged = signCheckpoint(checkpoint, parseSigner(skey));
    const replace = (run: Query): Promise<unknown> => run('UPDATE log_checkpoints SET note = $1 WHERE size = $2', [forged, SIZE]);
    expect(places(await findings(replace))).toEqual([`checkpoint ${SIZE}`]);
  });

  it('finds a tile that was altered, cut, prolonged or deleted, and names the entry', async () => {
    const at = MIDDLE * 32;
    const altered = await findings((run) =>
      run(`UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\x00' FROM $1 FOR 1) WHERE level = 0 AND index = 0`, [at + 1]),
    );
    expect(altered).toEqual([{ where: 'tile 0/0', what: `differs from the entries, first at entry ${MIDDLE}` }]);
    const cut = await findings((run) =>
      run('UPDATE log_tiles SET hashes = substring(hashes FOR length(hashes) - 32) WHERE level = 0 AND index = 1', []),
    );
    expect(cut).toEqual([{ where: 'tile 0/1', what: `differs from the entries, first at entry ${SIZE - 1}` }]);
    const prolonged = await findings((run) =>
      run('UPDATE log_tiles SET hashes = hashes || sha256(hashes) WHERE level = 0 AND index = 1', []),
    );
    expect(prolonged).toEqual([{ where: 'tile 0/1', what: 'goes on beyond the entries' }]);
    const upper = await findings((run) => run('UPDATE log_tiles SET hashes = sha256(hashes) WHERE level = 1', []));
    expect(upper).toEqual([{ where: 'tile 1/0', what: 'differs from the entries, first at its hash 0' }]);
    for (const place of ['0/2', '1/1', '2/0', '0/9223372036854775807']) {
      const [level, index] = place.split('/');
      const extra = await findings((run) =>
        run('INSERT INTO log_tiles SELECT $1, $2, hashes FROM log_tiles LIMIT 1', [level, index]),
      );
      expect(extra).toEqual([{ where: `tile ${place}`, what: 'goes on beyond the entries' }]);
    }
    const gone = await findings((run) => run('DELETE FROM log_tiles WHERE level = 0 AND index = 0', []));
    expect(gone).toEqual([{ where: 'tile 0/0', what: 'is missing' }]);
  });

  it('counts all that it finds, keeps the beginning, and names the first entry that differs', async () => {
    const report = await database.fsckAfter((run) =>
      run('UPDATE custody_entries SET actor = gen_random_uuid() WHERE index >= 20', []),
    );
    expect(report.found).toBe(SIZE - 20);
    expect(report.findings).toHaveLength(100);
    expect(report.first).toEqual({ where: 'entry 20', what: 'its column actor differs from its header' });
    const late = await database.fsckAfter(async (run) => {
      await run('UPDATE log_tiles SET hashes = sha256(hashes) WHERE level = 1', []);
      await run('UPDATE custody_entries SET actor = gen_random_uuid() WHERE index = 299', []);
    });
    expect(late.first?.where).toBe('entry 299');
  });

  it('finds a salt that is none', async () => {
    const id = `(SELECT id FROM custody_entries WHERE index = ${MIDDLE})`;
    const found = await findings(async (run) => {
      await run('ALTER TABLE custody_payloads ALTER salt TYPE bytea', []);
      await run(`UPDATE custody_payloads SET salt = substring(salt FOR 31) WHERE entry = ${id}`, []);
    });
    expect(found).toEqual([{ where: `entry ${MIDDLE}`, what: 'its payload is not what its header commits to' }]);
  });

  it('finds a state that is missing or of another log', async () => {
    expect(places(await findings((run) => run('DELETE FROM log_state', [])))).toEqual(['log_state']);
    const found = await findings((run) => run(`UPDATE log_state SET origin = 'another.example/log'`, []));
    expect(found).toContainEqual({ where: 'entry 0', what: 'its column log differs from its header' });
  });
});
