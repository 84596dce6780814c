import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { accepts } from '../ports.mjs';
import { run } from '../processes.mjs';

const CONTAINER_OF = { postgres: 'postgres', redis: 'redis', objectStore: 'minio' };

/** One project a data folder, so that two clones, or a start and a test, never share containers or volumes. */
export function projectName(dataFolder) {
  return `custodiet-${createHash('sha256').update(dataFolder).digest('hex').slice(0, 12)}`;
}

/** The services of `sources` that compose provides, under compose.yaml's names. */
export function containersOf(sources) {
  return Object.entries(CONTAINER_OF).flatMap(([service, container]) => (sources[service] === 'docker' ? [container] : []));
}

/** Starts the containers and waits until their health checks pass. */
export async function startContainers({ top, dataFolder, logs, settings, sources }) {
  const containers = containersOf(sources);
  const env = await composeEnvironment(settings, async (name) => {
    const remembered = settings.rememberedPort(name);
    // Taken by our own container of a run that was killed, perhaps: compose then leaves it as it is; a stranger's makes compose fail.
    return remembered && (await accepts(remembered)) && (await isRunning({ top, dataFolder, logs, settings }))
      ? remembered
      : settings.freePort(name);
  });
  await compose({ top, dataFolder, logs, env }, ['up', '--detach', '--wait', ...containers]);
  return {
    said: `${containers.join(', ')} in Docker`,
    administratorUrl: `postgres://custodiet_admin:${env.POSTGRES_PASSWORD}@127.0.0.1:${env.POSTGRES_PORT}/postgres`,
    redisUrl: `redis://:${env.REDIS_PASSWORD}@127.0.0.1:${env.REDIS_PORT}/0`,
    endpoint: `http://127.0.0.1:${env.S3_PORT}`,
    accessKey: env.S3_ACCESS_KEY_ID,
    secretKey: env.S3_SECRET_ACCESS_KEY,
  };
}

/** Stops the containers; the data stays in its volumes unless `forget` is set. */
export async function stopContainers({ top, dataFolder, logs, settings, forget = false }) {
  const env = await composeEnvironment(settings, (name) => settings.rememberedPort(name) ?? 1);
  await compose({ top, dataFolder, logs, env }, forget ? ['down', '--volumes', '--timeout', '30'] : ['stop', '--timeout', '60']);
  return true;
}

async function isRunning({ top, dataFolder, logs, settings }) {
  const env = await composeEnvironment(settings, (name) => settings.rememberedPort(name) ?? 1);
  return (await compose({ top, dataFolder, logs, env }, ['ps', '--quiet', '--status', 'running'], true)).trim() !== '';
}

async function composeEnvironment(settings, port) {
  return {
    ...process.env,
    POSTGRES_PORT: String(await port('postgres')),
    POSTGRES_PASSWORD: settings.password('postgres'),
    REDIS_PORT: String(await port('redis')),
    REDIS_PASSWORD: settings.password('redis'),
    S3_PORT: String(await port('s3')),
    S3_ACCESS_KEY_ID: settings.password('s3-access-key').slice(0, 20).toUpperCase(),
    S3_SECRET_ACCESS_KEY: settings.password('s3-secret-key'),
    // Compose asks for all that the file names, also for what is not started.
    APP_PASSWORD: settings.password('role-app'),
    OWNER_PASSWORD: settings.password('role-owner'),
    SEQUENCER_PASSWORD: settings.password('role-sequencer'),
    LOG_ORIGIN: settings.logOrigin(),
  };
}

function compose({ top, dataFolder, logs, env }, args, capture = false) {
  const project = ['compose', '--file', join(top, 'docker', 'compose.yaml'), '--project-name', projectName(dataFolder)];
  return run('docker', [...project, ...args], {
    log: join(logs, 'compose.log'),
    env,
    cwd: top,
    capture,
    abortable: args[0] === 'up',
  });
}
