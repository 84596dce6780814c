import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeZip, openCheckpoint, parseVerifier, verifyBundle } from '#tlog';
import type { CustodyEntryAnswer, RedactionAnswer } from '../../../test/support/answers.js';
import { TestDock } from '../../../test/support/dock.js';
import { eventually } from '../../../test/support/eventually.js';
import type { Answer, HttpClient } from '../../../test/support/http.js';
import { startStack, type Stack } from '../../../test/support/stack.js';
import { clipBytes, variantOf } from '../../../test/e2e/clip-bytes.js';
import { chainOf, entryOn } from '../../../test/e2e/custody-chain.js';
import { asSuperuser } from '../../../test/e2e/superuser.js';

describe('exports of a recording’s custody', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let dock: TestDock;
  let clip: Buffer;
  let recording: string;

  beforeAll(async () => {
    [stack, clip] = await Promise.all([startStack({ TIME_ZONE: 'America/Chicago' }), clipBytes({ seconds: 4 })]);
    auditor = await stack.signIn('auditor');
    dock = await TestDock.enrol(await stack.signIn('administrator'));
    ({ recording } = await dock.upload('stop.mp4', variantOf(clip)));
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  const report = (of = recording, by = auditor): Promise<Answer<unknown>> => by.post(`/api/recordings/${of}/custody-report`);
  const bundle = (of = recording, by = auditor): Promise<Answer<unknown>> => by.post(`/api/recordings/${of}/evidence-bundle`);
  const verify = (answer: Answer<unknown>): ReturnType<typeof verifyBundle> =>
    verifyBundle(decodeZip(answer.expect(200).bytes), { logKey: parseVerifier(stack.logKey) });
  const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

  function headersOf({ headers }: Answer<unknown>): Record<string, string | null> {
    return Object.fromEntries(['content-type', 'content-disposition', 'cache-control'].map((name) => [name, headers.get(name)]));
  }

  it('gives anybody the newest checkpoint and the keys of the log', async () => {
    const [checkpoint, keys] = await Promise.all([
      eventually('a checkpoint is signed', async () => {
        const answer = await stack.anonymous().get('/log/checkpoint');
        return answer.status === 200 ? answer : undefined;
      }),
      stack.anonymous().get('/log/keys'),
    ]);
    expect(openCheckpoint(checkpoint.text, [parseVerifier(stack.logKey)]).size).toBeGreaterThan(0n);
    expect(checkpoint.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(keys.text).toBe(`${stack.logKey}\n`);
  });

  it('lists the entries of a recording in order', async () => {
    const { recording: named, entries } = (
      await auditor.get<{ recording: string; entries: CustodyEntryAnswer[] }>(`/api/recordings/${recording}/custody`)
    ).expect(200).body;
    expect(named).toBe(recording);
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i));
    expect(entries[0]).toMatchObject({
      type: 'recording.announced',
      who: { kind: 'dock', id: dock.id },
      event: { name: 'stop.mp4', camera: 'TEST-CAMERA-1' },
    });
  });

  it('hands out a report as a PDF whose hash is on record, with how far it goes', async () => {
    const before = await chainOf(auditor, recording);
    const answer = (await report()).expect(200);
    expect(headersOf(answer)).toEqual({
      'content-type': 'application/pdf',
      'content-disposition': `attachment; filename="custodiet-${recording}.pdf"`,
      'cache-control': 'no-store',
    });
    expect(answer.bytes.subarray(0, 8).toString()).toBe('%PDF-1.7');
    const entry = await entryOn(
      auditor,
      recording,
      'custody-report.exported',
      (event) => event['sha256'] === sha256(answer.bytes),
    );
    expect(entry.event['throughSeq']).toBeGreaterThanOrEqual(before.length - 1);
    expect(entry.event['throughSeq']).toBeLessThan(entry.seq);
  });

  it('hands out a bundle that verifies under the key of the log and ends with its own export', async () => {
    const answer = await bundle();
    expect(headersOf(answer)).toEqual({
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename="custodiet-${recording}.zip"`,
      'cache-control': 'no-store',
    });
    const verdict = verify(answer);
    expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(verdict).toMatchObject({ ok: true, recording, logKeyPinned: true });
    expect(verdict.complete?.size).toBeGreaterThan(0n);
    const files = decodeZip(answer.bytes);
    expect([...files.keys()].toSorted()).toEqual([
      'README.txt',
      'bundle.json',
      'checkpoint',
      'dock-key.txt',
      'entries.jsonl',
      'heads.jsonl',
      'manifest.note',
      'proofs.jsonl',
      'report.pdf',
    ]);
    const read = (path: string): string => Buffer.from(files.get(path) ?? '').toString('utf8');
    expect(JSON.parse(read('bundle.json'))).toMatchObject({ subjects: [recording, dock.id] });
    expect(read('README.txt')).toContain(stack.logKey);
    const last = (await chainOf(auditor, recording)).findLast(({ type }) => type === 'evidence-bundle.exported');
    expect(last?.event['sha256']).toBe(sha256(files.get('bundle.json') ?? new Uint8Array()));
  });

  it('hands out bundles that all verify when several are asked for at the same moment', async () => {
    const answers = await Promise.all([bundle(), report(), bundle(), bundle()]);
    expect([answers[0], answers[2], answers[3]].map((answer) => answer && verify(answer).ok)).toEqual([true, true, true]);
  }, 30_000);

  it('hands out bundles that leave nothing out while their dock goes on making entries', async () => {
    const refusals = (async () => {
      for (let i = 0; i < 8; i += 1) expect((await dock.announce(`no manifest ${i}`)).status).toBeGreaterThanOrEqual(400);
    })();
    const answers = [await bundle(), await bundle()];
    await refusals;
    for (const verdict of [...answers, await bundle()].map(verify)) {
      expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(verdict.checks.map(({ name }) => name)).toContain('heads');
    }
    expect((await chainOf(auditor, recording)).filter(({ type }) => type === 'log.heads')).toEqual([]);
  }, 30_000);

  it('puts a redacted copy’s original into its bundle, and the copy into that of the original', async () => {
    const custodian = await stack.signIn('custodian');
    const at = { x: 10, y: 10, width: 80, height: 60 };
    const region = {
      shape: 'rectangle',
      keyframes: [
        { atMs: 0, ...at },
        { atMs: 3000, ...at, x: 90 },
      ],
      reason: 'bystander',
    };
    const plan = { v: 1, regions: [region], mutes: [] };
    const ordered = await custodian.post<RedactionAnswer>(`/api/recordings/${recording}/redactions`, {
      plan,
      reason: 'A bystander',
    });
    const { id } = ordered.expect(202).body;
    const look = async (): Promise<string | undefined> => {
      const { state, result, failure } = (await custodian.get<RedactionAnswer>(`/api/redactions/${id}`)).expect(200).body;
      if (state === 'failed') throw new Error(failure ?? 'failed');
      return state === 'rendered' ? (result ?? undefined) : undefined;
    };
    const copy = await eventually('the redaction is rendered', look, { withinMs: 120_000 });
    const [ofCopy, ofOriginal] = [await bundle(copy, custodian), await bundle()];
    for (const answer of [ofCopy, ofOriginal]) expect(verify(answer).checks.filter(({ ok }) => !ok)).toEqual([]);
    const subjects = (answer: Answer<unknown>): unknown =>
      (JSON.parse(Buffer.from(decodeZip(answer.bytes).get('bundle.json') ?? '').toString()) as { subjects: unknown }).subjects;
    expect(subjects(ofCopy)).toEqual([copy, recording, dock.id]);
    expect(subjects(ofOriginal)).toEqual([recording, copy, dock.id]);
    expect([...decodeZip(ofCopy.bytes).keys()]).toContain(`original/${recording}/manifest.note`);
    for (const answer of [ofCopy, ofOriginal]) {
      const kept = decodeZip(answer.bytes).get(`redactions/${id}.v1.plan.json`);
      expect(JSON.parse(Buffer.from(kept ?? '').toString())).toEqual(plan);
      expect(
        createHash('sha256')
          .update(kept ?? '')
          .digest('hex'),
      ).toBe(ordered.body.planSha256);
    }
  }, 150_000);

  it('reports on a recording in quarantine, but makes no bundle of it', async () => {
    const { recording: broken, state } = await dock.upload('broken.mp4', Buffer.from('this is no video at all'));
    expect(state).toBe('quarantined');
    await entryOn(auditor, broken, 'recording.quarantined');
    (await report(broken)).expect(200);
    expect((await bundle(broken)).expect(409).problem().type).toBe('urn:custodiet:not-sealed');
  }, 60_000);

  it('refuses who may not export, and has the attempt on record', async () => {
    const investigator = await stack.signIn('investigator');
    for (const [ask, action] of [
      [report, 'custody-report.export'],
      [bundle, 'evidence-bundle.export'],
    ] as const) {
      (await ask(recording, investigator)).expect(403);
      await entryOn(auditor, recording, 'access.refused', (event) => event['action'] === action);
    }
    expect((await report(recording, stack.anonymous())).status).toBe(401);
  });

  it('makes no bundle while the log is frozen, and leaves nothing behind that waits', async () => {
    await asSuperuser(stack.database, (client) => client.query("INSERT INTO log_freezes (reason) VALUES ('test')"));
    const answer = await bundle();
    const waiting = await asSuperuser(stack.database, (client) => client.query('SELECT FROM custody_pending'));
    await asSuperuser(stack.database, (client) =>
      client.query("INSERT INTO log_freezes (frozen, reason) VALUES (false, 'test')"),
    );
    expect(answer.expect(503).problem().type).toBe('urn:custodiet:log-frozen');
    expect(waiting.rows).toEqual([]);
    expect(verify(await bundle()).ok).toBe(true);
  });

  describe('when a superuser has changed an entry and its hash', () => {
    let tampered: string;
    let entries: number;

    beforeAll(async () => {
      ({ recording: tampered } = await dock.upload('tampered.mp4', variantOf(clip)));
      await eventually(
        'its sealing is in the log',
        async () => (await chainOf(auditor, tampered)).some(({ type }) => type === 'recording.sealed') || undefined,
      );
      await asSuperuser(stack.database, async (client) => {
        const change = `UPDATE custody_entries SET header = changed, leaf_hash = sha256('\\x00'::bytea || changed)
                        FROM (SELECT id AS changed_id, convert_to(replace(convert_from(header, 'UTF8'), '"at":"20', '"at":"19'), 'UTF8') AS changed
                              FROM custody_entries WHERE subject = $1 AND seq = 0) AS c WHERE id = changed_id`;
        await client.query('ALTER TABLE custody_entries DISABLE TRIGGER USER');
        await client.query(change, [tampered]);
        await client.query('ALTER TABLE custody_entries ENABLE ALWAYS TRIGGER custody_entries_rows');
        await client.query('ALTER TABLE custody_entries ENABLE ALWAYS TRIGGER custody_entries_truncate');
        const { rows } = await client.query<{ n: string }>('SELECT count(*) AS n FROM custody_entries WHERE subject = $1', [
          tampered,
        ]);
        entries = Number(rows[0]?.n);
      });
    }, 60_000);

    it('shows no entries, hands out neither report nor bundle, and names the check', async () => {
      for (const answer of [
        await auditor.get(`/api/recordings/${tampered}/custody`),
        await report(tampered),
        await bundle(tampered),
      ]) {
        const problem = answer.expect(500).problem();
        expect(problem).toMatchObject({ type: 'urn:custodiet:log-inconsistent', check: 'chains' });
        expect(problem.detail).toMatch(/^Nothing was handed out: .* does not point to the one before it\./);
      }
    });

    it('puts no export on record that did not take place', async () => {
      const exported = await asSuperuser(stack.database, async (client) =>
        client.query("SELECT 1 FROM custody_entries WHERE subject = $1 AND type LIKE '%.exported'", [tampered]),
      );
      expect(exported.rows).toHaveLength(0);
      expect(entries).toBeGreaterThan(1);
    });

    it('goes on handing out what is whole', async () => {
      expect(verify(await bundle()).ok).toBe(true);
    });
  });
});

describe('exports under a witness policy, from a log that maps its heads every second', () => {
  let folder: string;
  let stack: Stack;
  // Nobody has to cosign: what is said about it here holds for every policy.
  const policy = '# The oversight board has not named a witness yet.\nquorum none\n';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-policy-'));
    await writeFile(join(folder, 'policy.txt'), policy);
    stack = await startStack({ WITNESS_POLICY_FILE: join(folder, 'policy.txt'), HEADS_SECONDS: '1' });
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  it('have the policy in the bundle as it stands in the file, and verify by it', async () => {
    const dock = await TestDock.enrol(await stack.signIn('administrator'));
    const { recording } = await dock.upload('stop.mp4', variantOf(await clipBytes({ seconds: 4 })));
    const auditor = await stack.signIn('auditor');
    const files = decodeZip((await auditor.post(`/api/recordings/${recording}/evidence-bundle`)).expect(200).bytes);
    expect(Buffer.from(files.get('policy.txt') ?? '').toString()).toBe(policy);
    expect(Buffer.from(files.get('README.txt') ?? '').toString()).toContain('--policy');
    const verdict = verifyBundle(files, { logKey: parseVerifier(stack.logKey) });
    expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(verdict.cosigned).toEqual({ pinned: false, by: [] });
    const altered = new Map([...files, ['policy.txt', Buffer.from('quorum none\n')]]);
    expect(verifyBundle(altered, { logKey: parseVerifier(stack.logKey) }).ok).toBe(false);
  }, 120_000);

  it('go on beside the maps that the worker makes by itself', async () => {
    const made = async (): Promise<number> => {
      const own = `SELECT FROM custody_entries e JOIN custody_payloads p ON p.entry = e.id
                   WHERE type = 'log.heads' AND p.payload LIKE '%"name":"heads-schedule"%'`;
      return (await asSuperuser(stack.database, (client) => client.query(own))).rows.length;
    };
    const before = await made();
    await eventually('two more maps are on record', async () => {
      // Something has to happen: a log that does not grow is not mapped again.
      await stack.signIn('auditor');
      return (await made()) >= before + 2;
    });
  });
});
