import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { builtDock, DockHome } from './testing/dock-home.js';
import { contentOf, FaultyDockingServer, PART_SIZE, sha256, type Fault } from './testing/faulty-docking-server.js';

jest.setTimeout(60_000);

let built: string;
let home: DockHome;
let service: FaultyDockingServer;

beforeAll(async () => {
  built = await builtDock();
  home = await DockHome.make(built, process.env);
  service = new FaultyDockingServer();
  service.sealsAtOnce = true;
  await service.start();
  await home.accepted(service);
});
afterAll(async () => {
  await service.stop();
  await home.remove();
  await rm(built, { recursive: true });
});

interface Kill {
  readonly call: 'rename' | 'unlink';
  /** Part of the path. */
  readonly path: string;
  readonly count: number;
  readonly when: 'before' | 'after';
}
type At = { readonly write: Kill } | { readonly request: RegExp; readonly fault: Fault };

/** SIGKILL on the real program: power cuts at every other moment are in delivery.spec.ts. */
it.each<[string, At]>([
  ['before its first word is on the disk', { write: { call: 'rename', path: '/files/', count: 1, when: 'before' } }],
  ['after the file was hashed', { write: { call: 'rename', path: '/files/', count: 2, when: 'after' } }],
  ['after the manifest was written', { write: { call: 'rename', path: '/manifests/', count: 1, when: 'after' } }],
  ['after the service took the announcement', { request: /manifests$/, fault: 'drop-after' }],
  ['in the middle of the parts', { request: /parts\/3$/, fault: 'drop' }],
  ['after the service took the completion', { request: /complete$/, fault: 'drop-after' }],
  ['before it has the receipt', { request: /receipt$/, fault: 'drop-after' }],
  ['after the receipt was written', { write: { call: 'rename', path: '.receipt.json', count: 1, when: 'after' } }],
  ['before the file is erased', { write: { call: 'unlink', path: '.mp4', count: 1, when: 'before' } }],
  ['after the file was erased', { write: { call: 'unlink', path: '.mp4', count: 1, when: 'after' } }],
])('killed %s, custodiet-dock goes on with the same recording and sends no part twice', async (_, at) => {
  service.recordings.clear();
  await rm(home.path('card'), { recursive: true, force: true });
  await rm(home.state, { recursive: true, force: true });
  const { path, content } = await home.clip('card/clip.mp4', 4 * PART_SIZE + 1);
  const flags = ['--camera', 'C-9', '--erase-after-receipt', '--receipts', home.path('receipts'), '--ffprobe', 'off'];

  const preload = 'write' in at ? ['--import', join(import.meta.dirname, 'testing/kill-at-write.mjs')] : [];
  const env = 'write' in at ? { KILL_AT: JSON.stringify(at.write) } : {};
  const first = home.start(['upload', path, ...flags], env, preload);
  service.fault = (_method, request) => {
    if (!('request' in at) || !at.request.test(request)) return undefined;
    first.child.kill('SIGKILL');
    return at.fault;
  };
  expect((await first.ended).signal).toBe('SIGKILL');

  service.fault = () => undefined;
  const second = await home.run('watch', home.path('card'), '--once', '--settle', '0.2', ...flags);
  expect(second).toMatchObject({ code: 0 });
  // What was hashed once is not read again
  const wasHashed = !('write' in at && at.write.path === '/files/' && at.write.count === 1);
  expect(second.stderr.includes('hashing')).toBe(!wasHashed);
  const received = service.of(content);
  expect(received.map((each) => [each.state, each.repeated, sha256(contentOf(each))])).toEqual([['sealed', 0, sha256(content)]]);
  const [entry] = await home.statusOf('--all');
  expect(entry).toMatchObject({ file: path, state: 'erased', recording: received[0]?.recording });
  await expect(stat(path)).rejects.toThrow('ENOENT');
  const receipt = await readFile(home.path('receipts', `${received[0]?.recording ?? ''}.receipt.json`), 'utf8');
  expect(receipt).toContain(sha256(content));
});
