import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assertConfig, readConfig, writeConfig } from './dock-config.js';
import { UsageFault } from './dock-faults.js';
import { createDockKey } from './dock-key.js';

const KEY_FILE = 'dock-key.pem';

/** Makes the key pair and the config, and prints the public key. Never touches a key or a config that is there. */
export async function enrolCommand(flags: { readonly server: string; readonly config: string }): Promise<void> {
  if (await exists(flags.config))
    throw new UsageFault(`There is a config at ${flags.config} already: name another with --config`);
  const config = { server: flags.server, keyFile: KEY_FILE };
  // A wrong server is noticed before there is a key, because a key without a config stands in the way of the next try
  assertConfig(config, flags.config);
  const publicKey = await createDockKey(join(dirname(flags.config), KEY_FILE));
  await writeConfig(flags.config, config);
  const { protocol, hostname } = new URL(flags.server);
  if (protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(hostname)) {
    process.stderr.write(`warning: ${flags.server} is not encrypted, so footage crosses the network in the clear\n`);
  }
  process.stderr.write(`Config and key written beside ${flags.config}. Give the administrator this public key:\n`);
  process.stdout.write(`${publicKey}\n`);
}

/** Stores what the administrator gave back. @throws UsageFault when it differs from what was accepted before */
export async function acceptCommand(flags: {
  readonly dock: string;
  readonly logKey: string;
  readonly config: string;
}): Promise<void> {
  const config = await readConfig(flags.config);
  // A pinned key that could be replaced by whoever sends the next command line would not be pinned
  if (config.logKey !== undefined && (config.logKey !== flags.logKey || config.dock !== flags.dock)) {
    throw new UsageFault(
      `This dock was accepted already, with another id or log key. To change that, edit ${flags.config} yourself`,
    );
  }
  await writeConfig(flags.config, { ...config, dock: flags.dock, logKey: flags.logKey });
  process.stderr.write('Accepted: this dock can upload now.\n');
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
