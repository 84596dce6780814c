import { randomUUID } from 'node:crypto';
import { DataSource } from 'typeorm';
import { Custody, Erasure, type Attribution, type ErasedPayloads } from '#custody';
import { Clock, UnitOfWork } from '#platform';
import { decodeZip, parseVerifier, verifyBundle, verifyReceipt, type BundleVerdict } from '#tlog';
import type { CustodyEntryAnswer } from '../../../test/support/answers.js';
import { TestDock } from '../../../test/support/dock.js';
import type { Answer, HttpClient } from '../../../test/support/http.js';
import { startStack, type Stack } from '../../../test/support/stack.js';
import { clipBytes, variantOf } from '../../../test/e2e/clip-bytes.js';
import { entryOn } from '../../../test/e2e/custody-chain.js';
import { asSuperuser } from '../../../test/e2e/superuser.js';

type EntryView = Omit<CustodyEntryAnswer, 'event'> & {
  readonly sha256: string | null;
  readonly who: { readonly name: string } | null;
  readonly event: CustodyEntryAnswer['event'] | null;
  readonly erased: { readonly index: string; readonly at: string } | null;
};

const BY: Attribution = { kind: 'person', id: randomUUID(), name: 'Grace Hopper', roles: ['custodian'] };

describe('a recording whose payloads were erased', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let dock: TestDock;
  let dataSource: DataSource;
  let recording: string;
  let sha256: string;
  let before: readonly EntryView[];
  let receiptBefore: string;
  let erased: ErasedPayloads;
  const marker = `marker-${randomUUID()}`;

  beforeAll(async () => {
    const [started, clip] = await Promise.all([startStack(), clipBytes({ seconds: 4 })]);
    stack = started;
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(await stack.signIn('administrator'));
    dataSource = new DataSource({ type: 'postgres', url: stack.database.urls.DATABASE_URL });
    await dataSource.initialize();
    const file = variantOf(clip);
    ({ recording } = await dock.upload('stop.mp4', file));
    sha256 = dock.describe('stop.mp4', file).sha256;
    const investigator = await stack.signIn('investigator');
    const asked = await investigator.send('POST', `/api/recordings/${recording}/evidence-bundle`, {
      headers: { 'user-agent': marker },
    });
    asked.expect(403);
    await entryOn(auditor, recording, 'access.refused');
    expect(await tablesWith(marker)).toEqual(['custody_payloads']);
    before = await entries();
    receiptBefore = await receipt();
    erased = await erase(recording);
  }, 180_000);

  afterAll(async () => {
    await dataSource?.destroy();
    await stack?.stop();
  }, 60_000);

  const erase = (subject: string): Promise<ErasedPayloads> =>
    new UnitOfWork(dataSource).run((tx) => new Erasure(new Custody(new Clock())).erase(tx, subject, 'Order 12', BY));
  const entries = async (): Promise<readonly EntryView[]> =>
    (await auditor.get<{ entries: EntryView[] }>(`/api/recordings/${recording}/custody`)).expect(200).body.entries;
  const receipt = async (): Promise<string> =>
    (await dock.http.get(`/api/docking/recordings/${recording}/receipt`)).expect(200).text;
  const bundle = (): Promise<Answer<unknown>> => auditor.post(`/api/recordings/${recording}/evidence-bundle`);
  const verdictOn = (answer: Answer<unknown>): BundleVerdict =>
    verifyBundle(decodeZip(answer.expect(200).bytes), { logKey: parseVerifier(stack.logKey) });
  /** Names of the tables in which the text is to be found. */
  const tablesWith = (text: string): Promise<string[]> =>
    asSuperuser(stack.database, async (db) => {
      const { rows: tables } = await db.query<{ name: string }>(
        `SELECT table_schema || '.' || quote_ident(table_name) AS name FROM information_schema.tables
         WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`,
      );
      const found: string[] = [];
      for (const { name } of tables) {
        const { rowCount } = await db.query(`SELECT FROM ${name} AS t WHERE strpos(t::text, $1) > 0`, [text]);
        if ((rowCount ?? 0) > 0) found.push(name.replace('public.', ''));
      }
      return found;
    });

  it('shows its entries at once, with what is public of them and which entry says that the rest is erased', async () => {
    const now = await entries();
    const last = now.find(({ type }) => type === 'payload.erased');
    expect(erased.entries.length).toBeGreaterThanOrEqual(before.length);
    expect(last).toMatchObject({
      who: { name: 'Grace Hopper' },
      event: { entries: erased.entries, reason: 'Order 12' },
      erased: null,
    });
    before.forEach(({ index, seq, type, at, actor, sha256: digest }, i) =>
      expect(now[i]).toMatchObject({
        ...{ index, seq, type, at, actor, sha256: digest, who: null, event: null },
        erased: { index: last?.index, at: last?.at },
      }),
    );
    expect(now.find(({ type }) => type === 'recording.sealed')?.sha256).toBe(sha256);
  });

  it('has nothing left of what was in them in any table', async () => {
    expect(await tablesWith(marker)).toEqual([]);
  });

  it('still has a receipt that verifies, also one that was given before', async () => {
    const sealed = BigInt(before.find(({ type }) => type === 'recording.sealed')?.index ?? -1);
    for (const text of [receiptBefore, await receipt()])
      expect(verifyReceipt(text, { logKey: parseVerifier(stack.logKey), sha256, recording }).index).toBe(sealed);
  });

  it('still has a custody report', async () => {
    const report = (await auditor.post(`/api/recordings/${recording}/custody-report`)).expect(200);
    expect(report.bytes.subarray(0, 5).toString()).toBe('%PDF-');
    await entryOn(auditor, recording, 'payload.erased');
  });

  it('still has an evidence bundle that verifies, and says which payloads are erased and since when', async () => {
    const verdict = verdictOn(await bundle());
    expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
    const at = (await entries()).find(({ type }) => type === 'payload.erased')?.at;
    expect(verdict.erased.map(({ entry }) => entry)).toEqual(erased.entries);
    for (const payload of verdict.erased) expect(payload).toMatchObject({ by: erased.erasure, at });
  });

  it('has bundles that verify when what its dock did is erased too, and when it is erased again', async () => {
    const ofDock = await erase(dock.id);
    const again = await erase(recording);
    expect(again.entries).not.toEqual(expect.arrayContaining([...erased.entries]));
    const verdict = verdictOn(await bundle());
    expect(verdict.ok).toBe(true);
    expect(verdict.erased.map(({ entry }) => entry).toSorted()).toEqual(
      [...erased.entries, ...again.entries, ...ofDock.entries].toSorted(),
    );
  });

  it('is not shown, reported on or handed out when a superuser has destroyed one more payload than the log says', async () => {
    await bundle();
    await asSuperuser(stack.database, async (db) => {
      await db.query('ALTER TABLE custody_payloads DISABLE TRIGGER custody_payloads_erase');
      await db.query(
        `DELETE FROM custody_payloads WHERE entry = (SELECT id FROM custody_entries WHERE subject = $1 AND type <> 'payload.erased'
           AND id IN (SELECT entry FROM custody_payloads) ORDER BY seq LIMIT 1)`,
        [recording],
      );
      await db.query('ALTER TABLE custody_payloads ENABLE ALWAYS TRIGGER custody_payloads_erase');
    });
    for (const answer of [
      await auditor.get(`/api/recordings/${recording}/custody`),
      await auditor.post(`/api/recordings/${recording}/custody-report`),
      await bundle(),
    ])
      expect(answer.expect(500).problem()).toMatchObject({ type: 'urn:custodiet:log-inconsistent', check: 'payloads' });
  });
});
