import { readFile } from 'node:fs/promises';
import { parsePolicy, parseVerifier, type NoteVerifier, type WitnessPolicy } from '#tlog';

/** Nothing could be verified or refuted: exit status 2. */
export class Unusable extends Error {}

/** @param given a vkey, or a file that holds one. @throws Unusable */
export async function readLogKey(given: string): Promise<NoteVerifier> {
  try {
    return parseVerifier(given);
  } catch (asKey) {
    const text = await readFile(given, 'utf8').catch(() => {
      throw new Unusable(`--log-key is neither a key nor a file that can be read. (${messageOf(asKey)})`);
    });
    try {
      return parseVerifier(text.trim());
    } catch (error) {
      throw new Unusable(`${given} does not hold a log key. (${messageOf(error)})`);
    }
  }
}

/** @throws Unusable */
export async function readPolicy(path: string): Promise<WitnessPolicy> {
  const bytes = await readWhole(path);
  try {
    return parsePolicy(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch (error) {
    throw new Unusable(`${path} is not a policy. (${messageOf(error)})`);
  }
}

/** @throws Unusable */
export async function readWhole(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new Unusable(`${path} cannot be read. (${messageOf(error)})`);
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
