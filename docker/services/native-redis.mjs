import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Refusal } from '../failures.mjs';
import { isAlive, launch, onPath, readJson, stop, until } from '../processes.mjs';

/** @param {{ dataFolder: string, logs: string, settings: import('../settings.mjs').Settings }} place */
export async function startRedis({ dataFolder, logs, settings }) {
  const folder = join(dataFolder, 'redis');
  const record = join(dataFolder, 'services', 'redis.json');
  const log = join(logs, 'redis.log');
  const password = settings.password('redis');
  const adopted = isAlive(readJson(record));
  const port = adopted ? settings.rememberedPort('redis') : await settings.freePort('redis');
  const isReady = async () => (await sendRedis({ port, password }, ['PING'])) === '+PONG';

  if (!adopted) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // The password stands in a file and not on the command line, which every account of the machine can read.
    const configuration = join(folder, 'redis.conf');
    writeFileSync(
      configuration,
      [
        `port ${port}`,
        'bind 127.0.0.1',
        `dir "${folder}"`,
        `requirepass ${password}`,
        'appendonly yes',
        'appendfsync everysec',
        'maxmemory-policy noeviction',
        'daemonize no',
        '',
      ].join('\n'),
      { mode: 0o600 },
    );
    const { identity } = launch(onPath('redis-server'), [configuration], { log, cwd: folder, record });
    if (!(await until(async () => !isAlive(identity) || (await isReady()), 30)) || !isAlive(identity)) {
      throw new Refusal(`Redis did not start. See ${log}`);
    }
  } else if (!(await until(isReady, 30))) throw new Refusal(`Redis runs but does not answer on port ${port}. See ${log}`);

  return { said: `native, port ${port}${adopted ? ', was running' : ''}`, url: `redis://:${password}@127.0.0.1:${port}/0` };
}

export async function stopRedis({ dataFolder }) {
  const record = join(dataFolder, 'services', 'redis.json');
  const ran = await stop(readJson(record), { graceSeconds: 30 });
  rmSync(record, { force: true });
  return ran;
}

/** Sends one command and returns the first line of the answer (RESP); undefined when there is none. */
export function sendRedis({ port, password }, words) {
  const encode = (parts) => `*${parts.length}\r\n${parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`).join('')}`;
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    let received = '';
    const end = (answer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write(encode(['AUTH', password]) + encode(words)));
    socket.on('data', (piece) => {
      received += piece;
      const [, answer, ...rest] = received.split('\r\n');
      // A bulk string's length comes first, its text in the next line.
      if (answer?.startsWith('$') && answer !== '$-1') {
        if (rest.length > 1) end(rest[0]);
      } else if (rest.length > 0) end(answer);
    });
    socket.once('timeout', () => end(undefined));
    socket.once('error', () => end(undefined));
    socket.once('close', () => resolve(undefined));
  });
}
