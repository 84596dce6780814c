import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { parseVerifier } from '#tlog';
import { messageOf, systemCode, UsageFault } from './dock-faults.js';

/** What `enrol` and `accept` write. */
export interface DockConfig {
  /** Base URL of the service, without a slash at its end. */
  readonly server: string;
  /** PKCS #8 PEM of the dock's Ed25519 key; a relative path counts from the config file. */
  readonly keyFile: string;
  /** UUID that the administrator's enrolment gave this dock. */
  readonly dock?: string;
  /** The log's public key, pinned: receipts are believed only under it. */
  readonly logKey?: string;
}

export interface AcceptedConfig extends DockConfig {
  readonly dock: string;
  readonly logKey: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const FIELDS = ['server', 'keyFile', 'dock', 'logKey'];

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
  return checked(parsed(text, path), path);
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

/** @throws UsageFault naming everything that is wrong */
export function assertConfig(config: DockConfig, path: string): void {
  checked({ ...config }, path);
}

function parsed(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  } catch {
    // Said below, in the same words as for any other thing that is no JSON object
  }
  throw new UsageFault(`The config ${path} is not a JSON object`);
}

function checked(value: Record<string, unknown>, path: string): DockConfig {
  const faults: string[] = [];
  for (const field of Object.keys(value)) if (!FIELDS.includes(field)) faults.push(`"${field}" is not a setting`);
  const { server, keyFile, dock, logKey } = value;
  if (typeof server !== 'string' || !isBaseUrl(server)) faults.push('"server" must be an http or https URL without query');
  if (typeof keyFile !== 'string' || keyFile === '') faults.push('"keyFile" must be a path');
  if (dock !== undefined && !(typeof dock === 'string' && UUID.test(dock))) faults.push('"dock" must be a UUID in lower case');
  const keyFault = logKey === undefined ? undefined : logKeyFault(logKey);
  if (keyFault !== undefined) faults.push(keyFault);
  if (faults.length > 0) throw new UsageFault(`The config ${path} is wrong: ${faults.join('; ')}`);
  return {
    server: String(server).replace(/\/+$/, ''),
    keyFile: String(keyFile),
    ...(typeof dock === 'string' ? { dock } : {}),
    ...(typeof logKey === 'string' ? { logKey } : {}),
  };
}

function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, search, hash, username } = new URL(text);
  return (protocol === 'http:' || protocol === 'https:') && search === '' && hash === '' && username === '';
}

function logKeyFault(logKey: unknown): string | undefined {
  if (typeof logKey !== 'string') return '"logKey" must be a text';
  try {
    parseVerifier(logKey);
    return undefined;
  } catch (error) {
    return `"logKey" is not a log key: ${messageOf(error)}`;
  }
}
