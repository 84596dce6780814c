import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parseVerifier, TlogError, verifyReceipt } from '#tlog';
import { readAcceptedConfig } from './dock-config.js';
import { messageOf, UsageFault } from './dock-faults.js';

/** Answers the exit code: 0 verified, 1 not. @throws UsageFault when a file cannot be read */
export async function verifyReceiptCommand(
  receiptPath: string,
  flags: { readonly file: string; readonly logKey?: string; readonly config: string },
): Promise<number> {
  const logKey = pinned(flags.logKey ?? (await readAcceptedConfig(flags.config)).logKey);
  const receipt = await readable(receiptPath, () => readFile(receiptPath, 'utf8'));
  const sha256 = await readable(flags.file, () => sha256Of(flags.file));
  try {
    const { index, at, checkpoint } = verifyReceipt(receipt, { logKey, sha256 });
    process.stdout.write(
      `verified: ${flags.file} was sealed at ${at}, entry ${String(index)} of ${checkpoint.origin}, ` +
        `proven under a signed checkpoint of ${String(checkpoint.size)} entries\n`,
    );
    return 0;
  } catch (error) {
    if (!(error instanceof TlogError)) throw error;
    process.stdout.write(`NOT verified (${error.code}): ${error.message}\n`);
    return 1;
  }
}

function pinned(vkey: string): ReturnType<typeof parseVerifier> {
  try {
    return parseVerifier(vkey);
  } catch (error) {
    throw new UsageFault(`The log key is wrong: ${messageOf(error)}`);
  }
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    throw new UsageFault(`${path} cannot be read: ${messageOf(error)}`);
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) hash.update(chunk);
  return hash.digest('hex');
}
