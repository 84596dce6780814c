import { unlink } from 'node:fs/promises';
import { createConnection, createServer, type Server } from 'node:net';
import { UsageFault, messageOf, systemCode } from './witness-faults.js';

/**
 * Holds a state file for this process, as a listening socket beside it: the system lets go of it with the process, however
 * that ends, and the next one can tell a left socket from a living witness. @throws UsageFault when another one runs
 */
export async function lockState(stateFile: string): Promise<Server> {
  const path = `${stateFile}.lock`;
  try {
    return await listening(path);
  } catch (error) {
    if (systemCode(error) !== 'EADDRINUSE') throw new UsageFault(`The state cannot be locked: ${messageOf(error)}`);
  }
  if (await answers(path)) throw new UsageFault(`Another custodiet-witness runs with the state ${stateFile}`);
  await unlink(path);
  try {
    return await listening(path);
  } catch (error) {
    throw new UsageFault(`The state cannot be locked: ${messageOf(error)}`);
  }
}

function listening(path: string): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', reject);
    server.listen(path, () => {
      resolve(server);
    });
  });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => {
      resolve(false);
    });
  });
}
