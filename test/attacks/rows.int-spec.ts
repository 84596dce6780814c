import { randomUUID } from 'node:crypto';
import type { Query, Sequencer } from '#custody';
import { cosign, generateNoteKey, generateWitnessKey, parseCosigner, parseSigner, signCheckpoint, type EntryHeader } from '#tlog';
import { attack } from './attack.js';
import { AttackedLog, type FsckAnswer } from './attacked-log.js';
import { forgeHistory } from './forger.js';
import { VerifierCommand } from './verifier-command.js';
import { WholeDatabase } from './whole-database.js';

const SIZE = 300;
const MIDDLE = 137;
type Tampering = (run: Query) => Promise<unknown>;

/** What the superuser of the database does to rows; three subjects in turn, so that the chain of `MIDDLE` goes on at `MIDDLE` + 3. */
describe("attacks on the database's rows", () => {
  let verifier: VerifierCommand;
  let log: AttackedLog;
  let intact: WholeDatabase;
  const subjects = [randomUUID(), randomUUID(), randomUUID()];
  const running: Sequencer[] = [];

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
    log = await AttackedLog.create(verifier);
    const sequencer = log.database.start();
    await log.grow(120, subjects);
    await log.grow(SIZE - 120, subjects);
    await log.database.stop(sequencer);
    await log.expectWhole();
    intact = await WholeDatabase.of(log.database);
  }, 120_000);
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => log.database.stop(each)));
    await intact.putBack();
  });
  afterAll(async () => {
    await log?.close();
    await verifier?.close();
  });

  const fsckAfter = async (work: Tampering): Promise<FsckAnswer> => {
    await log.database.tamper(work);
    const answer = await log.fsck();
    expect(answer.code).toBe(1);
    return answer;
  };
  const forged =
    (change: (entries: EntryHeader[]) => EntryHeader[]): Tampering =>
    (run) =>
      forgeHistory(run, change);
  const verifyLog = (): ReturnType<AttackedLog['verifyLog']> => log.verifyLog(['--log-key', log.database.verifier.vkey]);
  /** Why a sequencer that is started now freezes the log. */
  const frozen = (): Promise<string> => {
    const sequencer = log.database.start();
    running.push(sequencer);
    return log.database.untilFrozen(sequencer);
  };
  const idAt = (index: number): string => `(SELECT id FROM custody_entries WHERE index = ${index})`;

  it('go unnoticed by nobody because nothing is wrong before them', async () => {
    await log.expectWhole();
    expect(await verifyLog()).toMatchObject({ code: 0, err: '' });
  });

  attack('rows of the log edited, deleted, inserted, swapped or reordered', () => {
    const at = (index: number, by: number): string => `UPDATE custody_entries SET index = index + ${by} WHERE index = ${index}`;

    it.each<readonly [string, Tampering]>([
      [
        'edited',
        (run) =>
          run(
            `UPDATE custody_entries SET header = replace(convert_from(header, 'UTF8'), 'signed-out', 'signed-off')::bytea WHERE index = ${MIDDLE}`,
            [],
          ),
      ],
      [
        'edited in a column only',
        (run) => run(`UPDATE custody_entries SET actor = gen_random_uuid() WHERE index = ${MIDDLE}`, []),
      ],
      ['deleted', (run) => run(`DELETE FROM custody_entries WHERE index = ${MIDDLE}`, [])],
      [
        'inserted',
        async (run) => {
          await run(`UPDATE custody_entries SET index = index + 1000001 WHERE index >= ${MIDDLE}`, []);
          await run(`UPDATE custody_entries SET index = index - 1000000 WHERE index >= 1000000`, []);
          await run(
            `INSERT INTO custody_entries SELECT ${MIDDLE}, gen_random_uuid(), gen_random_uuid(), 0, type, at, actor, header, leaf_hash
             FROM custody_entries WHERE index = 0`,
            [],
          );
        },
      ],
      [
        'swapped',
        async (run) => {
          for (const sql of [at(MIDDLE, 1_000_000), at(MIDDLE + 1, -1), at(MIDDLE + 1_000_000, -999_999)]) await run(sql, []);
        },
      ],
      [
        'reordered',
        async (run) => {
          await run(`UPDATE custody_entries SET index = 1000000 - index WHERE index >= ${MIDDLE}`, []);
          await run(`UPDATE custody_entries SET index = index - 1000000 + ${SIZE - 1} + ${MIDDLE} WHERE index >= 100000`, []);
        },
      ],
    ])('(%s, and nothing else) is found by fsck, which names the first of them', async (_, work) => {
      const { first } = await fsckAfter(work);
      expect(`${first?.where}: ${first?.what}`).toMatch(new RegExp(`\\bentry ${MIDDLE}\\b`));
    });

    it.each<readonly [string, (entries: EntryHeader[]) => EntryHeader[]]>([
      ['edited', (all) => all.map((entry, i) => (i === MIDDLE ? { ...entry, actor: randomUUID() } : entry))],
      ['deleted', (all) => all.filter((_, i) => i !== MIDDLE)],
      ['inserted', (all) => [...all.slice(0, MIDDLE), { ...all[0]!, id: randomUUID() }, ...all.slice(MIDDLE)]],
      ['swapped', (all) => all.map((entry, i) => (i === MIDDLE ? all[i + 1]! : i === MIDDLE + 1 ? all[i - 1]! : entry))],
      ['reordered', (all) => [...all.slice(0, MIDDLE), ...all.slice(MIDDLE).reverse()]],
    ])(
      '(%s, with every hash, chain, tile and state made anew) is found by fsck, by whoever reads the log, and freezes it',
      async (_, change) => {
        const { findings } = await fsckAfter(forged(change));
        const places = findings.map(({ where }) => where);
        expect(places).toContain(`checkpoint ${SIZE}`);
        expect(places).not.toContain('checkpoint 120');
        expect(places.some((where) => where.startsWith(`mirror checkpoint/`))).toBe(true);
        expect(await verifyLog()).toMatchObject({ code: 1 });
        expect(await frozen()).toMatch(/^the (log has|first) /);
      },
    );

    it('(and signed again with a key of the forger) is found by fsck with the key of the log, and freezes it', async () => {
      const { skey, vkey } = generateNoteKey(log.database.verifier.name);
      await log.database.tamper(async (run) => {
        await forgeHistory(run, (all) => all.map((entry, i) => (i === MIDDLE ? { ...entry, actor: randomUUID() } : entry)));
        const [state] = await run<{ peaks: Buffer }>('SELECT peaks FROM log_state', []);
        await run('DELETE FROM log_checkpoints WHERE size > 120', []);
        const root = Buffer.alloc(32, state?.peaks);
        const note = signCheckpoint({ origin: log.database.verifier.name, size: BigInt(SIZE), root }, parseSigner(skey));
        await run('INSERT INTO log_checkpoints (size, root, note, signed_at) VALUES ($1, $2, $3, now())', [SIZE, root, note]);
        await run('INSERT INTO log_keys (vkey) VALUES ($1)', [vkey]);
      });
      const { code, findings } = await log.fsck();
      expect(code).toBe(1);
      expect(findings).toContainEqual({ where: `checkpoint ${SIZE}`, what: expect.stringContaining('signature') });
      expect(await frozen()).toMatch(/^the checkpoint of 300 entries is not ours/);
      await log.expectNothingMoves();
    });
  });

  attack("the end of a subject's chain deleted from the log, and everything after it moved up", () => {
    it('is found by fsck, by whoever reads the log, and freezes it', async () => {
      const { findings } = await fsckAfter(
        forged((all) => {
          const last = all.findLastIndex(({ subject }) => subject === subjects[0]);
          return all.filter((_, i) => i !== last && i !== last - 3);
        }),
      );
      expect(findings).toContainEqual({
        where: `checkpoint ${SIZE}`,
        what: `it was signed over ${SIZE} entries, but only ${SIZE - 2} are there`,
      });
      expect(await verifyLog()).toMatchObject({ code: 1 });
      expect(await frozen()).toBe(`the log has ${SIZE - 2} entries, but ${SIZE} were signed`);
    });
  });

  attack('a payload swapped under its commitment', () => {
    it('is found by fsck, which names both entries', async () => {
      const { findings } = await fsckAfter(async (run) => {
        await run(`UPDATE custody_payloads SET entry = '${randomUUID()}' WHERE entry = ${idAt(MIDDLE)}`, []);
        await run(`UPDATE custody_payloads SET entry = ${idAt(MIDDLE)} WHERE entry = ${idAt(MIDDLE + 1)}`, []);
        await run(
          `UPDATE custody_payloads SET entry = ${idAt(MIDDLE + 1)} WHERE entry NOT IN (SELECT id FROM custody_entries)`,
          [],
        );
      });
      const what = 'its payload is not what its header commits to';
      expect(findings).toEqual([
        { where: `entry ${MIDDLE}`, what },
        { where: `entry ${MIDDLE + 1}`, what },
      ]);
    });

    it('is found by fsck also when only the salt is another', async () => {
      const { findings } = await fsckAfter((run) =>
        run(`UPDATE custody_payloads SET salt = sha256(salt) WHERE entry = ${idAt(MIDDLE)}`, []),
      );
      expect(findings).toEqual([{ where: `entry ${MIDDLE}`, what: 'its payload is not what its header commits to' }]);
    });
  });

  attack('a payload destroyed without saying so', () => {
    it('is found by fsck, which names the entry', async () => {
      const { findings } = await fsckAfter((run) => run(`DELETE FROM custody_payloads WHERE entry = ${idAt(MIDDLE)}`, []));
      expect(findings).toEqual([{ where: `entry ${MIDDLE}`, what: 'its payload is missing' }]);
    });
  });

  attack('a hash tile altered, cut, prolonged or deleted', () => {
    it.each<readonly [string, string, string]>([
      [
        'altered',
        `UPDATE log_tiles SET hashes = overlay(hashes PLACING '\\x00' FROM ${MIDDLE * 32 + 1} FOR 1) WHERE level = 0 AND index = 0`,
        'tile 0/0',
      ],
      ['altered above', 'UPDATE log_tiles SET hashes = sha256(hashes) WHERE level = 1', 'tile 1/0'],
      [
        'cut',
        'UPDATE log_tiles SET hashes = substring(hashes FOR length(hashes) - 32) WHERE level = 0 AND index = 1',
        'tile 0/1',
      ],
      ['prolonged', 'UPDATE log_tiles SET hashes = hashes || sha256(hashes) WHERE level = 0 AND index = 1', 'tile 0/1'],
      ['deleted', 'DELETE FROM log_tiles WHERE level = 0 AND index = 0', 'tile 0/0'],
    ])('(%s) is found by fsck, which names the tile', async (_, sql, where) => {
      const { findings } = await fsckAfter((run) => run(sql, []));
      expect([...new Set(findings.map((finding) => finding.where))]).toEqual([where]);
    });

    it('(altered or deleted) is found by whoever reads the log, and nothing is signed over it', async () => {
      await log.database.tamper((run) => run(`UPDATE log_tiles SET hashes = sha256(hashes) WHERE level = 1`, []));
      expect(await verifyLog()).toMatchObject({ code: 1 });
      expect(await frozen()).toBe(`the first ${SIZE} entries no longer have the root that was signed`);
    });
  });

  attack('a checkpoint or a cosignature in the database altered, made up or signed with another key', () => {
    const origin = (): string => log.database.verifier.name;
    const replace =
      (note: string): Tampering =>
      (run) =>
        run('UPDATE log_checkpoints SET note = $1 WHERE size = $2', [note, SIZE]);

    it.each<readonly [string, () => Tampering]>([
      [
        'altered',
        () => (run) => run(`UPDATE log_checkpoints SET note = replace(note, E'\\n300\\n', E'\\n299\\n') WHERE size = 300`, []),
      ],
      [
        'signed with another key',
        () =>
          replace(
            signCheckpoint({ origin: origin(), size: 300n, root: Buffer.alloc(32) }, parseSigner(generateNoteKey(origin()).skey)),
          ),
      ],
      [
        'signed with the right key over another tree',
        () =>
          replace(signCheckpoint({ origin: origin(), size: 300n, root: Buffer.alloc(32) }, parseSigner(log.database.signingKey))),
      ],
    ])('(%s) is found by fsck, and freezes the log', async (_, work) => {
      const { findings } = await fsckAfter(work());
      expect(new Set(findings.map(({ where }) => where))).toEqual(new Set([`checkpoint ${SIZE}`]));
      expect(await frozen()).toMatch(/is not ours|no longer have the root/);
    });

    it('(a cosignature of another tree) is found by fsck', async () => {
      const { skey, vkey } = generateWitnessKey('board.test/witness');
      const other = signCheckpoint(
        { origin: origin(), size: 300n, root: Buffer.alloc(32) },
        parseSigner(log.database.signingKey),
      );
      const line = cosign(other, parseCosigner(skey), new Date());
      const { findings } = await fsckAfter((run) =>
        run('INSERT INTO log_cosignatures (size, witness, line, at) VALUES ($1, $2, $3, now())', [SIZE, vkey, line]),
      );
      expect(findings).toHaveLength(1);
      expect(findings[0]?.where).toContain(`${SIZE}`);
    });
  });
});
