import { readFileSync } from 'node:fs';
import { z } from 'zod';

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');
/** Words parted by spaces, commas or newlines. */
const words = z
  .string()
  .default('')
  .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''));
/** Words parted by commas; what is left out is not allowed. */
const list = (text: string): string[] => [
  ...new Set(
    text
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== ''),
  ),
];
function isPattern(text: string): boolean {
  try {
    return new RegExp(text, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
const postgresUrl = z.url({ protocol: /^postgres(ql)?$/ });

/** Every variable the product reads, once, with its default. `.env.example` explains each and a test keeps the two equal. */
export const ConfigSchema = z.object({
  AGENCY_NAME: z.string().min(1).max(120).default('Unnamed agency'),
  TIME_ZONE: z
    .string()
    .default('UTC')
    .refine((zone) => Intl.supportedValuesOf('timeZone').includes(zone) || zone === 'UTC', 'is not an IANA time zone'),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65535).default(8080),
  WORKER_PORT: z.coerce.number().int().min(0).max(65535).default(8081),
  TRUST_PROXY: flag.default(false),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),

  DATABASE_URL: postgresUrl,
  DATABASE_SEQUENCER_URL: postgresUrl.optional(),
  DATABASE_OWNER_URL: postgresUrl.optional(),
  DATABASE_ADMIN_URL: postgresUrl.optional(),
  DATABASE_POOL: z.coerce.number().int().min(2).max(200).default(20),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),

  S3_ENDPOINT: z.url({ protocol: /^https?$/ }),
  S3_REGION: z.string().min(1).default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().min(1),
  S3_SECRET_ACCESS_KEY: z.string().min(1),
  S3_EVIDENCE_BUCKET: z.string().min(3).max(63).default('custodiet-evidence'),
  S3_RENDITION_BUCKET: z.string().min(3).max(63).default('custodiet-renditions'),
  S3_DISCLOSURE_BUCKET: z.string().min(3).max(63).default('custodiet-disclosures'),
  S3_LOG_BUCKET: z.string().min(3).max(63).default('custodiet-log'),
  S3_ENCRYPTION: z.enum(['none', 'AES256', 'aws:kms']).default('none'),
  S3_KMS_KEY_ID: z.string().min(1).optional(),
  OBJECT_LOCK_MODE: z.enum(['GOVERNANCE', 'COMPLIANCE']).default('COMPLIANCE'),
  OBJECT_LOCK_DAYS: z.coerce.number().int().min(1).max(36500).default(30),
  RETENTION_DAYS: z.coerce.number().int().min(1).max(36500).default(90),

  LOG_SIGNING_KEY: z.string().startsWith('PRIVATE+KEY+').optional(),
  LOG_SIGNING_KEY_FILE: z.string().optional(),
  LOG_FORMER_KEYS: words,
  LOG_LOCK_DAYS: z.coerce.number().int().min(1).max(36500).default(3650),
  CHECKPOINT_SECONDS: z.coerce.number().int().min(1).max(3600).default(10),
  HEADS_SECONDS: z.coerce.number().int().min(1).max(86400).default(3600),
  WITNESS_POLICY_FILE: z.string().min(1).optional(),
  TIMESTAMP_AUTHORITIES: words.pipe(z.array(z.url({ protocol: /^https?$/ })).max(8)),
  TIMESTAMP_SECONDS: z.coerce.number().int().min(1).max(86400).default(3600),

  PART_SIZE_MIB: z.coerce.number().int().min(5).max(64).default(8),
  MAX_FILE_GIB: z.coerce.number().int().min(1).max(1024).default(64),
  INTAKE_MIB: z.coerce.number().int().min(64).max(4096).default(64),
  UPLOAD_IDLE_HOURS: z.coerce.number().positive().max(8760).default(168),
  FIXITY_DAYS: z.coerce.number().positive().max(3650).default(180),
  ACCESS_POLICY_FILE: z.string().min(1).optional(),
  SESSION_HOURS: z.coerce.number().int().min(1).max(168).default(12),
  SIGN_IN_ATTEMPTS_PER_MINUTE: z.coerce.number().int().min(1).max(10000).default(20),
  VIEWING_IDLE_SECONDS: z.coerce.number().int().min(10).max(110).default(100),
  VIEWING_PROGRESS_SECONDS: z.coerce.number().int().min(1).max(30).default(30),
  CASE_NUMBER_PATTERN: z
    .string()
    .max(200)
    .refine((text) => isPattern(text), 'is not a regular expression')
    .default('^.{1,60}$'),
  REDACTION_REASONS: z
    .string()
    .transform(list)
    .pipe(z.array(z.string().min(2).max(60)).min(1).max(100))
    .prefault('bystander,juvenile,victim,witness,medical,plate,screen,undercover,address,name,nudity,other'),
  DISCLOSURE_FORMS: z
    .string()
    .transform(list)
    .pipe(
      z
        .array(
          z.string().regex(/^(prosecutor|defence|court|records-requester|oversight)=(unaltered|marked)$/, 'is not KIND=FORM'),
        )
        .min(1),
    )
    .prefault(
      'prosecutor=unaltered,prosecutor=marked,defence=unaltered,defence=marked,court=unaltered,court=marked,' +
        'oversight=unaltered,oversight=marked,records-requester=marked',
    ),
  REDACTION_STYLES: z
    .string()
    .transform(list)
    .pipe(z.array(z.enum(['solid', 'mosaic', 'blur'])).refine((styles) => styles.includes('solid'), 'must hold solid'))
    .prefault('solid'),

  WORK_DIR: z.string().min(1).default('.data/work'),
  WORK_DIR_GIB: z.coerce.number().positive().max(65536).default(80),
  FFMPEG_PATH: z.string().min(1).default('ffmpeg'),
  FFPROBE_PATH: z.string().min(1).default('ffprobe'),
  MEDIA_MEMORY_MIB: z.coerce.number().int().min(512).default(4096),
  MEDIA_TIME_LIMIT_SECONDS: z.coerce.number().int().min(10).default(14400),
  MEDIA_SANDBOX: z.enum(['auto', 'required', 'off']).default('auto'),
  DETECTOR_CASCADES_DIR: z.string().min(1).default('/usr/share/opencv4/haarcascades'),
  DEMO_ACCOUNTS_FILE: z.string().min(1).optional(),
  TRANSCODE_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(1),
  REDACT_CONCURRENCY: z.coerce.number().int().min(1).max(64).default(1),
  JOB_STARTS: z.coerce.number().int().min(1).max(1000).default(2),
});

export type Config = Readonly<z.infer<typeof ConfigSchema>>;
export const CONFIG = Symbol('CONFIG');

/** What each process must have beyond the schema's own requirements: the API never holds the signing key. */
const NEEDS = {
  api: [],
  worker: ['DATABASE_SEQUENCER_URL'],
  migrate: ['DATABASE_OWNER_URL', 'DATABASE_SEQUENCER_URL'],
} as const satisfies Record<string, readonly (keyof Config)[]>;

export class ConfigurationFaulty extends Error {
  constructor(readonly faults: readonly string[]) {
    super(
      `The configuration has ${faults.length} fault${faults.length === 1 ? '' : 's'}:\n${faults.map((f) => `  - ${f}`).join('\n')}`,
    );
  }
}

/** Parses the environment once, for one kind of process. @throws ConfigurationFaulty naming every fault at once. */
export function loadConfig(role: keyof typeof NEEDS, env: NodeJS.ProcessEnv = process.env): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = ConfigSchema.safeParse(given);
  const faults = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  for (const name of NEEDS[role]) if (given[name] === undefined) faults.push(`${name}: is needed by the ${role} process`);
  if (role === 'worker' && given['LOG_SIGNING_KEY'] === undefined && given['LOG_SIGNING_KEY_FILE'] === undefined)
    faults.push('LOG_SIGNING_KEY or LOG_SIGNING_KEY_FILE: is needed by the worker process');
  if (!parsed.success || faults.length > 0) throw new ConfigurationFaulty(faults);
  return Object.freeze(parsed.data);
}

/** The log's signing key (C2SP signed-note signer text). @throws ConfigurationFaulty when the file is missing or readable by others. */
export function readSigningKey(config: Config, stat: (path: string) => { mode: number }): string {
  if (config.LOG_SIGNING_KEY !== undefined) return config.LOG_SIGNING_KEY;
  const file = config.LOG_SIGNING_KEY_FILE ?? '';
  try {
    if ((stat(file).mode & 0o077) !== 0)
      throw new ConfigurationFaulty([`LOG_SIGNING_KEY_FILE: ${file} is readable by others; make it 0600`]);
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if (error instanceof ConfigurationFaulty) throw error;
    throw new ConfigurationFaulty([`LOG_SIGNING_KEY_FILE: ${file} cannot be read`]);
  }
}
