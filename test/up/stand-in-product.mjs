import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from '../../docker/processes.mjs';

const top = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/**
 * A clone in a temporary folder with the real up.mjs and small programs where API, worker and seed stand: what up.mjs does with processes,
 * signals and services is tried on it in seconds, and nothing of the clone under test is touched. Keys and witness are the real ones.
 */
export class StandInProduct {
  top = mkdtempSync(join(tmpdir(), 'custodiet-up-'));
  #children = [];

  constructor() {
    cpSync(join(top, 'docker'), join(this.top, 'docker'), { recursive: true });
    this.write('package.json', JSON.stringify({ name: 'stand-in', type: 'module', scripts: { build: 'node build.mjs' } }));
    this.write('package-lock.json', JSON.stringify({ lockfileVersion: 3, packages: { '': {} } }));
    this.write('node_modules/.package-lock.json', JSON.stringify({ packages: {} }));
    mkdirSync(join(this.top, 'node_modules', '.bin'));
    symlinkSync(process.execPath, join(this.top, 'node_modules', '.bin', 'node'));
    // The build copies: a changed source is seen in dist after the next start only.
    this.write(
      'build.mjs',
      `import { cpSync } from 'node:fs';
      for (const folder of ['apps', 'libs', 'test']) cpSync(folder, 'dist/' + folder, { recursive: true });
      cpSync('apps/witness/src/main.js', 'dist/custodiet-witness.mjs');`,
    );
    for (const real of ['apps/worker/src/make-key', 'apps/witness/src/main', 'libs/tlog/src/index']) this.#bundle(real);
    this.write('apps/worker/src/migrate.js', "if (!process.env.DATABASE_ADMIN_URL) throw new Error('no administrator');");
    this.write(
      'apps/api/src/seed.js',
      "console.log(JSON.stringify({ agency: 'Stand-in', accounts: [{ role: 'auditor', username: 'ada', password: 'secret' }] }));",
    );
    const owners = ['DATABASE_ADMIN_URL', 'DATABASE_OWNER_URL'];
    this.write('apps/api/src/main.js', server('PORT', [...owners, 'DATABASE_SEQUENCER_URL', 'LOG_SIGNING_KEY_FILE']));
    this.write('apps/worker/src/main.js', server('WORKER_PORT', owners));
    this.write(
      'test/demo/main.js',
      `const { CUSTODIET_URL: url, WITNESS_POLICY_FILE: policy } = process.env;
      console.log(JSON.stringify({ step: process.argv[2], url, policy }));`,
    );
  }

  #bundle(source) {
    const options = ['--bundle', '--platform=node', '--format=esm', `--tsconfig=${join(top, 'tsconfig.json')}`];
    const args = [join(top, `${source}.ts`), ...options, `--outfile=${join(this.top, `${source}.js`)}`, '--log-level=warning'];
    const { status, stderr } = spawnSync(join(top, 'node_modules', '.bin', 'esbuild'), args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${source} could not be bundled: ${stderr}`);
  }

  write(path, text) {
    mkdirSync(dirname(join(this.top, path)), { recursive: true });
    writeFileSync(join(this.top, path), text);
  }

  /** The parsed file under `.data/`. */
  read(path) {
    return JSON.parse(readFileSync(join(this.top, '.data', path), 'utf8'));
  }

  /** Runs one command of up.mjs to its end. */
  run(args, env = {}) {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join(this.top, 'docker', 'up.mjs'), ...args], {
      env: { ...cleanEnvironment(), ...env },
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  /** Begins a command that stays. */
  begin(args, env = {}) {
    const child = spawn(process.execPath, [join(this.top, 'docker', 'up.mjs'), ...args], {
      env: { ...cleanEnvironment(), ...env },
    });
    this.#children.push(child);
    const seen = { child, out: '', code: undefined };
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (seen.out += piece));
    child.on('exit', (code) => (seen.code = code));
    return seen;
  }

  /** Waits for a text in a begun command's output. */
  async saw(seen, text, seconds = 90) {
    const ended = () => seen.code !== undefined && !seen.out.includes(text);
    if (await until(() => seen.out.includes(text) || ended(), seconds)) if (seen.out.includes(text)) return;
    throw new Error(`"${text}" was not seen in:\n${seen.out}`);
  }

  /** Ends everything this stand-in started and removes it. */
  remove() {
    for (const child of this.#children) child.kill('SIGKILL');
    this.run(['stop']);
    rmSync(this.top, { recursive: true, force: true });
  }
}

/** Without what the surrounding test run says about services of its own. */
function cleanEnvironment() {
  const named =
    /^(DATABASE_|REDIS_URL|S3_|FFMPEG_PATH|FFPROBE_PATH|PORT$|HOST$|WORKER_PORT$|PUBLIC_URL$|LOG_|WITNESS_|WORK_DIR|NODE_TEST_CONTEXT|CUSTODIET_)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !named.test(name)));
}

function server(portVariable, withheld) {
  return `
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
for (const name of ${JSON.stringify(withheld)}) if (process.env[name]) throw new Error(name + ' is not for this process');
createServer((request, response) => {
  if (request.url === '/die') process.exit(3);
  response.end(request.url === '/policy' ? readFileSync(process.env.WITNESS_POLICY_FILE) : '${portVariable}');
}).listen(Number(process.env.${portVariable}), '127.0.0.1');
process.on('SIGTERM', () => { console.log('graceful end'); process.exit(0); });
`;
}
