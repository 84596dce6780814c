import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../support/free-port.js';
import { eventually } from '../support/eventually.js';

const WITHOUT = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

/** The reference: nginx as it comes, with files of a folder on disk. On Debian `nginx-light`; another place by NGINX_PATH. */
export class PlainServer {
  private constructor(
    readonly url: string,
    private readonly child: ChildProcess,
    private readonly folder: string,
  ) {}

  /** @param folder is its own, and deleted in the end. @returns undefined where there is no nginx */
  static async serving(files: ReadonlyMap<string, Uint8Array>, folder: string): Promise<PlainServer | undefined> {
    const port = await freePort();
    await mkdir(join(folder, 'files'), { recursive: true });
    for (const [name, bytes] of files) await writeFile(join(folder, 'files', name), bytes);
    const config = join(folder, 'nginx.conf');
    await writeFile(config, configuration(folder, port));
    const child = spawn(process.env['NGINX_PATH'] || 'nginx', ['-p', folder, '-e', join(folder, 'error.log'), '-c', config], {
      stdio: 'ignore',
    });
    const started = await Promise.race([once(child, 'spawn').then(() => true), once(child, 'error').then(() => false)]).catch(
      () => false,
    );
    if (!started) return undefined;
    const server = new PlainServer(`http://127.0.0.1:${port}`, child, folder);
    await eventually('nginx answers', () =>
      fetch(server.url).then(
        () => true,
        () => false,
      ),
    );
    return server;
  }

  async stop(): Promise<void> {
    const ended = once(this.child, 'exit');
    if (this.child.exitCode === null && this.child.kill('SIGTERM')) await ended;
    await rm(this.folder, { recursive: true, force: true });
  }
}

function configuration(folder: string, port: number): string {
  // Root's workers would become somebody else, who may not read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  return `${user} daemon off; worker_processes auto; pid ${folder}/pid;
events {}
http {
  sendfile on; access_log off;
  ${WITHOUT.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  server { listen 127.0.0.1:${port}; root ${folder}/files; }
}
`;
}
