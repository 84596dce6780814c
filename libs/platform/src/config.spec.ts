import { readFileSync } from 'node:fs';
import { ConfigSchema, ConfigurationFaulty, loadConfig } from './config.js';

interface Line {
  readonly value: string;
  readonly isCommentedOut: boolean;
  /** Comment lines directly above it. */
  readonly explanation: string;
}

/** What ConfigSchema says of a variable that nobody set. */
function ofSchema(name: keyof typeof ConfigSchema.shape): 'required' | 'optional' | { readonly default: string } {
  const parsed = ConfigSchema.shape[name].safeParse(undefined);
  if (!parsed.success) return 'required';
  return parsed.data === undefined ? 'optional' : { default: String(parsed.data) };
}

function readExample(): Map<string, Line> {
  const lines = new Map<string, Line>();
  let explanation = '';
  for (const line of readFileSync(new URL('../../../.env.example', import.meta.url), 'utf8').split('\n')) {
    const [, hash, name = '', value = ''] = /^(#?)([A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
    if (hash === undefined) {
      explanation = line.startsWith('# ') ? `${explanation}${line.slice(2)} ` : '';
      continue;
    }
    if (lines.has(name)) throw new Error(`${name} stands twice in .env.example`);
    lines.set(name, { value, isCommentedOut: hash === '#', explanation });
    explanation = '';
  }
  return lines;
}

const GOOD = {
  PUBLIC_URL: 'http://127.0.0.1:8080',
  DATABASE_URL: 'postgres://custodiet_app:secret@127.0.0.1:5432/custodiet',
  REDIS_URL: 'redis://127.0.0.1:6379',
  S3_ENDPOINT: 'http://127.0.0.1:9000',
  S3_ACCESS_KEY_ID: 'id',
  S3_SECRET_ACCESS_KEY: 'secret',
};

function faultsOf(role: 'api' | 'worker' | 'migrate', env: NodeJS.ProcessEnv): readonly string[] {
  try {
    loadConfig(role, env);
  } catch (error) {
    if (error instanceof ConfigurationFaulty) return error.faults;
    throw error;
  }
  return [];
}

describe('.env.example', () => {
  const example = readExample();
  const names = Object.keys(ConfigSchema.shape) as (keyof typeof ConfigSchema.shape)[];

  it('names the variables of ConfigSchema and no others', () => {
    expect([...example.keys()].sort()).toEqual([...names].sort());
  });

  it.each(names)('gives %s as the schema has it: commented out with its default, or an example', (name) => {
    const line = example.get(name);
    const wanted = ofSchema(name);
    expect(line?.isCommentedOut).toBe(wanted !== 'required');
    if (typeof wanted === 'object') expect(line?.value).toBe(wanted.default);
    else expect(ConfigSchema.shape[name].safeParse(line?.value).success).toBe(true);
    if (wanted === 'optional') expect(line?.explanation).toMatch(/no default/i);
  });

  it('is a configuration that starts, once the values are taken over', () => {
    const given = Object.fromEntries([...example].map(([name, { value }]) => [name, value]));
    expect(faultsOf('worker', given)).toEqual([]);
    expect(faultsOf('migrate', given)).toEqual([]);
  });

  it('explains every variable', () => {
    expect([...example].filter(([, { explanation }]) => explanation === '')).toEqual([]);
  });
});

describe('loadConfig', () => {
  it('gives defaults to what is not set and freezes the whole', () => {
    const config = loadConfig('api', GOOD);
    expect(config).toMatchObject({
      ...GOOD,
      PORT: 8080,
      TRUST_PROXY: false,
      OBJECT_LOCK_MODE: 'COMPLIANCE',
      AGENCY_NAME: 'Unnamed agency',
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  it('counts an empty value as not set', () => {
    expect(loadConfig('api', { ...GOOD, PORT: '', AGENCY_NAME: '' })).toMatchObject({
      PORT: 8080,
      AGENCY_NAME: 'Unnamed agency',
    });
    expect(faultsOf('api', { ...GOOD, REDIS_URL: '' })).toEqual([expect.stringMatching(/^REDIS_URL: /)]);
  });

  it('names every fault of a wrong configuration at once, each with its variable', () => {
    const wrong = {
      PUBLIC_URL: 'evidence.example.org',
      PORT: '80800',
      TIME_ZONE: 'Mars/Olympus_Mons',
      TRUST_PROXY: 'perhaps',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://127.0.0.1/custodiet',
      REDIS_URL: 'redis://127.0.0.1:6379',
      S3_ENDPOINT: 'http://127.0.0.1:9000',
      S3_ACCESS_KEY_ID: 'id',
      LOG_SIGNING_KEY: 'secret',
      OBJECT_LOCK_DAYS: '0',
      RETENTION_DAYS: 'ninety',
    };
    const faulty = faultsOf('worker', wrong);
    const variables = faulty.map((fault) => fault.split(':')[0]).sort();
    expect(variables).toEqual([
      'DATABASE_SEQUENCER_URL',
      'DATABASE_URL',
      'LOG_LEVEL',
      'LOG_SIGNING_KEY',
      'OBJECT_LOCK_DAYS',
      'PORT',
      'PUBLIC_URL',
      'RETENTION_DAYS',
      'S3_SECRET_ACCESS_KEY',
      'TIME_ZONE',
      'TRUST_PROXY',
    ]);
    const { message } = new ConfigurationFaulty(faulty);
    for (const fault of faulty) expect(message).toContain(fault);
    expect(message).toMatch(/^The configuration has 11 faults:/);
  });

  it('does not repeat a secret in what it says about it', () => {
    const said = faultsOf('api', { ...GOOD, DATABASE_URL: 'mysql://app:hunter2@db/custodiet', LOG_SIGNING_KEY: 'hunter2' }).join(
      ' ',
    );
    expect(said).toContain('DATABASE_URL');
    expect(said).not.toContain('hunter2');
  });

  it('asks of each kind of process only what that one needs', () => {
    expect(faultsOf('api', GOOD)).toEqual([]);
    expect(faultsOf('worker', GOOD)).toEqual([
      'DATABASE_SEQUENCER_URL: is needed by the worker process',
      'LOG_SIGNING_KEY or LOG_SIGNING_KEY_FILE: is needed by the worker process',
    ]);
    expect(faultsOf('migrate', GOOD)).toEqual([
      'DATABASE_OWNER_URL: is needed by the migrate process',
      'DATABASE_SEQUENCER_URL: is needed by the migrate process',
    ]);
  });
});
