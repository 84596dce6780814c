import { writeFileSync } from 'node:fs';
import { generateNoteKey } from '#tlog';

/** make-key ORIGIN FILE: a new log signing key, 0600, never over an old one; prints the public key that others pin. */
const [, , origin, file] = process.argv;
if (origin === undefined || file === undefined) {
  process.stderr.write('Usage: make-key ORIGIN FILE\n');
  process.exit(2);
}
const { skey, vkey } = generateNoteKey(origin);
writeFileSync(file, `${skey}\n`, { mode: 0o600, flag: 'wx' });
process.stdout.write(`${vkey}\n`);
