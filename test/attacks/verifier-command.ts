import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { TOP } from '../support/repository.js';

export interface Verdict {
  /** 0 verified, 1 not verified, 2 nothing could be looked at. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** custodiet-verify as outsiders run it: one file, in a process that knows nothing but its arguments and what it is told. */
export class VerifierCommand {
  private constructor(
    /** What a test gives it to read. */
    readonly folder: string,
    private readonly program: string,
  ) {}

  static async build(): Promise<VerifierCommand> {
    const folder = await mkdtemp(join(tmpdir(), 'custodiet-attacks-'));
    const program = join(folder, 'verify.mjs');
    await build({
      entryPoints: [join(TOP, 'apps/verifier/src/main.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      mainFields: ['module', 'main'],
      external: ['pg-native'],
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      tsconfig: join(TOP, 'tsconfig.json'),
      logLevel: 'error',
    });
    return new VerifierCommand(folder, program);
  }

  run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Verdict> {
    return new Promise((resolve) => {
      execFile(process.execPath, [this.program, ...args], { cwd: this.folder, env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err });
      });
    });
  }

  /** @returns its path */
  async put(name: string, content: Uint8Array | string): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content);
    return path;
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
