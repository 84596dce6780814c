import { randomBytes } from 'node:crypto';
import type { GrantAnswer, PersonAnswer } from '../support/answers.js';
import { startBrowser, type Looks, type TestBrowser } from '../support/browser.js';
import { TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { signIn, type Credentials, type HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes } from './clip-bytes.js';
import { chainOf } from './custody-chain.js';
import { disclosed, issue } from './disclosing.js';
import { PlayerWindow } from './player-window.js';
import { ask, grant, playable } from './watching.js';

const NAME = 'stop.mp4';
const CASE = 'IA-2026-017';
/** Several segments of four seconds. */
const CLIP_SECONDS = 30;
const SEGMENT_SECONDS = 4;
const BADGE = 'I-7';

interface Viewer extends Credentials {
  readonly id: string;
  readonly name: string;
  readonly badge: string;
  readonly http: HttpClient;
}

describe('the console’s player, in a browser', () => {
  let stack: Stack;
  let browser: TestBrowser;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let custodian: HttpClient;
  /** Whose camera it was. */
  let officer: Viewer;
  let recording: string;

  beforeAll(async () => {
    const [started, opened, clip] = await Promise.all([
      startStack(),
      startBrowser(),
      clipBytes({ seconds: CLIP_SECONDS, width: 320, height: 180, fps: 10 }),
    ]);
    [stack, browser] = [started, opened];
    [administrator, auditor, custodian] = await Promise.all([
      stack.signIn('administrator'),
      stack.signIn('auditor'),
      stack.signIn('custodian'),
    ]);
    officer = await viewer(['officer'], 'Olga Own');
    ({ recording } = await (await TestDock.enrol(administrator)).upload(NAME, clip, { officer: officer.badge }));
    await playable(auditor, recording);
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  }, 60_000);

  async function viewer(roles: readonly string[] = ['investigator'], name = 'Ida Inspect'): Promise<Viewer> {
    const username = `viewer-${randomBytes(4).toString('hex')}`;
    const password = randomBytes(12).toString('base64url');
    const badge = `${BADGE}-${username.slice(-4)}`;
    const request = { username, password, name, badge, roles };
    const { id } = (await administrator.post<PersonAnswer>('/api/people', request)).expect(201).body;
    return { id, name: `${name} · ${badge}`, badge, username, password, http: await signIn(stack.url, { username, password }) };
  }

  /** Somebody with a grant, at the list of what they may watch. */
  async function granted(looks?: Looks): Promise<{ it: PlayerWindow; who: Viewer; access: GrantAnswer }> {
    const who = await viewer();
    const access = await grant(custodian, await ask(who.http, recording, { caseNumber: CASE }));
    const it = new PlayerWindow(await browser.open(looks), stack.url);
    await it.enter(who, stack.url);
    return { it, who, access };
  }

  async function closing(viewing: string): Promise<Readonly<Record<string, unknown>>> {
    const entry = await eventually('the closing is on record', async () =>
      (await chainOf(auditor, recording)).find(({ type, event }) => type === 'viewing.closed' && event['viewing'] === viewing),
    );
    return entry.event;
  }

  it('asks to confirm the purpose, plays with the viewer’s name in the picture, and says what is on record', async () => {
    const { it, who } = await granted({ timeZone: 'Europe/Berlin' });
    await it.grant(NAME).getByText(`For an internal investigation, case ${CASE}.`).waitFor();
    await it
      .grant(NAME)
      .getByRole('button', { name: `Watch ${NAME}` })
      .click();
    await it.page.getByText(`You are about to watch ${NAME} for an internal investigation in case ${CASE}.`).waitFor();
    expect(it.asked(/viewings/)).toEqual([]);
    const viewing = await it.confirm();
    await it.play();
    await it.playsPast(2);

    const overlay = await it.overlay().innerText();
    expect(overlay).toContain(who.name);
    expect(overlay).toMatch(/\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2} Europe\/Berlin, UTC\+0[12]:00/);
    expect(overlay).toMatch(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z/);
    expect(overlay).toContain(viewing.slice(-12));
    const before = await it.overlay().boundingBox();
    await eventually('the overlay is elsewhere', async () => (await it.overlay().boundingBox())?.x !== before?.x);

    await it.page.keyboard.press('f');
    await eventually('the player with its overlay fills the screen', () =>
      it.page.evaluate<boolean>(
        `document.fullscreenElement?.contains(document.querySelector('video')) && document.fullscreenElement.contains(document.querySelector('[data-testid=overlay]'))`,
      ),
    );
    await it.page.keyboard.press('f');
    await eventually('it does no more', () => it.page.evaluate<boolean>('document.fullscreenElement === null'));
    await it.page.getByLabel('Speed').selectOption('2');
    await it.page.getByLabel('Place in the recording').focus();
    await it.page.keyboard.press('ArrowRight');
    await it.playsPast(7);

    await it.page.getByRole('button', { name: 'Close the viewing' }).click();
    const shown = await it.onRecord();
    expect(shown.get('Viewing')).toBe(viewing);
    expect(shown.get('Delivered by the service')).toMatch(/^0:00\.0–/);
    expect(shown.get('Played, as this player says')).toMatch(/^0:0/);
    expect(await it.page.locator('video').count()).toBe(0);
    const event = (await closing(viewing)) as {
      closedBy: string;
      reported?: { played: { fromMs: number; toMs: number }[]; seeks: number; fastestPercent: number };
    };
    expect(event.closedBy).toBe('viewer');
    expect(event.reported).toMatchObject({ seeks: 1, fastestPercent: 200 });
    expect(event.reported?.played[0]?.fromMs).toBeLessThan(500);
    expect(it.answered(/reports$/).length).toBe(it.asked(/reports$/).length);
    expect(it.window.strangers()).toEqual([]);
    await it.window.context.close();
  }, 60_000);

  it('is stopped by a revocation within one segment: nothing is shown that was not there, and the picture is gone', async () => {
    const { it, access } = await granted();
    await it.watch(NAME);
    await it.page.evaluate(`(() => {
      const video = document.querySelector('video');
      window.latest = 0;
      video.addEventListener('timeupdate', () => { window.latest = Math.max(window.latest, video.currentTime); });
    })()`);
    await it.play();
    await it.playsPast(1);
    (await custodian.post(`/api/grants/${access.id}/revoke`, { reason: 'Given to the wrong person' })).expect(204);
    const { at, bufferedUntil } = await it.picture();
    expect(bufferedUntil).toBeLessThan(CLIP_SECONDS - SEGMENT_SECONDS);
    expect(await it.stopped()).toContain('Your grant for this recording was revoked.');
    const latest = await it.page.evaluate<number>('window.latest');
    expect(latest).toBeLessThanOrEqual(bufferedUntil);
    // A segment's length, and the second that a slow machine takes to hear of it.
    expect(latest).toBeLessThanOrEqual(at + SEGMENT_SECONDS + 1);
    await it.onRecord();
    await it.page.getByRole('button', { name: 'Back to the list' }).click();
    await it.grant(NAME).getByText('Revoked', { exact: true }).waitFor();
    expect(await it.page.getByRole('button', { name: `Watch ${NAME}` }).count()).toBe(0);
    await it.window.context.close();
  }, 60_000);

  it('takes away a picture that stands still, at the next heartbeat after the revocation', async () => {
    const { it, access } = await granted();
    await it.page.route(/\/viewings$/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: { ...((await answer.json()) as object), heartbeatSeconds: 1 } });
    });
    await it.watch(NAME);
    (await custodian.post(`/api/grants/${access.id}/revoke`, { reason: 'Given to the wrong person' })).expect(204);
    expect(await it.stopped()).toContain('Your grant for this recording was revoked.');
    await it.window.context.close();
  }, 60_000);

  it('stops when the overlay is removed, emptied, made to be seen through or hidden, or left behind by the picture', async () => {
    const { it } = await granted();
    const overlay = `document.querySelector('[data-testid=overlay]')`;
    const breaches = [
      `${overlay}.remove()`,
      `${overlay}.textContent = ''`,
      `${overlay}.style.opacity = '0.01'`,
      `document.querySelector('video').requestFullscreen()`,
      // Last: the style sheet stays.
      `(() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync('.player-overlay { visibility: hidden !important }');
        document.adoptedStyleSheets.push(sheet);
      })()`,
    ];
    for (const breach of breaches) {
      const viewing = await it.watch(NAME);
      await it.page.evaluate(breach);
      expect(await it.stopped()).toContain('The overlay with your name');
      expect(await closing(viewing)).toMatchObject({ closedBy: 'viewer' });
      await it.page.getByRole('button', { name: 'Back to the list' }).click();
    }
    await it.window.context.close();
  }, 120_000);

  it('closes the viewing when the page is left, another page is looked at, or somebody signs out', async () => {
    const { it, who } = await granted();
    const left = await it.watch(NAME);
    await it.play();
    await it.playsPast(1);
    await it.page.goto('about:blank');
    const atOnce = await closing(left);
    expect(atOnce).toMatchObject({ closedBy: 'viewer' });
    expect((atOnce['reported'] as { played: readonly { fromMs: number; toMs: number }[] }).played[0]?.toMs).toBeGreaterThan(900);

    await it.page.goto(`${stack.url}/watch`);
    const turned = await it.watch(NAME);
    await it.page.getByRole('link', { name: 'Hand in' }).click();
    await it.page.getByRole('heading', { name: 'Hand in a file' }).waitFor();
    expect(await closing(turned)).toMatchObject({ closedBy: 'viewer' });

    await it.page.getByRole('link', { name: 'Watch' }).click();
    const signedOut = await it.watch(NAME);
    await it.page.getByRole('button', { name: 'Sign out' }).click();
    await it.page.getByLabel('User name').waitFor();
    expect(await closing(signedOut)).toMatchObject({ closedBy: 'viewer' });
    await it.fillSignIn(who);
    await it.grant(NAME).waitFor();
    await it.window.context.close();
  }, 60_000);

  it('says when nothing comes, goes on by itself when the network is back, and reports what was played before', async () => {
    const { it } = await granted();
    await it.watch(NAME);
    await it.page.route(/\.m4s$|reports$/, (route) => route.abort('connectionreset'));
    await it.play();
    await it.page.getByRole('alert').getByText('The service cannot be reached. Trying again.').waitFor();
    await it.page.unroute(/\.m4s$|reports$/);
    await it.page.getByRole('alert').waitFor({ state: 'detached' });
    await it.playsPast(1);
    await it.page.getByRole('button', { name: 'Close the viewing' }).click();
    expect((await it.onRecord()).get('Played, as this player says')).toMatch(/^0:00/);
    await it.window.context.close();
  }, 60_000);

  it('says in words what there is to watch, that there is nothing, and why a viewing is not opened', async () => {
    const { it, access } = await granted();
    await it
      .grant(NAME)
      .getByRole('button', { name: `Watch ${NAME}` })
      .click();
    (await custodian.post(`/api/grants/${access.id}/revoke`, { reason: 'Given to the wrong person' })).expect(204);
    await it.page.getByRole('button', { name: 'Confirm and watch' }).click();
    await it.page.getByRole('alert').getByText('Your grant for this recording was revoked.').waitFor();
    await it.window.context.close();

    const nothing = new PlayerWindow(await browser.open(), stack.url);
    await nothing.enter(await viewer(['officer'], 'Otto Officer'), stack.url);
    await nothing.page.getByText('You have no grant that is open now.').waitFor();
    await nothing.page.getByText('There is no sealed recording of yours.').waitFor();
    await nothing.window.context.close();
  }, 60_000);

  it('lets officers watch their own recordings for their report, as the policy allows', async () => {
    const it = new PlayerWindow(await browser.open(), stack.url);
    await it.enter(officer, stack.url);
    await it
      .grant(NAME)
      .getByRole('button', { name: `Watch ${NAME} for your own report` })
      .click();
    await it.page.getByText(`You are about to watch ${NAME} for your own report.`).waitFor();
    await it.confirm();
    await it.play();
    await it.playsPast(0.5);
    expect(await it.overlay().innerText()).toContain(officer.name);
    await it.page.getByRole('button', { name: 'Close the viewing' }).click();
    await it.onRecord();
    await it.window.context.close();
  }, 60_000);

  it('goes on where it was left when the session has ended, in a new viewing', async () => {
    const { it, who } = await granted();
    await it.watch(NAME);
    await it.play();
    await it.playsPast(1);
    expect((await it.window.context.request.delete(`${stack.url}/api/session`)).status()).toBe(204);
    await it.page.getByText(/Your session has ended\. Sign in again/).waitFor();
    expect(await it.page.locator('video').count()).toBe(0);
    await it.fillSignIn(who);
    await it.page.getByRole('button', { name: 'Back to the list' }).click();
    await it.watch(NAME);
    await it.window.context.close();
  }, 60_000);

  it('lets a recipient in by link and code, and takes down that they received the package', async () => {
    const others = await viewer(['custodian'], 'Cora Second');
    const { id, package: packed } = await disclosed([custodian, others.http], [recording]);
    const { token, code } = await issue(custodian, id);
    const it = new PlayerWindow(await browser.open({ width: 360, height: 740 }), stack.url);
    const legible = async (): Promise<void> => {
      expect(await it.faintText()).toEqual([]);
      expect(await it.overhang()).toEqual([]);
    };
    await it.page.goto(`${stack.url}/disclosed/${token}`);
    await it.page.getByLabel('Code').fill(code === '00000000' ? '11111111' : '00000000');
    await it.page.getByRole('button', { name: 'Open' }).click();
    await it.page.getByRole('alert').getByText('The link or the code is wrong').waitFor();
    await legible();
    await it.page.getByLabel('Code').fill(`${code.slice(0, 4)} ${code.slice(4)}`);
    await it.page.getByRole('button', { name: 'Open' }).click();
    await it.page.getByRole('heading', { name: 'Disclosed to Dana Defender' }).waitFor();
    await it.page.getByText(packed?.sha256 ?? 'no package').waitFor();
    const [download] = await Promise.all([
      it.page.waitForEvent('download'),
      it.page.getByRole('link', { name: 'Download the package' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe(`disclosure-${id}.zip`);
    const choose = async (file: string | { name: string; mimeType: string; buffer: Buffer }): Promise<void> => {
      const [chooser] = await Promise.all([
        it.page.waitForEvent('filechooser'),
        it.page.getByRole('button', { name: 'Choose the package' }).click(),
      ]);
      await chooser.setFiles(file);
    };
    await choose({ name: 'other.zip', mimeType: 'application/zip', buffer: randomBytes(1000) });
    await it.page.getByRole('alert').getByText('other.zip is not the package').waitFor();
    await choose(await download.path());
    await it.page.getByRole('button', { name: 'Confirm that I received and verified it' }).click();
    await it.page.getByText(/You confirmed it on/).waitFor();
    await legible();
    expect(it.window.strangers()).toEqual([]);
    await it.window.context.close();
  }, 120_000);

  it.each([
    ['on a telephone', { width: 360, height: 740 }],
    ['in the dark', { dark: true }],
  ] as const)(
    'can be read and used by keyboard alone %s, and breaks no rule of its own',
    async (_, looks) => {
      const { it } = await granted(looks);
      const { keyboard } = it.page;
      const legible = async (): Promise<void> => {
        expect(await it.faintText()).toEqual([]);
        expect(await it.overhang()).toEqual([]);
      };
      const tabTo = async (name: RegExp): Promise<void> => {
        for (let i = 0; i < 12 && !name.test(await it.focused()); i++) await keyboard.press('Tab');
        expect(await it.focused()).toMatch(name);
        expect(await it.page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid');
      };
      await it.grant(NAME).waitFor();
      await legible();
      await tabTo(new RegExp(`^button: Watch ${NAME}`));
      await keyboard.press('Enter');
      await it.focusComesTo(`h1: ${NAME}`);
      await legible();
      await tabTo(/^button: Confirm and watch/);
      await keyboard.press('Enter');
      await it.page.getByRole('group', { name: `Player: ${NAME}` }).waitFor();
      await tabTo(/^button: Play$/);
      await keyboard.press('Space');
      await it.playsPast(0.5);
      await legible();
      await keyboard.press('k');
      await eventually('it stands still', async () => (await it.picture()).paused);
      await keyboard.press('ArrowRight');
      await it.playsPast(5);
      await tabTo(/^button: Close the viewing/);
      await keyboard.press('Enter');
      await it.onRecord();
      await legible();
      expect(it.window.strangers()).toEqual([]);
      // That nobody is signed in at first is an answer that Chromium counts among the errors.
      expect(it.window.faults().filter((fault) => !/status of 401/.test(fault))).toEqual([]);
      await it.window.context.close();
    },
    60_000,
  );
});
