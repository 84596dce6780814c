import { readFile } from 'node:fs/promises';
import type { Locator, Page, Request } from 'playwright-core';
import type { Credentials } from '../support/http.js';
import { eventually } from '../support/eventually.js';
import type { TestWindow } from '../support/browser.js';

/** A request as the page made it: `PUT /api/docking/recordings/…/parts/3`. */
type Seen = string;

/** The console's first page as a person uses it. */
export class ConsoleWindow {
  readonly page: Page;
  private readonly seen: Seen[] = [];
  private readonly succeeded: Seen[] = [];

  constructor(
    readonly window: TestWindow,
    private readonly url: string,
  ) {
    this.page = window.page;
    this.page.on('request', (request) => this.seen.push(nameOf(request)));
    this.page.on('response', (response) => {
      if (response.ok()) this.succeeded.push(nameOf(response.request()));
    });
  }

  /** What was asked of the service and fits the pattern, repeated as often as it was asked. */
  asked(pattern: RegExp): readonly Seen[] {
    return this.seen.filter((request) => pattern.test(request));
  }

  /** Of that, what the service answered with success. */
  answered(pattern: RegExp): readonly Seen[] {
    return this.succeeded.filter((request) => pattern.test(request));
  }

  async signIn({ username, password }: Credentials): Promise<void> {
    await this.page.goto(this.url);
    await this.fillSignIn({ username, password });
    await this.page.getByRole('heading', { name: 'Hand in a file' }).waitFor();
  }

  async fillSignIn({ username, password }: Credentials): Promise<void> {
    await this.page.getByLabel('User name').fill(username);
    await this.page.getByLabel('Password').fill(password);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
  }

  async choose(...paths: string[]): Promise<void> {
    const [chooser] = await Promise.all([
      this.page.waitForEvent('filechooser'),
      this.page.getByRole('button', { name: 'Choose files' }).click(),
    ]);
    await chooser.setFiles(paths);
  }

  /** Drops a file of noise where files are chosen. */
  async drop(name: string, bytes: number): Promise<void> {
    const dataTransfer = await this.page.evaluateHandle(`(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([crypto.getRandomValues(new Uint8Array(${bytes}))], ${JSON.stringify(name)}));
      return transfer;
    })()`);
    await this.page.getByText('or drop them here').dispatchEvent('drop', { dataTransfer });
  }

  /** Says who it came from, chooses the files and hands them in. */
  async handIn(...paths: string[]): Promise<void> {
    await this.page.getByLabel('From whom').fill('Wanda Witness');
    await this.choose(...paths);
    await this.page.getByRole('button', { name: /^Hand in/ }).click();
  }

  /** What the page shows of a file that is being handed in, or was. */
  card(name: string): Locator {
    return this.page.getByRole('region', { name: 'Handed in now' }).getByRole('article', { name });
  }

  earlier(name: string): Locator {
    return this.page.getByRole('region', { name: 'Handed in earlier' }).getByRole('article', { name });
  }

  /** Waits until the file's card shows that text, which must be there within a minute. */
  async shows(card: Locator, text: string | RegExp): Promise<void> {
    await card.getByText(text).first().waitFor({ timeout: 60_000 });
  }

  /** The recording id and SHA-256 that the card shows. */
  async facts(card: Locator): Promise<{ recording: string; sha256: string }> {
    const [recording = '', sha256 = ''] = await card.locator('dd').allTextContents();
    return { recording, sha256 };
  }

  /** @returns the receipt's exact text, as it was saved */
  async receipt(card: Locator): Promise<{ name: string; text: string }> {
    const [download] = await Promise.all([
      this.page.waitForEvent('download'),
      card.getByRole('button', { name: /^Download the receipt/ }).click(),
    ]);
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
  }

  /** The accessible name of what has the focus: "button: Choose files". */
  async focused(): Promise<string> {
    return this.page.evaluate<string>(`(() => {
      const at = document.activeElement;
      const label = at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent;
      return at.tagName.toLowerCase() + ': ' + label.trim();
    })()`);
  }

  async focusComesTo(name: string | RegExp): Promise<void> {
    await eventually(`the focus is on ${String(name)}`, async () => {
      const at = await this.focused();
      return typeof name === 'string' ? at === name : name.test(at);
    });
  }

  /** Text whose contrast with its ground is below 4.5 : 1, or 3 : 1 where it is large (WCAG 2.2, 1.4.3); "1.9 Device". */
  async faintText(): Promise<readonly string[]> {
    return this.page.evaluate<string[]>(FAINT_TEXT);
  }

  /** What reaches beyond the window's right edge. */
  async overhang(): Promise<readonly string[]> {
    return this.page.evaluate<string[]>(`[...document.querySelectorAll('body *')]
      .filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
      .map((each) => each.tagName + ' ' + each.className)`);
  }
}

function nameOf(request: Request): Seen {
  return `${request.method()} ${new URL(request.url()).pathname}`;
}

// Without the types of a document: the tests are compiled for Node.
const FAINT_TEXT = `(() => {
  const parse = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const groundOf = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(at).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const light = (rgb) => rgb.map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join(' ');
    const said = text || (element.value ?? '');
    const box = element.getBoundingClientRect();
    if (said === '' || box.width < 2 || box.height < 2 || element.closest('script,noscript,[disabled]')) continue;
    const style = getComputedStyle(element);
    const [one, two] = [light(parse(style.color).slice(0, 3)), light(groundOf(element))].sort((a, b) => b - a);
    const contrast = (one + 0.05) / (two + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (contrast < (large ? 3 : 4.5)) faint.push(contrast.toFixed(1) + ' ' + said);
  }
  return faint;
})()`;
