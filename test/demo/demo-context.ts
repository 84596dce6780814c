import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TOP } from '../support/repository.js';
import type { SeedAccount } from '../support/stack.js';

/** What all steps know. What one step finds out, the next is given by name. */
export interface DemoContext {
  /** Of the service, without a slash at its end. */
  readonly url: string;
  /** Different in each run: part of every name that must be new. */
  readonly run: string;
  readonly accounts: readonly SeedAccount[];
  /** The person's own videos; empty: two clips are synthesised. */
  readonly videos: readonly string[];
  /** Where report, bundle, receipt and pictures are left. */
  readonly artefacts: string;
  /** Deleted at the end. */
  readonly work: string;
  readonly ffmpeg: string;
  /** Whose cosignatures the service asks for; stands for the policy that a court or an oversight board has from elsewhere. */
  readonly policyFile: string;
  /** What fsck needs, and the superuser that the demonstration tampers as. */
  readonly database: { readonly url: string; readonly adminUrl: string };
}

/** Somebody called the demonstration in a way that cannot work. */
export class NotPlayable extends Error {}

/** A step did not hold. */
export class Unexpected extends Error {
  constructor(what: string, expected: unknown, got: unknown) {
    super(`${what}: expected ${shown(expected)}, got ${shown(got)}`);
  }
}

/** @throws Unexpected unless both are the same when written as JSON */
export function expectSame(what: string, expected: unknown, got: unknown): void {
  if (JSON.stringify(expected) !== JSON.stringify(got)) throw new Unexpected(what, expected, got);
}

/** @throws NotPlayable naming everything that is missing */
export function demoContext(videos: readonly string[], env: NodeJS.ProcessEnv): DemoContext {
  const faults: string[] = [];
  const variable = (name: string): string => {
    const value = env[name];
    if (!value) faults.push(`${name} is not set`);
    return value ?? '';
  };
  const url = variable('CUSTODIET_URL').replace(/\/+$/, '');
  const databaseUrl = variable('DATABASE_URL');
  const administrator = variable('DATABASE_ADMIN_URL');
  const policyFile = variable('WITNESS_POLICY_FILE');
  const accounts = readAccounts(variable('DEMO_ACCOUNTS_FILE'), faults);
  if (faults.length > 0) throw new NotPlayable(`Start this with npm run demo: ${faults.join('; ')}.`);
  const adminUrl = new URL(administrator);
  // The administrator's own connection may lead into another database of the same server.
  adminUrl.pathname = new URL(databaseUrl).pathname;
  const artefacts = join(TOP, '.data', 'demo');
  mkdirSync(artefacts, { recursive: true, mode: 0o700 });
  return {
    url,
    run: Date.now().toString(36),
    accounts,
    videos: videos.map((path) => resolve(path)),
    artefacts,
    work: mkdtempSync(join(tmpdir(), 'custodiet-demo-')),
    ffmpeg: env['FFMPEG_PATH'] || 'ffmpeg',
    policyFile: resolve(TOP, policyFile),
    database: { url: databaseUrl, adminUrl: adminUrl.href },
  };
}

function readAccounts(file: string, faults: string[]): readonly SeedAccount[] {
  if (file === '') return [];
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { accounts: SeedAccount[] }).accounts;
  } catch (error) {
    faults.push(`DEMO_ACCOUNTS_FILE cannot be read (${error instanceof Error ? error.message : String(error)})`);
    return [];
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
