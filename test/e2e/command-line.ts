import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { compiled, TOP } from '../support/repository.js';

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a compiled program of the product with that environment and nothing else of ours. */
export async function runProgram(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const child = spawn(process.execPath, [compiled(program), ...args], { cwd: TOP, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Offline: the verifier is told of no service. */
export async function verifyBundle(path: string, ...args: string[]): Promise<Ended> {
  return runProgram('custodiet-verify.mjs', [path, ...args]);
}

interface FsckReport {
  readonly ok: boolean;
  readonly entries: number;
  readonly findings: readonly { readonly where: string; readonly what: string }[];
}

export async function fsck(
  env: NodeJS.ProcessEnv,
  logKey: string,
): Promise<{ readonly code: number | null; readonly report: FsckReport }> {
  const { code, stdout, stderr } = await runProgram('custodiet-verify.mjs', ['fsck', '--json', '--log-key', logKey], env);
  if (stdout === '') throw new Error(`fsck said nothing and ended with ${code}: ${stderr}`);
  return { code, report: JSON.parse(stdout) as FsckReport };
}
