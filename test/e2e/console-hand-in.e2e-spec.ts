import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseVerifier, verifyReceipt } from '#tlog';
import type { RecordingAnswer } from '../support/answers.js';
import { startBrowser, type Looks, type TestBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { accountOf, startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { ConsoleWindow } from './console-window.js';
import { entryOn } from './custody-chain.js';

const MIB = 2 ** 20;
const PARTS = /\/parts\/\d+$/;
const PART_SENT = /^PUT .*\/parts\/\d+$/;
const CUSTODIAN = 'custodian';
/** The file system's time of every file here. */
const LAST_MODIFIED = new Date('2026-07-04T09:15:30.250Z');

describe('the console, in a browser', () => {
  let stack: Stack;
  let browser: TestBrowser;
  let folder: string;
  let clip: Buffer;
  let auditor: HttpClient;

  beforeAll(async () => {
    [stack, browser, folder, clip] = await Promise.all([
      startStack({ PART_SIZE_MIB: '5' }),
      startBrowser(),
      mkdtemp(join(tmpdir(), 'custodiet-hand-in-')),
      clipBytes({ seconds: 2 }),
    ]);
    auditor = await stack.signIn('auditor');
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  async function fileOf(name: string, bytes: Buffer): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, bytes);
    await utimes(path, LAST_MODIFIED, LAST_MODIFIED);
    return path;
  }

  /** A window in which the custodian is signed in. */
  async function signedIn(looks?: Looks, role = CUSTODIAN): Promise<ConsoleWindow> {
    const it = new ConsoleWindow(await browser.open(looks), stack.url);
    await it.signIn(accountOf(stack.seedAccounts, role));
    return it;
  }

  describe('as files', () => {
    it('is one page at every address that is not the service’s', async () => {
      const anonymous = stack.anonymous();
      for (const path of ['/', '/hand-in', '/cases/7?tab=1'])
        expect((await anonymous.get(path, { accept: 'text/html,*/*;q=0.8' })).expect(200).text).toMatch(/^<!doctype html>/);
      for (const path of [
        '/api/nothing',
        '/log/nothing',
        '/health/nothing',
        '/assets/nothing.js',
        '/assets/..%2f..%2fpackage.json',
      ])
        (await anonymous.get(path, { accept: 'text/html' })).expect(404, 400).problem();
      expect((await anonymous.get('/hand-in', { accept: 'application/json' })).expect(404).problem().type).toMatch(/not-found$/);
      (await anonymous.send('POST', '/', { json: {} })).expect(404).problem();
    });

    it('lets nothing in but what the service itself serves', async () => {
      const { headers, text } = (await stack.anonymous().get('/')).expect(200);
      const policy = headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*/);
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\bon[a-z]+=|https?:/);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
    });

    it('keeps what never changes and asks anew for what may', async () => {
      const anonymous = stack.anonymous();
      const page = (await anonymous.get('/')).expect(200);
      expect(page.headers.get('cache-control')).toBe('no-cache');
      (await anonymous.get('/', { 'if-none-match': page.headers.get('etag') ?? '' })).expect(304);
      const script = /src="(\/assets\/[^"]+\.js)"/.exec(page.text)?.[1] ?? '';
      const asset = (await anonymous.get(script, { 'accept-encoding': 'gzip' })).expect(200);
      expect(asset.headers.get('cache-control')).toMatch(/immutable/);
      expect(asset.headers.get('content-encoding')).toBe('gzip');
      const plain = (await anonymous.get(script, { 'accept-encoding': 'identity' })).expect(200);
      expect(plain.headers.get('content-encoding')).toBeNull();
      expect(plain.bytes).toEqual(asset.bytes);
    });
  });

  it('says in the service’s words why somebody cannot sign in, and what a role is not for', async () => {
    const it = new ConsoleWindow(await browser.open(), stack.url);
    await it.page.goto(stack.url);
    await it.fillSignIn({ username: CUSTODIAN, password: 'wrong' });
    await it.page
      .getByRole('alert')
      .getByText(/password|sign/i)
      .waitFor();
    await it.fillSignIn(accountOf(stack.seedAccounts, 'auditor'));
    await it.page.getByText('Nothing to do here for your role').waitFor();
    expect(await it.page.getByRole('button', { name: 'Choose files' }).count()).toBe(0);
    await it.page.getByRole('button', { name: 'Sign out' }).click();
    await it.page.getByLabel('User name').waitFor();
    await it.window.context.close();
  });

  it('hands in a file although the network fails in the middle of it, and gives a receipt that verifies', async () => {
    const it = await signedIn({ timeZone: 'Europe/Berlin' });
    const bytes = variantOf(clip, 28 * MIB);
    const path = await fileOf('street.mp4', bytes);
    const { promise: offline, resolve: wentOffline } = Promise.withResolvers<void>();
    const faults = new Map([
      [2, 'lost'],
      [3, 'busy'],
      [5, 'offline'],
    ]);
    await it.page.route(PARTS, async (route) => {
      const part = Number(/\d+$/.exec(route.request().url())?.[0]);
      const fault = faults.get(part);
      faults.delete(part);
      if (fault === undefined) return route.continue();
      if (fault === 'busy') return route.fulfill({ status: 503, headers: { 'retry-after': '1' }, body: 'no problem document' });
      if (fault === 'offline') {
        await it.window.context.setOffline(true);
        wentOffline();
      }
      return route.abort('connectionreset');
    });

    await it.page.getByLabel('It comes from').selectOption('partner-agency');
    await it.page.getByLabel('Note').fill('By courier.');
    await it.choose(path);
    await it.page.getByText('Europe/Berlin, UTC+02:00').waitFor();
    expect(await it.page.getByLabel('Recorded at').inputValue()).toBe('2026-07-04T11:15:30');
    await it.page.getByLabel('Device').fill('Canon XA50');
    await it.page.getByLabel('From whom').fill('Harbour Police');
    await it.page.getByRole('button', { name: 'Hand in' }).click();

    const card = it.card('street.mp4');
    await offline;
    await it.shows(card, /The service cannot be reached\. Trying again/);
    await it.window.context.setOffline(false);
    await it.shows(card, 'Sealed');
    expect(faults.size).toBe(0);

    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const facts = await it.facts(card);
    expect(facts.sha256).toBe(sha256);
    const { name, text } = await it.receipt(card);
    expect(name).toBe('street.mp4.receipt.json');
    const receipt = verifyReceipt(text, { logKey: parseVerifier(stack.logKey), sha256, recording: facts.recording });
    expect(receipt.index).toBeGreaterThan(0n);

    const sealed = (await auditor.get<RecordingAnswer>(`/api/recordings/${facts.recording}`)).expect(200).body;
    expect(sealed).toMatchObject({ state: 'sealed', origin: 'handed-in', sha256, size: bytes.length, camera: null });
    expect((await entryOn(auditor, facts.recording, 'recording.handed-in')).event).toMatchObject({
      source: 'partner-agency',
      from: 'Harbour Police',
      note: 'By courier.',
      device: 'Canon XA50',
      recordedAt: LAST_MODIFIED.toISOString(),
    });
    // The state came by itself: it was not asked for.
    expect(it.asked(/^GET .*\/events$/)).toHaveLength(1);
    expect(it.asked(new RegExp(`^GET .*/${facts.recording}$`))).toEqual([]);
    await it.window.context.close();
  }, 180_000);

  it('says why a file is quarantined and which are here already, also where the service’s events do not get through', async () => {
    const it = await signedIn();
    // The first are refused; the others are kept back without a word, as by a proxy that collects an answer before it passes it on.
    let streams = 0;
    await it.page.route(/\/events$/, (route) => (++streams === 1 ? route.abort() : undefined));
    const bytes = variantOf(clip);
    const good = await fileOf('good.mp4', bytes);
    const copy = await fileOf('copy.mp4', bytes);
    const empty = await fileOf('empty.mp4', Buffer.alloc(0));
    await it.drop('broken.mp4', 50_000);
    await it.drop('unwanted.mp4', 1);
    await it.page.getByRole('button', { name: 'Take unwanted.mp4 out' }).click();
    await it.choose(good, copy);
    await it.handIn(good, empty);
    await it.shows(it.card('good.mp4'), 'Sealed');
    await it.shows(it.card('copy.mp4'), 'This is the same file as good.mp4, which is in this list already.');
    for (const name of ['broken.mp4', 'empty.mp4']) {
      await it.shows(it.card(name), 'Quarantined');
      await it.shows(it.card(name), /[A-Z].{10,}\. The file is kept, cannot be played, and stays visible\./);
    }
    // Chosen twice it was one, and taken out it was none.
    expect(await it.page.getByRole('region', { name: 'Handed in now' }).getByRole('article').count()).toBe(4);
    expect(it.asked(/^GET .*\/recordings\/[0-9a-f-]{36}$/).length).toBeGreaterThan(0);

    const again = await signedIn();
    await again.handIn(copy);
    await again.shows(again.card('copy.mp4'), 'Here already');
    await again.shows(again.card('copy.mp4'), /received before, as recording/);
    expect(again.asked(PART_SENT)).toEqual([]);
    await Promise.all([it.window.context.close(), again.window.context.close()]);
  }, 180_000);

  it('goes on after a pause and after a reload, without sending anything twice', async () => {
    const it = await signedIn();
    const path = await fileOf('long.mp4', variantOf(clip, 22 * MIB));
    const other = await fileOf('other.mp4', variantOf(clip));
    let letThrough = 2;
    await it.page.route(PARTS, (route) => (letThrough-- > 0 ? route.continue() : undefined));
    await it.handIn(path);
    await eventually('two parts have arrived', () => it.answered(PART_SENT).length === 2, { withinMs: 60_000 });
    await it.page.getByRole('button', { name: 'Pause' }).click();
    await it.shows(it.card('long.mp4'), 'Paused.');

    const warned = it.page.waitForEvent('dialog').then(async (dialog) => {
      await dialog.accept();
      return dialog.type();
    });
    await Promise.all([it.page.reload(), warned]);
    expect(await warned).toBe('beforeunload');
    await it.page.unroute(PARTS);
    const before = it.asked(PART_SENT).length;
    const interrupted = it.earlier('long.mp4');
    await it.shows(interrupted, /10\.0 MiB of 22\.\d MiB arrived/);

    const chooseAgain = async (file: string): Promise<void> => {
      const [chooser] = await Promise.all([
        it.page.waitForEvent('filechooser'),
        interrupted.getByRole('button', { name: 'Choose long.mp4 again' }).click(),
      ]);
      await chooser.setFiles(file);
    };
    await chooseAgain(other);
    await it.shows(it.card('other.mp4'), /not the file that was begun/);
    await it.page.reload();
    await chooseAgain(path);
    await it.shows(it.card('long.mp4'), 'Sealed');
    expect(it.asked(PART_SENT).slice(before)).toHaveLength(3);

    await it.page.reload();
    expect((await it.receipt(it.earlier('long.mp4'))).name).toBe('long.mp4.receipt.json');
    await it.window.context.close();
  }, 180_000);

  it('waits for the same person when the session ends in the middle, and goes on by itself', async () => {
    const it = await signedIn();
    const path = await fileOf('night.mp4', variantOf(clip, 6 * MIB));
    const { promise: ended, resolve: letGo } = Promise.withResolvers<void>();
    await it.page.route(PARTS, async (route) => {
      await ended;
      await route.continue();
    });
    await it.handIn(path);
    await eventually('the parts are on their way', () => it.asked(PART_SENT).length === 2);
    expect((await it.window.context.request.delete(`${stack.url}/api/session`)).status()).toBe(204);
    letGo();
    await it.page.getByText(/Your session has ended\. Sign in again as Carl Custer/).waitFor();
    await it.fillSignIn(accountOf(stack.seedAccounts, CUSTODIAN));
    await it.shows(it.card('night.mp4'), 'Sealed');
    await it.window.context.close();
  }, 120_000);

  it('is used by keyboard alone, in the order in which it is read', async () => {
    const it = new ConsoleWindow(await browser.open(), stack.url);
    const path = await fileOf('keys.mp4', variantOf(clip));
    const { username, password } = accountOf(stack.seedAccounts, CUSTODIAN);
    const { keyboard } = it.page;
    await it.page.goto(stack.url);
    // Waited for from the beginning: the browser lets the test choose files only a moment after it is told so.
    const chooser = it.page.waitForEvent('filechooser', { timeout: 90_000 });
    await it.focusComesTo(/^input: User name/);
    await keyboard.type(username);
    await keyboard.press('Tab');
    await keyboard.type(password);
    await keyboard.press('Enter');
    await it.page.getByRole('heading', { name: 'Hand in a file' }).waitFor();

    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      await keyboard.press('Tab');
      order.push(await it.focused());
      expect(await it.page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      if (order.at(-1)?.includes('From whom')) await keyboard.type('Wanda Witness');
      if (order.at(-1)?.endsWith('Choose files')) break;
    }
    expect(order.map((each) => each.replace(/ ?\*$/, ''))).toEqual([
      'select: It comes from',
      'input: From whom',
      'textarea: Note',
      'button: Choose files',
    ]);
    await keyboard.press('Enter');
    await (await chooser).setFiles(path);
    await it.page.getByLabel('Device').waitFor();
    for (let i = 0; i < 14 && (await it.focused()) !== 'button: Hand in'; i++) await keyboard.press('Tab');
    await keyboard.press('Enter');
    await it.focusComesTo('h2: Handed in now');
    await it.page.getByRole('status').getByText('keys.mp4: Sealed. 1 of 1 done.').waitFor();
    await it.window.context.close();
  }, 120_000);

  it.each([
    ['on a telephone', { width: 360, height: 740 }],
    ['in the dark', { dark: true }],
  ] as const)(
    'can be read %s, asks nobody else for anything and breaks no rule of its own',
    async (_, looks) => {
      const it = new ConsoleWindow(await browser.open(looks), stack.url);
      const legible = async (): Promise<void> => {
        expect(await it.faintText()).toEqual([]);
        expect(await it.overhang()).toEqual([]);
      };
      await it.page.goto(stack.url);
      await it.page.getByLabel('User name').waitFor();
      await legible();
      await it.fillSignIn(accountOf(stack.seedAccounts, CUSTODIAN));
      const long = `${'a-very-long-name-without-a-blank-'.repeat(4)}.mp4`;
      const paths = [await fileOf(long, variantOf(clip)), await fileOf('noise.mp4', randomBytes(20_000))];
      await it.page.getByRole('button', { name: 'Choose files' }).waitFor();
      await it.choose(...paths);
      await it.page.getByRole('button', { name: 'Hand in 2 files' }).click();
      await it.page.getByText('Say who the files came from.').waitFor();
      await legible();
      await it.page.getByLabel('From whom').fill('Wanda Witness');
      await it.page.getByRole('button', { name: 'Hand in 2 files' }).click();
      await it.shows(it.card('noise.mp4'), 'Quarantined');
      await it.shows(it.card(long), 'Sealed');
      await legible();
      expect(it.window.strangers()).toEqual([]);
      // That nobody is signed in at first is an answer that Chromium counts among the errors.
      expect(it.window.faults().filter((fault) => !/status of 401/.test(fault))).toEqual([]);
      await it.window.context.close();
    },
    120_000,
  );
});
