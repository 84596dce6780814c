import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { lockState } from './state-lock.js';
import { readConfig, readWitnessKey } from './witness-config.js';
import { UsageFault } from './witness-faults.js';
import { witnessServer, type WriteLine } from './witness-server.js';
import { WitnessState } from './witness-state.js';
import { Witness } from './witness.js';

export interface ServeFlags {
  readonly config: string;
  readonly newState: boolean;
}

/** Serves until SIGTERM or SIGINT, and answers what was begun before it returns. @throws UsageFault before it listens */
export async function serveCommand({ config: path, newState }: ServeFlags): Promise<void> {
  const config = await readConfig(path);
  if (config.logs.length === 0) throw new UsageFault(`The config ${path} lists no log: there is nothing to witness`);
  const cosigner = await readWitnessKey(config);
  const lock = await lockState(config.stateFile);
  try {
    // Refused when there is a state, so that the flag cannot stay in a unit file and forget everything at each start.
    if (newState) await WitnessState.create(config.stateFile, cosigner.vkey);
    const state = await WitnessState.read(config.stateFile, cosigner.vkey);
    const server = witnessServer(new Witness(cosigner, config.logs, state), writeLine);
    server.listen(config.port, config.host);
    await once(server, 'listening');
    const { address, port } = server.address() as AddressInfo;
    writeLine({ event: 'listening', address, port, witness: cosigner.vkey, logs: config.logs.map(({ name }) => name) });
    const signal = await Promise.race(['SIGTERM', 'SIGINT'].map((name) => once(process, name).then(() => name)));
    const closed = once(server, 'close');
    server.close();
    server.closeIdleConnections();
    await closed;
    writeLine({ event: 'stopped', signal });
  } finally {
    lock.close();
  }
}

const writeLine: WriteLine = (line) => {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
};
