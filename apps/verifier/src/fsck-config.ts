import { parseArgs } from 'node:util';
import type { OriginalsDepth, StoreAccess } from '#fsck';
import { messageOf, Unusable } from './trust-options.js';

export interface FsckConfig {
  readonly help: boolean;
  readonly json: boolean;
  /** With its password: never to be printed. */
  readonly database: string;
  readonly store: StoreAccess | undefined;
  readonly logBucket: string;
  /** Keys, or files that hold one. */
  readonly logKeys: readonly string[];
  /** A file. */
  readonly policy: string | undefined;
  readonly originals: OriginalsDepth | 'none';
  readonly heads: number | 'all';
}

const OPTIONS = {
  database: { type: 'string' },
  's3-endpoint': { type: 'string' },
  's3-region': { type: 'string' },
  'log-bucket': { type: 'string' },
  'log-key': { type: 'string', multiple: true },
  policy: { type: 'string' },
  originals: { type: 'string' },
  heads: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/** From the command line, and what is not there from the variables of `.env.example`. @throws Unusable */
export function fsckConfig(args: readonly string[], env: NodeJS.ProcessEnv = process.env): FsckConfig {
  const values = readArguments(args);
  const or = (given: string | undefined, variable: string): string | undefined => (given ?? env[variable]) || undefined;
  const { help = false, json = false, policy, heads = '24', originals = 'head' } = values;
  if (originals !== 'none' && originals !== 'head' && originals !== 'hash')
    throw new Unusable('--originals is none, head or hash.');
  if (heads !== 'all' && !/^(0|[1-9][0-9]{0,8})$/.test(heads)) throw new Unusable('--heads is a number or all.');
  const database = or(values.database, 'DATABASE_URL') ?? '';
  if (!help) checkDatabase(database);
  const endpoint = or(values['s3-endpoint'], 'S3_ENDPOINT');
  if (endpoint === undefined && (values['log-bucket'] ?? values.originals ?? 'none') !== 'none')
    throw new Unusable('--log-bucket and --originals take an object store: give --s3-endpoint, or S3_ENDPOINT.');
  return {
    ...{ help, json, database, policy, originals },
    store: endpoint === undefined ? undefined : storeAt(endpoint, or(values['s3-region'], 'S3_REGION') ?? 'us-east-1', env),
    logBucket: or(values['log-bucket'], 'S3_LOG_BUCKET') ?? 'custodiet-log',
    logKeys: values['log-key'] ?? [],
    heads: heads === 'all' ? heads : Number(heads),
  };
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS }).values;
  } catch (error) {
    throw new Unusable(messageOf(error));
  }
}

function checkDatabase(url: string): void {
  if (url === '') throw new Unusable('Which database? Give --database, or DATABASE_URL.');
  // Not repeated in what is said: it holds a password.
  if (!/^postgres(ql)?:\/\//.test(url) || !URL.canParse(url))
    throw new Unusable('The address of the database is not one of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE.');
}

/** Its key never comes from the command line, which everybody on the machine can read. */
function storeAt(endpoint: string, region: string, env: NodeJS.ProcessEnv): StoreAccess {
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!/^https?:\/\//.test(endpoint) || !URL.canParse(endpoint)) throw new Unusable('--s3-endpoint is an address: https://HOST.');
  if (!accessKeyId || !secretAccessKey)
    throw new Unusable('The object store takes S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY in the environment.');
  return { endpoint, region, accessKeyId, secretAccessKey };
}
