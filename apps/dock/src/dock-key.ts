import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { noteVerifier, type NoteSigner } from '#tlog';
import { messageOf, systemCode, UsageFault } from './dock-faults.js';

/** Makes the key pair and answers the raw 32 bytes of the public half in base64. @throws UsageFault when there is a file already */
export async function createDockKey(path: string): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' });
    await writeFile(path, pem, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw new UsageFault(`The key cannot be written: ${messageOf(error)}`);
    throw new UsageFault(
      `There is a key at ${path} already. It is not overwritten, because files signed with it may be under way`,
    );
  }
  return Buffer.from(rawPublicKey(privateKey)).toString('base64');
}

/** @throws UsageFault when the file is missing, is no Ed25519 key or can be read by others */
export async function readDockKey(path: string): Promise<KeyObject> {
  try {
    const { mode } = await stat(path);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new UsageFault(
        `The key ${path} can be read by others: run chmod 600 on it, or enrol with a new one if that is possible`,
      );
    }
    const key = createPrivateKey(await readFile(path));
    if (key.asymmetricKeyType !== 'ed25519') throw new UsageFault(`The key ${path} is not an Ed25519 key`);
    return key;
  } catch (error) {
    if (error instanceof UsageFault) throw error;
    throw new UsageFault(`The key cannot be read: ${messageOf(error)}`);
  }
}

/** Signs manifests as "dock/<uuid>". */
export function dockSigner(dock: string, key: KeyObject): NoteSigner {
  const { name, keyId } = noteVerifier(`dock/${dock}`, rawPublicKey(key));
  return { name, keyId, sign: (text) => new Uint8Array(sign(null, Buffer.from(text, 'utf8'), key)) };
}

function rawPublicKey(key: KeyObject): Uint8Array {
  const { x } = createPublicKey(key).export({ format: 'jwk' });
  return new Uint8Array(Buffer.from(x ?? '', 'base64url'));
}
