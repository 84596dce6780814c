import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

/** Names under which systems have it; docker/services/debian-packages.mjs installs it where none is there. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Works in a container, speaks to nobody but the page, and leaves nothing behind. */
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export interface TestBrowser {
  /** A window of its own: no cookies, nothing remembered. @param looks what differs from a window on a desk, in UTC and English */
  readonly open: (looks?: Looks) => Promise<TestWindow>;
  readonly close: () => Promise<void>;
}

export interface Looks {
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  /** IANA name. */
  readonly timeZone?: string;
}

export interface TestWindow {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page's console said of errors, and the addresses that were asked for outside the page's own service. */
  readonly faults: () => readonly string[];
  readonly strangers: () => readonly string[];
}

/** A real browser without a screen. @throws Error where none is installed */
export async function startBrowser(): Promise<TestBrowser> {
  const profile = await mkdtemp(join(tmpdir(), 'custodiet-browser-'));
  const browser = await chromium.launch({ executablePath: executable(), headless: true, args: FLAGS, env: environment(profile) });
  return {
    open: async ({ width = 1280, height = 900, dark = false, timeZone = 'UTC' } = {}) => {
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        timezoneId: timeZone,
        locale: 'en-GB',
        acceptDownloads: true,
      });
      const page = await context.newPage();
      return { page, context, ...watch(page) };
    },
    close: async () => {
      await browser.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

function watch(page: Page): Pick<TestWindow, 'faults' | 'strangers'> {
  const faults: string[] = [];
  const addresses: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('request', (request) => addresses.push(request.url()));
  const isOwn = (address: string): boolean =>
    /^(data|blob):/.test(address) || new URL(address).origin === new URL(page.url()).origin;
  return { faults: () => faults, strangers: () => addresses.filter((address) => !isOwn(address)) };
}

/** Its crash reports and caches go where they are deleted. */
function environment(profile: string): Record<string, string> {
  const inherited = ['PATH', 'LANG', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { ...Object.fromEntries(inherited), HOME: profile };
}

function executable(): string {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const found = NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(`There is no browser to test the console with: install one of ${NAMES.join(', ')}.`);
}
