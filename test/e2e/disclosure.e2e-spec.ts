import { createHash, randomUUID } from 'node:crypto';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { decodeZip, generateNoteKey, verifierOf } from '#tlog';
import type { PersonAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { signIn, type HttpClient } from '../support/http.js';
import { compiled } from '../support/repository.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import type { Ended } from './command-line.js';
import { chainOf, countsOn, entryOn } from './custody-chain.js';
import { disclosed, disclosing, issue, propose, Recipient, settledDisclosure, type DisclosureAnswer } from './disclosing.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { approveAndRelease, muting, orderRedaction, settledRedaction } from './redacting.js';
import { asSuperuser } from './superuser.js';
import { zipPaths, zipped } from './unpacking.js';
import { inSeconds } from './watching.js';

const CLIP = { seconds: 3, width: 320, height: 180, fps: 15 } as const;
/** More than the buffers of a connection take in, so that a fetch is under way until somebody reads. */
const LARGE_BYTES = 48 * 2 ** 20;

describe('a disclosure', () => {
  let stack: Stack;
  let custodian: HttpClient;
  let second: Enrolled;
  let shown: Enrolled;
  let auditor: HttpClient;
  let administrator: HttpClient;
  let dock: TestDock;
  let clip: Buffer;
  let recording: string;
  /** Its worker was killed while it made the package. */
  let interrupted: string;
  let folder: string;

  beforeAll(async () => {
    [stack, clip, folder] = await Promise.all([startStack(), clipBytes(CLIP), mkdtemp(join(tmpdir(), 'custodiet-disclosure-'))]);
    [custodian, auditor, administrator] = await Promise.all([
      stack.signIn('custodian'),
      stack.signIn('auditor'),
      stack.signIn('administrator'),
    ]);
    second = await enrol(administrator, ['custodian']);
    shown = await enrol(administrator, ['custodian', 'officer'], 'D-4711');
    dock = await TestDock.enrol(administrator);
    recording = await held(clip, 'stop.mp4');
    interrupted = await killedWhileMade();
  }, 180_000);
  afterAll(async () => {
    await stack?.stop();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function held(bytes: Buffer, name = 'clip.mp4'): Promise<string> {
    return (await dock.upload(name, bytes, { officer: 'D-4711' })).recording;
  }

  /** Begun first, since it takes the time that a job without a worker is waited for. */
  async function killedWhileMade(): Promise<string> {
    const { id } = await propose(custodian, [recording], { form: 'marked' });
    (await second.http.post(`/api/disclosures/${id}/approve`, {})).expect(200);
    const look = async (): Promise<boolean> =>
      (await auditor.get<DisclosureAnswer>(`/api/disclosures/${id}`)).expect(200).body.state !== 'approved';
    await eventually('the package is begun', look, { everyMs: 20 });
    await stack.kill('worker');
    await stack.restart('worker');
    return id;
  }

  async function ready(
    recordings: readonly string[],
    changes: Readonly<Record<string, unknown>> = {},
  ): Promise<DisclosureAnswer> {
    return disclosed([custodian, second.http], recordings, changes);
  }

  async function recipientOf({ id }: DisclosureAnswer): Promise<Recipient> {
    return Recipient.comeIn(stack.url, await issue(custodian, id));
  }

  /** The verifier alone, in a folder with what the recipient has and nothing else, with no environment but the way to Node. */
  async function verified(cwd: string, ...args: string[]): Promise<Ended> {
    const child = spawn(process.execPath, ['custodiet-verify.mjs', 'package', ...args], {
      cwd,
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, stdout, stderr };
  }

  /** An empty folder with the verifier and the files named. */
  async function emptyFolder(files: Readonly<Record<string, Uint8Array>>): Promise<string> {
    const empty = await mkdtemp(join(folder, 'empty-'));
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(empty, name)), { recursive: true });
      await writeFile(join(empty, name), bytes);
    }
    if (files['custodiet-verify.mjs'] === undefined)
      await cp(compiled('custodiet-verify.mjs'), join(empty, 'custodiet-verify.mjs'));
    return empty;
  }

  describe('is proposed', () => {
    it('by a custodian only, and not by one whose conduct it shows; the refusal is on record', async () => {
      for (const client of [auditor, administrator, await stack.signIn('officer'), await stack.signIn('investigator')])
        (await client.post('/api/disclosures', disclosing([recording]))).expect(403);
      (await stack.anonymous().post('/api/disclosures', disclosing([recording]))).expect(401);
      const own = (await shown.http.post('/api/disclosures', disclosing([recording]))).expect(403).problem();
      expect(own).toMatchObject({ reason: 'subject-of-request' });
      await entryOn(auditor, recording, 'access.refused', ({ action, reason }) => {
        return action === 'disclosure.propose' && reason === 'subject-of-request';
      });
    });

    it('of what is sealed and released, in a form that the policy gives that recipient', async () => {
      const requester = { name: 'R. Requester', organisation: 'The Daily', kind: 'records-requester' };
      const faulty: readonly [Record<string, unknown>, string][] = [
        [disclosing([recording], { recipient: requester }), 'form-not-allowed'],
        [disclosing([], { items: [{ recording, fromMs: 0, toMs: 1000 }] }), 'range-of-unaltered'],
        [disclosing([], { form: 'marked', items: [{ recording, fromMs: 9000, toMs: 9500 }] }), 'range-beyond-end'],
      ];
      for (const [body, fault] of faulty)
        expect((await custodian.post('/api/disclosures', body)).expect(422).problem()).toMatchObject({
          type: 'urn:custodiet:not-releasable',
          faults: [{ recording, fault }],
        });
      (await custodian.post('/api/disclosures', disclosing([randomUUID()]))).expect(422);
      (await custodian.post('/api/disclosures', disclosing([recording], { until: inSeconds(-1) }))).expect(422);
      (await custodian.post('/api/disclosures', disclosing([recording], { until: inSeconds(2 * 366 * 86_400) }))).expect(422);
    });

    it('not with names that turn text round or go on for ever, nor with ranges that are none', async () => {
      const recipient = { name: 'Dana', organisation: 'Defence', kind: 'defence' };
      for (const name of ['\u202egpj.exe', 'a\nb', 'x'.repeat(1000), '   ', '\u0007'])
        (await custodian.post('/api/disclosures', disclosing([recording], { recipient: { ...recipient, name } }))).expect(400);
      for (const items of [
        [],
        [{ recording }, { recording }],
        [{ recording, fromMs: 5 }],
        [{ recording, fromMs: 5, toMs: 5 }],
        [{ recording, fromMs: -1, toMs: 5 }],
        Array.from({ length: 101 }, () => ({ recording: randomUUID() })),
      ])
        (await custodian.post('/api/disclosures', disclosing([], { form: 'marked', items }))).expect(400);
    });

    it('of an original with a released redaction to a records requester only with a reason, and never of a redaction not released', async () => {
      const original = await held(variantOf(clip));
      const redaction = await settledRedaction(custodian, (await orderRedaction(custodian, original, muting(0, 500))).id);
      const asked = {
        recipient: { name: 'R. Requester', organisation: 'The Daily', kind: 'records-requester' },
        form: 'marked',
      };
      const override = { overrideRedaction: { reason: 'The court ordered the whole of it' } };
      const early = await custodian.post('/api/disclosures', disclosing([redaction.result ?? ''], { ...asked, ...override }));
      expect(early.expect(422).problem()).toMatchObject({ faults: [{ fault: 'not-released' }] });
      // Proposed while there was no redacted copy that could be had instead; approved when there is.
      const proposed = await propose(custodian, [original], asked);
      await approveAndRelease(second.http, redaction);
      const late = await second.http.post(`/api/disclosures/${proposed.id}/approve`, {});
      expect(late.expect(422).problem()).toMatchObject({ faults: [{ fault: 'redacted-copy-exists' }] });
      (await custodian.post('/api/disclosures', disclosing([original], asked))).expect(422);
      (await custodian.post('/api/disclosures', disclosing([original], { ...asked, ...override }))).expect(201);
      await entryOn(auditor, original, 'disclosure.proposed', ({ overrideReason }) => {
        return overrideReason === override.overrideRedaction.reason;
      });
      (await custodian.post('/api/disclosures', disclosing([redaction.result ?? ''], asked))).expect(201);
    }, 120_000);
  });

  describe('is decided', () => {
    it('by a second human being who is not in the picture; each refusal is on record', async () => {
      const username = `again-${randomUUID().slice(0, 8)}`;
      const password = randomUUID();
      const again = { username, password, name: 'The same', badge: null, roles: ['custodian'] };
      const proposer = await enrol(administrator, ['custodian']);
      (await administrator.post<PersonAnswer>('/api/people', { ...again, sameAs: proposer.id })).expect(201);
      const { id } = await propose(proposer.http, [recording]);
      const path = `/api/disclosures/${id}/approve`;
      const refused: readonly [HttpClient, string][] = [
        [proposer.http, 'own-disclosure'],
        [await signIn(stack.url, { username, password }), 'own-disclosure'],
        [shown.http, 'subject-of-request'],
        [auditor, 'role'],
      ];
      for (const [client, reason] of refused) {
        expect((await client.post(path, {})).expect(403).problem()).toMatchObject({ reason });
        await entryOn(auditor, recording, 'access.refused', (e) => e['action'] === 'disclosure.decide' && e['reason'] === reason);
      }
      (await second.http.post(`/api/disclosures/${id}/refuse`, {})).expect(400);
      const answer = await second.http.post<DisclosureAnswer>(`/api/disclosures/${id}/refuse`, { reason: 'no court order' });
      expect(answer.expect(200).body.state).toBe('refused');
      (await second.http.post(path, {})).expect(409);
      (await custodian.post(`/api/disclosures/${id}/link`)).expect(409);
      await entryOn(auditor, recording, 'disclosure.refused', (e) => e['disclosure'] === id);
    });

    it('once, also by two at the same moment', async () => {
      const third = await enrol(administrator, ['custodian']);
      const { id } = await propose(custodian, [recording]);
      const answers = await Promise.all([
        second.http.post(`/api/disclosures/${id}/approve`, {}),
        third.http.post(`/api/disclosures/${id}/refuse`, { reason: 'no basis' }),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      (await custodian.post(`/api/disclosures/${id}/revoke`, { reason: 'only a trial' })).expect(200, 409);
    });
  });

  describe('of unaltered originals', () => {
    let other: string;
    let made: DisclosureAnswer;
    let bytes: Buffer;
    let proof: Buffer;

    beforeAll(async () => {
      other = await held(variantOf(clip));
      made = await ready([recording, other], {
        recipient: { name: '../../x <b>Øystein שלום</b>', organisation: '{\\an8}%{localtime}:\\', kind: 'court' },
      });
      const recipient = await recipientOf(made);
      bytes = (await recipient.fetch()).expect(200).bytes;
      proof = (await recipient.get('/api/disclosed/proof')).expect(200).bytes;
    }, 180_000);

    it('is one file with the media byte for byte, whose SHA-256 is on every chain', async () => {
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      expect(made.package).toMatchObject({ sha256, size: bytes.length });
      const paths = zipPaths(bytes);
      expect(paths).toEqual(
        expect.arrayContaining(['README.txt', 'manifest.json', 'manifest.proof.json', 'custodiet-verify.mjs']),
      );
      for (const id of [recording, other]) {
        for (const path of [`media/${id}.mp4`, `bundles/${id}.zip`, `reports/${id}.pdf`]) expect(paths).toContain(path);
        await entryOn(
          auditor,
          id,
          'disclosure.packaged',
          (event) => event['sha256'] === sha256 || event['disclosure'] === made.id,
        );
      }
      expect(paths).toHaveLength(10);
      expect(zipped(bytes, `media/${recording}.mp4`)).toEqual(clip);
      expect(decodeZip(zipped(bytes, `bundles/${recording}.zip`)).get('report.pdf')).toEqual(
        new Uint8Array(zipped(bytes, `reports/${recording}.pdf`)),
      );
      expect(zipped(bytes, 'README.txt').toString('utf8')).toContain('../../x <b>Øystein שלום</b>');
    });

    it('is verified in an empty folder with Node alone, packed and unpacked', async () => {
      const inside = zipped(bytes, 'custodiet-verify.mjs');
      const packed = await emptyFolder({ 'p.zip': bytes, 'p.json': proof, 'custodiet-verify.mjs': inside });
      const whole = await verified(packed, 'p.zip', '--proof', 'p.json', '--log-key', stack.logKey);
      expect(whole).toMatchObject({ code: 0, stdout: expect.stringContaining(`VERIFIED: disclosure ${made.id}, 2 recordings`) });
      expect(whole.stdout).toContain('The log holds the SHA-256 of the whole package');
      const unpacked = await emptyFolder(Object.fromEntries(zipPaths(bytes).map((path) => [path, zipped(bytes, path)])));
      const alone = await verified(unpacked, '.', '--json');
      expect(alone).toMatchObject({ code: 0, stderr: '' });
      expect(JSON.parse(alone.stdout)).toMatchObject({
        ok: true,
        logKeyPinned: false,
        manifest: { disclosure: made.id, form: 'unaltered' },
      });
    });

    it('does not verify when anything in it was touched', async () => {
      const paths = zipPaths(bytes);
      const unpacked = await emptyFolder(Object.fromEntries(paths.map((path) => [path, zipped(bytes, path)])));
      /** The verdict with these files changed, or taken away: which checks of which files failed. */
      const failures = async (names: readonly string[], change: (was: Buffer) => Buffer | undefined): Promise<string[]> => {
        const were = await Promise.all(names.map((name) => readFile(join(unpacked, name)).catch(() => undefined)));
        const put = async (name: string, content: Buffer | undefined): Promise<void> =>
          content === undefined ? rm(join(unpacked, name)) : writeFile(join(unpacked, name), content);
        await Promise.all(names.map((name, i) => put(name, change(were[i] ?? Buffer.alloc(0)))));
        const { code, stdout } = await verified(unpacked, '.', '--json');
        await Promise.all(names.map((name, i) => put(name, were[i])));
        expect(code).toBe(1);
        const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; where?: string }[] };
        return checks.flatMap(({ name, ok, where }) => (ok ? [] : [`${name} ${where}`])).sort();
      };
      const flipped = (was: Buffer): Buffer => {
        const is = Buffer.from(was);
        is[100] = (is[100] ?? 0) ^ 1;
        return is;
      };
      const named = [`media/${other}.mp4`, `bundles/${recording}.zip`, `reports/${other}.pdf`, 'README.txt'];
      const faults = [
        ...named.map((path) => `files ${path}`),
        `recording media/${other}.mp4`,
        `recording media/${recording}.mp4`,
      ];
      for (const change of [flipped, () => undefined]) {
        expect(await failures(named, change)).toEqual([...faults].sort());
        expect(await failures(['manifest.proof.json'], change)).toEqual(['logged manifest.proof.json']);
      }
      expect(await failures(['media/extra.mp4'], () => Buffer.from('x'))).toEqual(['files media/extra.mp4']);
      const renamed = (was: Buffer): Buffer => Buffer.from(was.toString('utf8').replace('Øystein', 'Torstein'));
      expect(await failures(['manifest.json'], renamed)).toEqual(['logged manifest.proof.json']);
      expect((await verified(unpacked, '.')).code).toBe(0);
    }, 120_000);

    it('does not verify as a file that was cut short, added to, or goes with another proof or key', async () => {
      const cut = await emptyFolder({
        'cut.zip': bytes.subarray(0, bytes.length - 100),
        'added.zip': Buffer.concat([bytes, Buffer.from('x')]),
        'p.zip': bytes,
        'p.json': proof,
        'none.zip': Buffer.from('not a zip file at all, only text'),
        'wrong.json': Buffer.from(proof.toString('utf8').replace('"of":"package"', '"of":"manifest"')),
      });
      expect((await verified(cut, 'cut.zip')).code).toBe(1);
      expect((await verified(cut, 'added.zip')).code).toBe(1);
      expect((await verified(cut, 'p.zip', '--proof', 'wrong.json')).code).toBe(1);
      expect((await verified(cut, 'none.zip')).code).toBe(2);
      expect((await verified(cut, 'missing.zip')).code).toBe(2);
      const otherKey = verifierOf(generateNoteKey('elsewhere.test/log').skey).vkey;
      expect((await verified(cut, 'p.zip', '--log-key', otherKey)).code).toBe(1);
    });

    it('is confirmed by the recipient with the SHA-256 of what they have, once', async () => {
      const recipient = await recipientOf(made);
      (await recipient.send('POST', '/api/disclosed/confirm', { sha256: 'a'.repeat(64) })).expect(422);
      const sha256 = made.package?.sha256;
      const first = (await recipient.send('POST', '/api/disclosed/confirm', { sha256 })).expect(200).body;
      expect((await recipient.send('POST', '/api/disclosed/confirm', { sha256 })).expect(200).body).toEqual(first);
      expect((await countsOn(auditor, other))['disclosure.confirmed']).toBe(1);
      const entry = await entryOn(auditor, other, 'disclosure.fetch-ended');
      expect(entry.event).toMatchObject({ complete: true, ranges: [{ first: 0, last: bytes.length - 1 }] });
    });
  });

  describe('of marked copies', () => {
    it('has the recipient in the picture, only the part that was released, and verifies', async () => {
      const made = await ready([], {
        items: [{ recording, fromMs: 500, toMs: 2500 }],
        form: 'marked',
        recipient: { name: "O'Neil: {\\b1}%{pts} \\N ../..", organisation: 'Łódź; drawtext=text=x', kind: 'records-requester' },
      });
      const recipient = await recipientOf(made);
      const bytes = (await recipient.fetch()).expect(200).bytes;
      const copy = zipped(bytes, `media/${recording}.mp4`);
      expect(copy.equals(clip)).toBe(false);
      const path = join(folder, 'marked.mp4');
      await writeFile(path, copy);
      const { stdout } = await promisify(execFile)(process.env['FFPROBE_PATH'] || 'ffprobe', [
        ...['-v', 'error', '-show_entries', 'format=duration:format_tags', '-of', 'json', path],
      ]);
      const { format } = JSON.parse(stdout) as { format: { duration: string; tags?: object } };
      expect(Number(format.duration)).toBeGreaterThan(1.8);
      expect(Number(format.duration)).toBeLessThan(2.3);
      expect(stdout).not.toMatch(/title|location|comment/i);
      const marked = await entryOn(auditor, recording, 'disclosure.marked', (e) => e['disclosure'] === made.id);
      expect(marked.event).toMatchObject({ fromMs: 500, toMs: 2500 });
      const empty = await emptyFolder({ 'p.zip': bytes });
      const { code, stdout: said } = await verified(empty, 'p.zip', '--log-key', stack.logKey);
      expect({ code, said }).toMatchObject({ code: 0 });
      expect(said).toContain('copies with the name of the recipient in the picture');
      for (const unproven of ['What this does not show', 'the word of the agency', 'No witness was asked'])
        expect(said).toContain(unproven);
    }, 180_000);
  });

  describe('is fetched', () => {
    let large: string;
    let one: DisclosureAnswer;
    let two: DisclosureAnswer;
    let long: DisclosureAnswer;

    beforeAll(async () => {
      large = await held(variantOf(clip, LARGE_BYTES), 'long.mp4');
      [one, two, long] = await Promise.all([
        ready([recording], { fetches: 1 }),
        ready([recording], { fetches: 1 }),
        ready([large], { fetches: 3 }),
      ]);
    }, 180_000);

    it('with a link and a code that goes with it, and with neither alone, nor with those of another', async () => {
      const [keys, others] = [await issue(custodian, one.id), await issue(custodian, two.id)];
      const stranger = new Recipient(stack.url);
      for (const wrong of [
        { ...keys, code: others.code === keys.code ? '0' : others.code },
        { ...keys, token: 'a'.repeat(43) },
        { ...keys, code: '1' },
      ])
        expect((await stranger.open(wrong)).expect(401).problem().type).toBe('urn:custodiet:wrong-link-or-code');
      (await stranger.get('/api/disclosed')).expect(401);
      const recipient = await Recipient.comeIn(stack.url, { ...keys, code: `${keys.code.slice(0, 4)} ${keys.code.slice(4)}` });
      expect((await recipient.get('/api/disclosed')).expect(200).body).toMatchObject({
        ...{ disclosure: one.id, agency: 'Test agency', fetchesLeft: 1, sha256: one.package?.sha256 },
      });
      // Their cookie opens this door and no other.
      for (const path of ['/api/recordings', `/api/recordings/${recording}`, '/api/disclosures', `/api/disclosures/${one.id}`])
        (await recipient.get(path)).expect(403);
      // And nobody of the house comes in here.
      for (const client of [custodian, auditor]) (await client.get('/api/disclosed/package')).expect(403);
      await entryOn(auditor, recording, 'disclosure.opened', (event) => event['disclosure'] === one.id);
      // A new link shuts out whoever came in by the one before.
      await issue(custodian, one.id);
      (await recipient.get('/api/disclosed')).expect(401);
      (await stranger.open(keys)).expect(401);
    }, 120_000);

    it('not any more after five wrong codes, many at once included, until there is another link', async () => {
      const { id } = two;
      const keys = await issue(custodian, id);
      const wrong = { ...keys, code: keys.code === '11111111' ? '22222222' : '11111111' };
      const stranger = new Recipient(stack.url);
      const answers = await Promise.all(Array.from({ length: 8 }, () => stranger.open(wrong)));
      expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(401));
      (await stranger.open(keys)).expect(401);
      expect((await auditor.get<DisclosureAnswer>(`/api/disclosures/${id}`)).expect(200).body.linkLocked).toBe(true);
      (await custodian.post(`/api/disclosures/${id}/code`)).expect(409);
      await entryOn(
        auditor,
        recording,
        'access.refused',
        (e) => e['action'] === 'disclosure.open' && e['reason'] === 'wrong-code',
      );
      await entryOn(
        auditor,
        recording,
        'access.refused',
        (e) => e['action'] === 'disclosure.open' && e['reason'] === 'link-locked',
      );
      (await stranger.open(await issue(custodian, id))).expect(200);
    }, 120_000);

    it('in parts that count as one fetch, and again only as often as it was allowed', async () => {
      const made = one;
      const recipient = await recipientOf(made);
      const size = made.package?.size ?? 0;
      (await recipient.send('HEAD', '/api/disclosed/package')).expect(405);
      for (const beyond of [`bytes=${size}-`, 'bytes=5-2', 'bytes=0-1,4-5']) {
        const refused = (await recipient.fetch(beyond)).expect(416);
        expect(refused.headers.get('content-range')).toBe(`bytes */${size}`);
      }
      expect((await recipient.get<{ fetchesLeft: number }>('/api/disclosed')).expect(200).body.fetchesLeft).toBe(1);
      const begin = (await recipient.fetch('bytes=0-999')).expect(206);
      expect(begin.headers.get('content-range')).toBe(`bytes 0-999/${size}`);
      const rest = (await recipient.fetch('bytes=1000-')).expect(206);
      const sha256 = createHash('sha256').update(begin.bytes).update(rest.bytes).digest('hex');
      expect(sha256).toBe(made.package?.sha256);
      const { event } = await entryOn(auditor, recording, 'disclosure.fetch-ended', (e) => e['disclosure'] === made.id);
      expect(event).toMatchObject({ complete: true, ranges: [{ first: 0, last: size - 1 }] });
      for (const range of [undefined, 'bytes=0-'])
        expect((await recipient.fetch(range)).expect(403).problem()).toMatchObject({ reason: 'disclosure-over' });
      // That all was handed over does not say that it arrived: its end may be had once more, on record, and no further copy.
      (await recipient.fetch('bytes=1000-')).expect(206);
      await eventually('both ends of the fetch are on record', async () => {
        const ended = (await chainOf(auditor, recording)).filter(({ type, event }) => {
          return type === 'disclosure.fetch-ended' && event['disclosure'] === made.id;
        });
        return ended.length === 2 && ended[0]?.event['fetch'] === ended[1]?.event['fetch'];
      });
      expect((await auditor.get<DisclosureAnswer>(`/api/disclosures/${made.id}`)).expect(200).body.fetchesBegun).toBe(1);
      for (const range of [undefined, 'bytes=1000-'])
        expect((await recipient.fetch(range)).expect(403).problem()).toMatchObject({ reason: 'disclosure-over' });
      await entryOn(auditor, recording, 'access.refused', (e) => e['action'] === 'disclosure.fetch');
      // Received all the same.
      (await recipient.send('POST', '/api/disclosed/confirm', { sha256 })).expect(200);
    }, 120_000);

    it('by one of two at the same moment when one fetch is left', async () => {
      const made = two;
      const recipient = await recipientOf(made);
      const answers = await Promise.all([recipient.fetch(), recipient.fetch(), recipient.fetch()]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
      const begun = (await countsOn(auditor, recording))['disclosure.fetch-begun'] ?? 0;
      expect(begun).toBeGreaterThan(0);
      const { body } = (await auditor.get<DisclosureAnswer>(`/api/disclosures/${made.id}`)).expect(200);
      expect(body.fetchesBegun).toBe(1);
    }, 120_000);

    it('on with where the connection broke, without a count, also when the API was killed in the middle', async () => {
      const made = long;
      const recipient = await recipientOf(made);
      const answer = await recipient.begin(new AbortController().signal);
      const reader = answer.body?.getReader();
      const first = Buffer.from((await reader?.read())?.value ?? []);
      await stack.kill('api');
      await expect(
        (async () => {
          while (!(await reader?.read())?.done);
        })(),
      ).rejects.toThrow();
      await stack.restart('api');
      const rest = (await recipient.fetch(`bytes=${first.length}-`)).expect(206);
      const sha256 = createHash('sha256').update(first).update(rest.bytes).digest('hex');
      expect(sha256).toBe(made.package?.sha256);
    }, 120_000);

    it('no further by whom a new link shuts out in the middle, and is no idle fetch as long as somebody reads it', async () => {
      const recipient = await recipientOf(long);
      const answer = await recipient.begin(new AbortController().signal);
      const reader = answer.body?.getReader();
      await reader?.read();
      const fetches = async (sql: string): Promise<{ ended: boolean; fresh: boolean }[]> =>
        asSuperuser(stack.database, async (database) => {
          const { rows } = await database.query<{ ended: boolean; fresh: boolean }>(sql, [long.id]);
          return rows;
        });
      const now = "ended_at IS NOT NULL AS ended, last_at > now() - interval '1 minute' AS fresh";
      const newest = '(SELECT id FROM disclosure_fetches WHERE disclosure_id = $1 ORDER BY begun_at DESC LIMIT 1)';
      await fetches(`UPDATE disclosure_fetches SET last_at = last_at - interval '31 minutes' WHERE id = ${newest}`);
      await eventually('it is known to be under way', async () => {
        const [fetch] = await fetches(`SELECT ${now} FROM disclosure_fetches WHERE id = ${newest}`);
        expect(fetch?.ended).toBe(false);
        return fetch?.fresh;
      });
      await issue(custodian, long.id);
      // Before it is read on: the rest would be here sooner than the service asks again.
      await eventually('nothing more is sent', async () => {
        const running = `SELECT true FROM disclosure_sendings WHERE fetch_id = ${newest} AND running AND at > now() - interval '30 s'`;
        return (await fetches(running)).length === 0;
      });
      await expect(
        (async () => {
          while (!(await reader?.read())?.done);
        })(),
      ).rejects.toThrow();
    }, 120_000);

    it('until it is taken back, also in the middle, and what was sent until then is on record', async () => {
      const made = long;
      const recipient = await recipientOf(made);
      const gaveUp = new AbortController();
      const answer = await recipient.begin(gaveUp.signal);
      expect(answer.status).toBe(200);
      const reader = answer.body?.getReader();
      const { value: head } = (await reader?.read()) ?? {};
      let received = head instanceof Uint8Array ? head.length : 0;
      const begun = (await chainOf(auditor, large)).findLast(({ type }) => type === 'disclosure.fetch-begun')?.event['fetch'];
      (await second.http.post(`/api/disclosures/${made.id}/revoke`, { reason: 'sent to the wrong person' })).expect(200);
      const { event } = await entryOn(auditor, large, 'disclosure.fetch-ended', (e) => e['fetch'] === begun);
      const drained = async (): Promise<void> => {
        for (;;) {
          const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
          if (done) return;
          received += value instanceof Uint8Array ? value.length : 0;
        }
      };
      await expect(drained()).rejects.toThrow();
      expect(received).toBeLessThan(made.package?.size ?? 0);
      const [range] = event['ranges'] as { first: number; last: number }[];
      expect(range?.first).toBe(0);
      expect((range?.last ?? 0) + 1).toBeGreaterThanOrEqual(received);
      expect(event['complete']).toBe(false);
      expect((await recipient.fetch()).expect(403).problem()).toMatchObject({ reason: 'disclosure-over' });
      (await recipient.get('/api/disclosed/proof')).expect(403);
      (await second.http.post(`/api/disclosures/${made.id}/link`)).expect(409);
      (await second.http.post(`/api/disclosures/${made.id}/revoke`, { reason: 'again' })).expect(409);
    }, 120_000);
  });

  it('ends when its time is over, by itself', async () => {
    const { id } = await propose(custodian, [recording], { until: inSeconds(2) });
    const look = async (): Promise<boolean> =>
      (await auditor.get<DisclosureAnswer>(`/api/disclosures/${id}`)).expect(200).body.state === 'expired';
    await eventually('the disclosure has expired', look);
    await entryOn(auditor, recording, 'disclosure.expired', (event) => event['disclosure'] === id);
    (await second.http.post(`/api/disclosures/${id}/approve`, {})).expect(409, 422);
  });

  it('has one package, although the worker was killed while it was made', async () => {
    const id = interrupted;
    const settled = await settledDisclosure(auditor, id);
    expect(settled.state).toBe('ready');
    const answer = await auditor.get<{ disclosures: DisclosureAnswer[]; next: string | null }>(
      '/api/disclosures?limit=1&state=ready',
    );
    expect(answer.expect(200).body).toMatchObject({ disclosures: [{ state: 'ready' }], next: expect.any(String) });
    const packaged = (
      await auditor.get<{ entries: { type: string; event: Record<string, unknown> }[] }>(`/api/recordings/${recording}/custody`)
    )
      .expect(200)
      .body.entries.filter((e) => e.type === 'disclosure.packaged' && e.event['disclosure'] === id);
    expect(packaged).toHaveLength(1);
  }, 180_000);
});
