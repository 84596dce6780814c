import { Refusal } from '../failures.mjs';
import { ask } from '../processes.mjs';

/**
 * Where each service comes from: 'named' (a variable names it), 'docker' (an engine answers), 'native' (a private instance under the
 * data folder); the native object store is 'minio' where that program is on PATH, else 'ceph'.
 * @typedef {{ postgres: 'named' | 'docker' | 'native', redis: 'named' | 'docker' | 'native', objectStore: 'named' | 'docker' | 'minio' | 'ceph' }} Sources
 */

const NAMED_BY = { postgres: 'DATABASE_URL', redis: 'REDIS_URL', objectStore: 'S3_ENDPOINT' };

/**
 * A service that already holds data stays where it is, whatever has become possible since: data must survive a stop and a start.
 *
 * @param {object} known
 * @param {Record<string, string>} known.user what the person set
 * @param {boolean} known.docker an engine with compose answers
 * @param {boolean} known.minio a minio program is on PATH
 * @param {Record<string, string>} known.holders what holds the data of a former run
 * @returns {Sources}
 */
export function chooseServices({ user, docker, minio, holders = {} }) {
  const choice = (service, native) => {
    if (user[NAMED_BY[service]]) return 'named';
    if (holders[service] === 'docker' && !docker) {
      throw new Refusal(
        `The data of this clone (${service}) lies in Docker volumes, but no Docker engine with compose answers. Start Docker, or remove settings.json from the data folder to begin anew without that data.`,
        2,
      );
    }
    if (holders[service] === 'minio' && !minio) {
      throw new Refusal('The recordings of this clone are kept by a minio program that is no longer on PATH.', 2);
    }
    return holders[service] ?? (docker ? 'docker' : native);
  };
  return {
    postgres: choice('postgres', 'native'),
    redis: choice('redis', 'native'),
    objectStore: choice('objectStore', minio ? 'minio' : 'ceph'),
  };
}

/** True when a Docker engine answers within five seconds and has compose. */
export async function dockerAnswers() {
  const engine = await ask('docker', ['info', '--format', '{{.ServerVersion}}'], { timeoutSeconds: 5 });
  if (engine.code !== 0) return false;
  return (await ask('docker', ['compose', 'version', '--short'], { timeoutSeconds: 5 })).code === 0;
}
