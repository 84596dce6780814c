import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { generateWitnessKey } from '#tlog';
import { writeConfig, writeNew } from './witness-config.js';
import { UsageFault, messageOf } from './witness-faults.js';
import { WitnessState } from './witness-state.js';

export interface InitFlags {
  readonly config: string;
  readonly name: string;
  readonly listen: string;
  readonly logs: readonly string[];
}

/** Makes key, empty state and config side by side, overwriting nothing, and answers the public key. @throws UsageFault */
export async function initCommand({ config, name, listen, logs }: InitFlags): Promise<string> {
  const folder = dirname(resolve(config));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const { skey, vkey } = newKey(name);
  const keyFile = 'witness.key';
  const stateFile = 'witness.state';
  // The config comes first: when it is refused, or there is one already, no key lies about.
  const made = await writeConfig(config, { name, listen, keyFile, stateFile, logs });
  await writeNew(join(folder, keyFile), `${skey}\n`, 0o600);
  await WitnessState.create(made.stateFile, vkey);
  return vkey;
}

function newKey(name: string): { skey: string; vkey: string } {
  try {
    return generateWitnessKey(name);
  } catch (error) {
    throw new UsageFault(`--name: ${messageOf(error)}`);
  }
}
