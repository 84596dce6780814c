import { spawn } from 'node:child_process';
import { compiled, TOP } from '../support/repository.js';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one of the product's programs as a person would, with this very Node. */
export async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<Ran> {
  const child = spawn(process.execPath, [compiled(program), ...args], { cwd: TOP, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => out.push(piece));
  child.stderr.on('data', (piece: Buffer) => err.push(piece));
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? 128));
  });
  return { code, stdout: Buffer.concat(out).toString('utf8'), stderr: Buffer.concat(err).toString('utf8') };
}

/** @param home where this dock keeps its key, configuration and journal: never where the person's own dock has them */
export async function dock(home: string, ...args: string[]): Promise<Ran> {
  return run('custodiet-dock.mjs', args, { ...process.env, XDG_CONFIG_HOME: home, XDG_STATE_HOME: home });
}

export async function verify(...args: string[]): Promise<Ran> {
  return run('custodiet-verify.mjs', args);
}

/** @throws Error with what the program said unless it ended as expected */
export function expectCode(what: string, expected: number, { code, stdout, stderr }: Ran): void {
  if (code === expected) return;
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join(' / ');
  throw new Error(`${what}: expected exit code ${expected}, got ${code}. It said: ${said}`);
}
