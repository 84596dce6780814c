import { readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseCosigner, parseVerifier } from '#tlog';
import type { Cosigner, NoteVerifier } from '#tlog';
import { UsageFault, messageOf, systemCode } from './witness-faults.js';

/** The config file: one JSON object with exactly these fields. */
export interface WitnessConfigFile {
  /** Name of the witness and of its key: a URL without scheme, no space, no plus. C2SP tlog-cosignature */
  readonly name: string;
  /** "host:port" to listen on; an IPv6 address in brackets. */
  readonly listen: string;
  /** The private key, mode 0600; a relative path counts from the config file. */
  readonly keyFile: string;
  /** What was cosigned; a relative path counts from the config file. */
  readonly stateFile: string;
  /** Verifier keys of the logs that are witnessed; a log with two keys is listed twice, under one name. */
  readonly logs: readonly string[];
}

/** The config as it is used: paths absolute, keys read. */
export interface WitnessConfig {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly keyFile: string;
  readonly stateFile: string;
  readonly logs: readonly NoteVerifier[];
}

const FIELDS: readonly string[] = ['name', 'listen', 'keyFile', 'stateFile', 'logs'] satisfies (keyof WitnessConfigFile)[];

/** @throws UsageFault naming everything that is wrong */
export async function readConfig(path: string): Promise<WitnessConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') throw new UsageFault(`There is no config at ${path}: run "custodiet-witness init" first`);
    throw new UsageFault(`The config cannot be read: ${messageOf(error)}`);
  }
  return checked(parsed(text, path), path);
}

/** Never overwrites. @throws UsageFault */
export async function writeConfig(path: string, config: WitnessConfigFile): Promise<WitnessConfig> {
  const usable = checked({ ...config }, path);
  await writeNew(path, `${JSON.stringify(config, undefined, 2)}\n`, 0o644);
  return usable;
}

/** Creates a file that must not be there yet, on the disk when this returns. @throws UsageFault */
export async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    await writeFile(path, text, { mode, flag: 'wx', flush: true });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw new UsageFault(`There is a file at ${path} already; it is not overwritten`);
    throw new UsageFault(`${path} cannot be written: ${messageOf(error)}`);
  }
}

/** @throws UsageFault when the key is missing, is no witness key, is named otherwise or can be read by others */
export async function readWitnessKey({ keyFile, name }: WitnessConfig): Promise<Cosigner> {
  try {
    const { mode } = await stat(keyFile);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new UsageFault(`The key ${keyFile} can be read by others: run chmod 600 on it, or make a new one if somebody has`);
    }
    const cosigner = parseCosigner((await readFile(keyFile, 'utf8')).trim());
    if (cosigner.name !== name) throw new UsageFault(`The key ${keyFile} is that of ${cosigner.name}, the config says ${name}`);
    return cosigner;
  } catch (error) {
    if (error instanceof UsageFault) throw error;
    throw new UsageFault(`The key cannot be read: ${messageOf(error)}`);
  }
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

function checked(value: Record<string, unknown>, path: string): WitnessConfig {
  const faults = Object.keys(value).flatMap((field) => (FIELDS.includes(field) ? [] : [`"${field}" is not a setting`]));
  const text = (field: string): string => {
    const given = value[field];
    if (typeof given === 'string' && given !== '') return given;
    faults.push(`"${field}" must be a text`);
    return '';
  };
  const [name, listen, keyFile, stateFile] = [text('name'), text('listen'), text('keyFile'), text('stateFile')];
  const [, host = '', digits = ''] = /^(\[[0-9a-fA-F:.]+\]|[^:\s]+):([0-9]{1,5})$/.exec(listen) ?? [];
  const port = Number(digits);
  if (listen !== '' && (host === '' || port > 65_535)) faults.push('"listen" must be host:port, such as 127.0.0.1:7380');
  if (/[\s\p{Cc}+]/u.test(name)) faults.push('"name" must hold no space, control character or plus');
  const logs = verifiers(value['logs'], faults);
  if (faults.length > 0) throw new UsageFault(`The config ${path} is wrong: ${faults.join('; ')}`);
  const from = dirname(resolve(path));
  return {
    name,
    host: host.replace(/^\[|\]$/g, ''),
    port,
    keyFile: resolve(from, keyFile),
    stateFile: resolve(from, stateFile),
    logs,
  };
}

function verifiers(value: unknown, faults: string[]): NoteVerifier[] {
  if (!Array.isArray(value)) {
    faults.push('"logs" must be a list of log keys');
    return [];
  }
  return value.flatMap((vkey: unknown, i) => {
    try {
      if (typeof vkey === 'string') return [parseVerifier(vkey)];
      faults.push(`log ${i + 1} is not a text`);
    } catch (error) {
      faults.push(`log ${i + 1} is not a log key (${messageOf(error)})`);
    }
    return [];
  });
}
