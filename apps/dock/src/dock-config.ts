import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import * as z from 'zod/mini';
import { parseVerifier } from '#tlog';
import { messageOf, systemCode, UsageFault } from './dock-faults.js';
import { checkDocument, readDocument, type Read } from './json-document.js';

/** What `enrol` and `accept` write, and what an administrator adds. Relative paths count from the config file: see `dockPaths`. */
export interface DockConfig {
  /** Base URL of the service, without a slash at its end. */
  readonly server: string;
  /** PKCS #8 PEM of the dock's Ed25519 key; a relative path counts from the config file. */
  readonly keyFile: string;
  /** UUID that the administrator's enrolment gave this dock. */
  readonly dock?: string;
  /** The log's public key, pinned: receipts are believed only under it. */
  readonly logKey?: string;
  /** Folders that `watch` looks through when it is not told any. */
  readonly watch?: readonly string[];
  /** Parts under way at once, over all files. */
  readonly parallelParts?: number;
  readonly parallelFiles?: number;
  /** For all files together; no limit when left out. */
  readonly bandwidthMibPerSecond?: number;
  readonly eraseAfterReceipt?: boolean;
  /** Folder for receipts; beside each file when left out. */
  readonly receipts?: string;
  /** Folder of the journal. */
  readonly state?: string;
  /** Name in the search path, or a path; `off` asks none. */
  readonly ffprobe?: string;
}

export interface AcceptedConfig extends DockConfig {
  readonly dock: string;
  readonly logKey: string;
}

/** The config's paths, absolute. */
export interface DockPaths {
  readonly watch: readonly string[];
  readonly receipts?: string;
  readonly state: string;
  readonly ffprobe?: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

const serverWords = 'must be an http or https URL without query';
const dockWords = 'must be a UUID in lower case';
const watchWords = 'must be a list of one or more folders';
const bandwidthWords = 'must be a number of MiB a second from 0.01 to 100000';
const path = z.string('must be a path').check(z.refine((text) => text !== '' && !text.includes('\0'), 'must be a path'));
const atOnce = (most: number): z.ZodMiniNumberFormat => {
  const words = `must be a whole number from 1 to ${String(most)}`;
  return z.int(words).check(z.gte(1, words), z.lte(most, words));
};

const config = z.strictObject({
  server: z.string(serverWords).check(z.refine(isBaseUrl, serverWords)),
  keyFile: path,
  dock: z.exactOptional(z.string(dockWords).check(z.regex(UUID, dockWords))),
  logKey: z.exactOptional(
    z.string('must be a text').check(
      z.refine((text) => keyFault(text) === undefined, {
        error: ({ input }) => `is not a log key: ${keyFault(String(input)) ?? ''}`,
      }),
    ),
  ),
  watch: z.exactOptional(z.array(path, watchWords).check(z.minLength(1, watchWords))),
  parallelParts: z.exactOptional(atOnce(16)),
  parallelFiles: z.exactOptional(atOnce(16)),
  bandwidthMibPerSecond: z.exactOptional(
    z.number(bandwidthWords).check(z.gte(0.01, bandwidthWords), z.lte(100_000, bandwidthWords)),
  ),
  eraseAfterReceipt: z.exactOptional(z.boolean('must be true or false')),
  receipts: z.exactOptional(path),
  state: z.exactOptional(path),
  ffprobe: z.exactOptional(path),
});
const STRANGE = 'is not a setting';

export function defaultConfigPath(): string {
  // An empty XDG_CONFIG_HOME counts as unset. XDG Base Directory Specification
  const base = process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config');
  return join(base, 'custodiet-dock', 'config.json');
}

/** @throws UsageFault naming everything that is wrong */
export async function readConfig(path: string): Promise<DockConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw new UsageFault(`There is no config at ${path}: run "custodiet-dock enrol" first`);
    throw new UsageFault(`The config cannot be read: ${messageOf(error)}`);
  }
  return sound(readDocument(config, text, STRANGE), path);
}

/** @throws UsageFault also when the administrator's answer was not stored yet */
export async function readAcceptedConfig(path: string): Promise<AcceptedConfig> {
  const { dock, logKey, ...rest } = await readConfig(path);
  if (dock === undefined || logKey === undefined) {
    throw new UsageFault(
      'This dock is not accepted yet: run "custodiet-dock accept --dock UUID --log-key VKEY" with what the administrator gave you',
    );
  }
  return { ...rest, dock, logKey };
}

export async function writeConfig(path: string, config: DockConfig): Promise<void> {
  assertConfig(config, path);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // Renamed into place, so that a power cut leaves the old config or the new one
  const unfinished = `${path}.${String(process.pid)}.part`;
  await writeFile(unfinished, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600, flush: true });
  await rename(unfinished, path);
}

export function keyPath(configPath: string, config: DockConfig): string {
  return resolve(dirname(configPath), config.keyFile);
}

/** The journal's folder is in the state folder of the user who runs the dock unless the config says otherwise. */
export function dockPaths(configPath: string, { dock = '', watch = [], receipts, state, ffprobe }: DockConfig): DockPaths {
  const fromConfig = (each: string): string => resolve(dirname(configPath), each);
  return {
    watch: watch.map(fromConfig),
    ...(receipts === undefined ? {} : { receipts: fromConfig(receipts) }),
    // Of its own for each dock: what one enrolment has sealed says nothing about another
    state: state === undefined ? join(defaultStatePath(), dock) : fromConfig(state),
    // A bare name is looked up in the search path
    ...(ffprobe === undefined ? {} : { ffprobe: ffprobe.includes('/') ? fromConfig(ffprobe) : ffprobe }),
  };
}

function defaultStatePath(): string {
  const base = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state');
  return join(base, 'custodiet-dock');
}

/** Where programs are looked for. */
export function programPath(): string {
  return process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin';
}

/** @throws UsageFault naming everything that is wrong */
export function assertConfig(value: DockConfig, path: string): void {
  sound(checkDocument(config, value, STRANGE), path);
}

function sound(read: Read<DockConfig>, path: string): DockConfig {
  if (read.faults !== undefined) throw new UsageFault(`The config ${path} is wrong: ${read.faults.join('; ')}`);
  return { ...read.value, server: read.value.server.replace(/\/+$/, '') };
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && search === '' && hash === '' && username === '';
}

function keyFault(logKey: string): string | undefined {
  try {
    parseVerifier(logKey);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
