import { mkdirSync, rmSync } from 'node:fs';
import { roleUrls } from '../environment.mjs';
import { Refusal } from '../failures.mjs';
import { accepts } from '../ports.mjs';
import { onPath, until } from '../processes.mjs';
import { chooseServices, dockerAnswers } from './choose-services.mjs';
import { containersOf, startContainers, stopContainers } from './compose.mjs';
import { installPackages, missingPackages, planPackages } from './debian-packages.mjs';
import { startCeph, stopCeph } from './native-ceph.mjs';
import { startMinio, stopMinio } from './native-minio.mjs';
import { startPostgres, stopPostgres } from './native-postgres.mjs';
import { startRedis, stopRedis } from './native-redis.mjs';

/**
 * Decides where each service comes from and what must be installed for it. Asks the machine, changes nothing.
 * @throws {Refusal} exit code 2 when something is missing that cannot be installed from here
 */
export async function planServices({ user, holders, tests = false }) {
  const needsEngine = !user.DATABASE_URL || !user.REDIS_URL || !user.S3_ENDPOINT;
  const docker = needsEngine && (await dockerAnswers());
  const sources = chooseServices({ user, docker, minio: onPath('minio') !== undefined, holders });
  return { sources, packages: await planPackages(missingPackages(sources, user, undefined, { tests })) };
}

/** Installs what the plan found missing. */
export async function installMissing({ packages }, { progress, logs }) {
  if (packages.missing.length > 0) await progress.step('system packages', () => installPackages(packages, logs));
}

/**
 * Starts all services, or finds them running, side by side.
 * @param {object} place
 * @param {string} place.database name of the product's database, where we decide on it
 * @param {import('../settings.mjs').Settings} place.roleSettings where the passwords of the database roles are kept
 * @returns {Promise<Record<string, string>>} the variables by which the product reaches them
 */
export async function startServices(
  { sources },
  { top, dataFolder, logs, settings, user, progress, database = 'custodiet', roleSettings = settings },
) {
  mkdirSync(logs, { recursive: true, mode: 0o700 });
  const place = { top, dataFolder, logs, settings, sources };
  const password = (role) => roleSettings.password(`role-${role}`);
  const s3Variables = ({ endpoint, accessKey, secretKey }) => ({
    S3_ENDPOINT: endpoint,
    S3_ACCESS_KEY_ID: accessKey,
    S3_SECRET_ACCESS_KEY: secretKey,
  });
  for (const [service, source] of Object.entries(sources)) if (source !== 'named') settings.rememberHolder(service, source);

  const starting = [];
  const start = (name, work) => starting.push(progress.step(name, work));
  if (containersOf(sources).length > 0) {
    start('Docker', async () => {
      const started = await startContainers(place);
      return {
        said: started.said,
        variables: {
          ...(sources.postgres === 'docker' && roleUrls(started.administratorUrl, database, password)),
          ...(sources.redis === 'docker' && { REDIS_URL: started.redisUrl }),
          ...(sources.objectStore === 'docker' && s3Variables(started)),
        },
      };
    });
  }
  if (sources.postgres === 'named') start('PostgreSQL', () => namedDatabase(user, database, password));
  if (sources.postgres === 'native') {
    start('PostgreSQL', async () => {
      const { said, administratorUrl } = await startPostgres(place);
      return { said, variables: roleUrls(administratorUrl, database, password) };
    });
  }
  if (sources.redis === 'named') {
    start('Redis', async () => ({
      said: await named('REDIS_URL', user.REDIS_URL, 6379),
      variables: { REDIS_URL: user.REDIS_URL },
    }));
  }
  if (sources.redis === 'native') {
    start('Redis', async () => {
      const { said, url } = await startRedis(place);
      return { said, variables: { REDIS_URL: url } };
    });
  }
  if (sources.objectStore === 'named') start('object store', () => namedObjectStore(user));
  if (sources.objectStore === 'minio' || sources.objectStore === 'ceph') {
    start('object store', async () => {
      const started = await (sources.objectStore === 'minio' ? startMinio(place) : startCeph(place));
      return { said: started.said, variables: s3Variables(started) };
    });
  }
  // All are waited for also when one fails: what is still starting could otherwise not be stopped.
  const outcomes = await Promise.allSettled(starting);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  return Object.assign({}, ...outcomes.map(({ value }) => value.variables));
}

/** Stops the services that this data folder's runs started, and no others. With `forget` their data goes too. */
export async function stopServices({ top, dataFolder, logs, settings, progress, forget = false }) {
  const place = { top, dataFolder, logs, settings, forget };
  const stopping = [
    ['object store', async () => (await stopCeph(place)) || (await stopMinio(place))],
    ['Redis', () => stopRedis(place)],
    ['PostgreSQL', () => stopPostgres(place)],
  ];
  if (Object.values(settings.holders).includes('docker')) stopping.push(['Docker', () => stopContainers(place)]);
  const outcomes = await Promise.allSettled(
    stopping.map(([name, work]) => progress.step(name, async () => ((await work()) ? 'stopped' : 'was not running'))),
  );
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  if (forget) rmSync(dataFolder, { recursive: true, force: true });
}

/** ffmpeg serves every run, whatever the services are. */
export function findFfmpeg(user) {
  return {
    ffmpeg: user.FFMPEG_PATH ?? onPath('ffmpeg') ?? 'ffmpeg',
    ffprobe: user.FFPROBE_PATH ?? onPath('ffprobe') ?? 'ffprobe',
  };
}

async function namedDatabase(user, database, password) {
  const said = await named('DATABASE_URL', user.DATABASE_URL, 5432);
  if (user.DATABASE_OWNER_URL && user.DATABASE_SEQUENCER_URL) {
    const { DATABASE_URL, DATABASE_OWNER_URL, DATABASE_SEQUENCER_URL, DATABASE_ADMIN_URL } = user;
    const administrative = DATABASE_ADMIN_URL ? { DATABASE_ADMIN_URL } : {};
    return { said, variables: { DATABASE_URL, DATABASE_OWNER_URL, DATABASE_SEQUENCER_URL, ...administrative } };
  }
  return { said: `${said}, as administrator`, variables: roleUrls(user.DATABASE_URL, database, password) };
}

async function namedObjectStore(user) {
  const { S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = user;
  if (!S3_ACCESS_KEY_ID || !S3_SECRET_ACCESS_KEY) {
    throw new Refusal('S3_ENDPOINT names an object store; S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY must be set as well.', 2);
  }
  const said = await named('S3_ENDPOINT', S3_ENDPOINT, S3_ENDPOINT.startsWith('https:') ? 443 : 80);
  return { said, variables: { S3_ENDPOINT, S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } };
}

/** Only that something listens is checked here: whether it is what it should be is for the product to find out and to say. */
async function named(variable, value, defaultPort) {
  let url;
  try {
    url = new URL(value);
  } catch {
    throw new Refusal(`${variable} is not a URL.`, 2);
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || defaultPort);
  if (!(await until(() => accepts(port, host), 10, 500)))
    throw new Refusal(`${variable} names ${host}:${port}, where nothing answers.`);
  return `${host}:${port}, named by ${variable}`;
}
