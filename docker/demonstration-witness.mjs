import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Refusal } from './failures.mjs';
import { ask, readJson, run, writeJson } from './processes.mjs';
import { nodeOf } from './throw-away-run.mjs';

const NAME = 'demo-board.local/witness';
const ALIAS = 'demo-board';

/**
 * A witness for an installation that nobody outside watches yet, with the policy that asks for its cosignature. It shows how cosigning
 * goes and proves nothing to anybody: who holds the log holds this witness too. Made on first use, in `witness/` in the data folder.
 *
 * @param {Record<string, string>} environment the product's: which key signs the log, and where the policy is to be
 * @returns {Promise<{ url: string, args: string[] }>} what Node is to run, and where it will answer
 * @throws {Refusal} exit code 2 when there was a witness and it lost its state
 */
export async function demonstrationWitness({ top, dataFolder, logs, settings, progress }, environment) {
  const program = join(top, 'dist', 'custodiet-witness.mjs');
  const folder = join(dataFolder, 'witness');
  const logKeys = await logKeysOf(top, environment);
  if (!existsSync(folder)) await progress.step('witness key', () => makeWitness({ top, logs, program, folder, logKeys }));
  const config = join(folder, 'config.json');
  const listen = `127.0.0.1:${await settings.freePort('witness')}`;
  const configured = readJson(config);
  if (configured) writeJson(config, { ...configured, listen, logs: logKeys });
  const vkey = await checkedKey({ top, program, folder, config, progress });
  const url = `http://${listen}`;
  writePolicy(environment.WITNESS_POLICY_FILE, { logKeys, vkey, url });
  return { url, args: [program, 'serve', '--config', config] };
}

async function makeWitness({ top, logs, program, folder, logKeys }) {
  // Renamed when it is whole: half of one, left by a start that was killed, would look like one that lost its state.
  const unfinished = `${folder}.new`;
  rmSync(unfinished, { recursive: true, force: true });
  const log = logKeys.flatMap((key) => ['--log', key]);
  const init = [program, 'init', '--name', NAME, '--config', join(unfinished, 'config.json'), ...log];
  await run(nodeOf(top), init, { log: join(logs, 'witness.log'), cwd: top });
  renameSync(unfinished, folder);
  return NAME;
}

/** @returns {Promise<string>} the witness's public key, when config, key and state are as they must be */
async function checkedKey({ top, program, folder, config, progress }) {
  const { code, out } = await ask(nodeOf(top), [program, 'status', '--config', config], { timeoutSeconds: 60 });
  const [, vkey] = /^witness (\S+)$/m.exec(out) ?? [];
  if (vkey === undefined) {
    throw new Refusal(
      `The demonstration's witness cannot go on. ${out.trim()}\n\n` +
        `A witness that forgot what it cosigned could cosign another history, so none is begun in its place by itself. If what is\n` +
        `missing cannot be found again, delete ${folder}: the next start makes a new witness, with another key.\n` +
        `Bundles made until now name the former one in their policy and go on verifying with it.`,
      2,
    );
  }
  if (code !== 0) progress.say(out);
  return vkey;
}

/** C2SP tlog-policy. The text goes into every evidence bundle, and so must say there what this witness is worth. */
function writePolicy(file, { logKeys, vkey, url }) {
  const lines = [
    '# Made by npm start for demonstration: this witness runs beside the log that it watches, and is no outsider.',
    ...logKeys.map((key) => `log ${key}`),
    `witness ${ALIAS} ${vkey} ${url}`,
    `quorum ${ALIAS}`,
  ];
  writeFileSync(`${file}.new`, lines.map((line) => `${line}\n`).join(''));
  renameSync(`${file}.new`, file);
}

/** The public halves of the keys that sign the log: more than one while its key is being changed. */
async function logKeysOf(top, { LOG_SIGNING_KEY, LOG_SIGNING_KEY_FILE }) {
  const { verifierOf } = await import(pathToFileURL(join(top, 'dist', 'libs', 'tlog', 'src', 'index.js')).href);
  try {
    const text = LOG_SIGNING_KEY ?? readFileSync(LOG_SIGNING_KEY_FILE, 'utf8');
    return text
      .split(/\s+/)
      .filter(Boolean)
      .map((key) => verifierOf(key).vkey);
  } catch (error) {
    throw new Refusal(`The log's signing key cannot be used: ${error.message}`, 2);
  }
}
