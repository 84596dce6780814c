import { promises } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded into custodiet-dock with --import: kills the process as a power cut would, before or after the n-th call that puts a file under its
 * name or takes it away. KILL_AT is { call: "rename" | "unlink", path: part of the path, count, when: "before" | "after" }.
 */
const { call, path, count, when } = JSON.parse(process.env.KILL_AT);
const original = promises[call];
let seen = 0;

promises[call] = async (...args) => {
  const isMeant = String(args.at(-1)).includes(path) && (seen += 1) === count;
  if (isMeant && when === 'before') process.kill(process.pid, 'SIGKILL');
  await original(...args);
  if (isMeant && when === 'after') process.kill(process.pid, 'SIGKILL');
};
syncBuiltinESMExports();
