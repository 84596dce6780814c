import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of what the person set, what counts in throw-away runs too; the services' own variables come with the services. */
const FOR_EVERY_RUN = ['FFMPEG_PATH', 'FFPROBE_PATH', 'S3_REGION'];

/** Reads `KEY=VALUE` lines; `#` begins a comment line, one pair of quotes around the value is taken off, `export` is allowed. */
export function parseDotEnv(text) {
  const values = {};
  for (const line of text.split(/\r?\n/)) {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$/.exec(line);
    if (!match) continue;
    const [, name, value] = match;
    values[name] = /^(["']).*\1$/s.test(value) && value.length > 1 ? value.slice(1, -1) : value;
  }
  return values;
}

/** What the person set: the shell's environment over the `.env` file at the top. Empty values count as not set. */
export function readUserEnvironment(top, shell = process.env) {
  let file = '';
  try {
    file = readFileSync(join(top, '.env'), 'utf8');
  } catch {
    // No .env file.
  }
  return Object.fromEntries(Object.entries({ ...parseDotEnv(file), ...shell }).filter(([, value]) => value !== ''));
}

/**
 * The whole environment of the product's processes. `services` holds the URLs of what was started or named.
 *
 * @param {object} run
 * @param {Record<string, string>} run.user what the person set; it wins over everything generated
 * @param {boolean} run.throwAway in a throw-away run only services and programs named by the person win: tests must never sign with
 *   the person's own key or write into the person's own buckets
 */
export function productEnvironment({ user, services, dataFolder, ports, logOrigin, ffmpeg, throwAway = false, runName = '' }) {
  const host = (throwAway ? undefined : user.HOST) ?? '127.0.0.1';
  const port = (throwAway ? undefined : user.PORT) ?? String(ports.api);
  const generated = {
    AGENCY_NAME: 'Riverside Police Department (demonstration)',
    PUBLIC_URL: `http://${reachable(host)}:${port}`,
    HOST: host,
    PORT: port,
    WORKER_PORT: String(ports.worker),
    S3_REGION: 'us-east-1',
    S3_EVIDENCE_BUCKET: throwAway ? `custodiet-${runName}-evidence` : 'custodiet-evidence',
    S3_RENDITION_BUCKET: throwAway ? `custodiet-${runName}-renditions` : 'custodiet-renditions',
    S3_DISCLOSURE_BUCKET: throwAway ? `custodiet-${runName}-disclosures` : 'custodiet-disclosures',
    S3_LOG_BUCKET: throwAway ? `custodiet-${runName}-log` : 'custodiet-log',
    LOG_ORIGIN: logOrigin,
    LOG_SIGNING_KEY_FILE: join(dataFolder, 'keys', 'log-signing.key'),
    // Tests start witnesses of their own.
    ...(!throwAway && { WITNESS_POLICY_FILE: join(dataFolder, 'witness-policy.txt') }),
    WORK_DIR: join(dataFolder, 'work'),
    FFMPEG_PATH: ffmpeg.ffmpeg,
    FFPROBE_PATH: ffmpeg.ffprobe,
    ...services,
  };
  const wins = Object.keys(generated).filter((name) => !throwAway || FOR_EVERY_RUN.includes(name));
  // The services' own variables are settled: where the person named a service they hold what the person set, and elsewhere a stray
  // S3_ACCESS_KEY_ID, say, would lock the product out of the store that was started for it.
  const named = wins.filter((name) => user[name] !== undefined && !(name in services)).map((name) => [name, user[name]]);
  return { ...generated, ...Object.fromEntries(named) };
}

/** What an app must not have: with it, it could change its own guard-rails or sign in the log's name. */
const WITHHELD = {
  api: ['DATABASE_ADMIN_URL', 'DATABASE_OWNER_URL', 'DATABASE_SEQUENCER_URL', 'LOG_SIGNING_KEY', 'LOG_SIGNING_KEY_FILE'],
  worker: ['DATABASE_ADMIN_URL', 'DATABASE_OWNER_URL'],
};

/** The part of the environment that an app gets. @param {'api' | 'worker'} app */
export function environmentOf(app, environment) {
  return without(environment, WITHHELD[app]);
}

/**
 * The shell's environment for a throw-away run, without what would count more than the run's own: keys of a log, witnesses and timestamp
 * authorities named there, and the mark that keeps Node's test runner inside another one from running anything.
 */
export function shellForThrowAway(shell = process.env) {
  const outsiders = ['WITNESS_POLICY_FILE', 'TIMESTAMP_AUTHORITIES'];
  return without(shell, ['LOG_SIGNING_KEY', 'LOG_FORMER_KEYS', ...outsiders, 'NODE_TEST_CONTEXT']);
}

function without(environment, names) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !names.includes(name)));
}

/** The address at which this machine reaches a server listening on `host`. */
export function reachable(host) {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

/** The three roles' URLs on the server of an administrator's connection. */
export function roleUrls(administratorUrl, database, password) {
  const urlOf = (role) => {
    const url = new URL(administratorUrl);
    url.username = `custodiet_${role}`;
    url.password = password(role);
    url.pathname = `/${database}`;
    return url.href;
  };
  return {
    DATABASE_URL: urlOf('app'),
    DATABASE_OWNER_URL: urlOf('owner'),
    DATABASE_SEQUENCER_URL: urlOf('sequencer'),
    DATABASE_ADMIN_URL: administratorUrl,
  };
}
