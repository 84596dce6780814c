import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Refusal } from '../failures.mjs';
import { isAlive, launch, onPath, readJson, stop, until } from '../processes.mjs';

/** @param {{ dataFolder: string, logs: string, settings: import('../settings.mjs').Settings }} place */
export async function startMinio({ dataFolder, logs, settings }) {
  const folder = join(dataFolder, 'minio');
  const record = join(dataFolder, 'services', 'minio.json');
  const log = join(logs, 'object-store.log');
  const accessKey = settings.password('s3-access-key').slice(0, 20).toUpperCase();
  const secretKey = settings.password('s3-secret-key');
  const adopted = isAlive(readJson(record));
  const port = adopted ? settings.rememberedPort('s3') : await settings.freePort('s3');
  const endpoint = `http://127.0.0.1:${port}`;
  let identity = readJson(record);

  if (!adopted) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const env = { ...process.env, MINIO_ROOT_USER: accessKey, MINIO_ROOT_PASSWORD: secretKey, MINIO_BROWSER: 'off' };
    ({ identity } = launch(onPath('minio'), ['server', folder, '--address', `127.0.0.1:${port}`], {
      log,
      env,
      cwd: folder,
      record,
    }));
  }
  const isReady = async () => {
    try {
      return (await fetch(`${endpoint}/minio/health/ready`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  };
  if (!(await until(async () => !isAlive(identity) || (await isReady()), 60, 100)) || !isAlive(identity)) {
    throw new Refusal(`The object store did not start. See ${log}`);
  }
  return { said: `MinIO, native, port ${port}${adopted ? ', was running' : ''}`, endpoint, accessKey, secretKey };
}

export async function stopMinio({ dataFolder }) {
  const record = join(dataFolder, 'services', 'minio.json');
  const ran = await stop(readJson(record), { graceSeconds: 30 });
  rmSync(record, { force: true });
  return ran;
}
