import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateNoteKey } from '#tlog';
import { dockPaths, readAcceptedConfig, readConfig } from './dock-config.js';
import { acceptCommand, enrolCommand } from './enrol-command.js';

const DOCK = '01935e6a-7b2c-7def-8a11-5c3f0e9d4b21';
const logKey = generateNoteKey('log.example/custody').vkey;
const settings = {
  watch: ['/media', '../cameras'],
  parallelParts: 8,
  parallelFiles: 2,
  bandwidthMibPerSecond: 12.5,
  eraseAfterReceipt: true,
  receipts: 'receipts',
  state: '/var/lib/custodiet-dock',
  ffprobe: 'off',
};
let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-dock-config-'));
  path = join(folder, 'config.json');
});

afterEach(() => rm(folder, { recursive: true }));

async function written(config: unknown): Promise<string> {
  await writeFile(path, typeof config === 'string' ? config : JSON.stringify(config));
  return path;
}

it('keeps every setting that an administrator made when the dock is accepted', async () => {
  const before = { server: 'https://evidence.example', keyFile: 'dock-key.pem', ...settings };
  await acceptCommand({ config: await written(before), dock: DOCK, logKey });
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ ...before, dock: DOCK, logKey });
  expect(await readAcceptedConfig(path)).toEqual({ ...before, dock: DOCK, logKey });
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

it('is not touched by a second enrolment', async () => {
  const before = JSON.stringify({ server: 'https://evidence.example', keyFile: 'dock-key.pem', ...settings });
  await expect(enrolCommand({ config: await written(before), server: 'https://other.example' })).rejects.toThrow('already');
  expect(await readFile(path, 'utf8')).toBe(before);
});

it('takes relative paths from its own folder, and a bare ffprobe from the search path', async () => {
  const config = await readConfig(
    await written({ server: 'http://localhost', keyFile: 'k', ...settings, ffprobe: 'bin/ffprobe' }),
  );
  expect(dockPaths(path, config)).toEqual({
    watch: ['/media', join(tmpdir(), 'cameras')],
    receipts: join(folder, 'receipts'),
    state: '/var/lib/custodiet-dock',
    ffprobe: join(folder, 'bin/ffprobe'),
  });
  expect(dockPaths(path, { ...config, ffprobe: 'ffprobe' }).ffprobe).toBe('ffprobe');
});

it('keeps the journal where the XDG folders say when nothing else does', async () => {
  const before = process.env['XDG_STATE_HOME'];
  try {
    const config = await readConfig(await written({ server: 'http://localhost', keyFile: 'k' }));
    process.env['XDG_STATE_HOME'] = '/var/lib';
    expect(dockPaths(path, config)).toEqual({ watch: [], state: '/var/lib/custodiet-dock' });
    process.env['XDG_STATE_HOME'] = '';
    expect(dockPaths(path, config).state).toMatch(/\/\.local\/state\/custodiet-dock$/);
  } finally {
    if (before === undefined) delete process.env['XDG_STATE_HOME'];
    else process.env['XDG_STATE_HOME'] = before;
  }
});

it('names everything that is wrong at once', async () => {
  const wrong = {
    server: 'ftp://evidence.example',
    keyFile: '',
    dock: DOCK.toUpperCase(),
    logKey: 'nonsense',
    watch: [],
    parallelParts: 0,
    parallelFiles: 1.5,
    bandwidthMibPerSecond: 0,
    eraseAfterReceipt: 'yes',
    reciepts: 'receipts',
  };
  const refusal = readConfig(await written(wrong));
  for (const field of Object.keys(wrong)) await expect(refusal).rejects.toThrow(`"${field}"`);
  await expect(refusal).rejects.toThrow(`The config ${path} is wrong: `);
});

it.each([
  ['', 'it ends before it is complete'],
  ['{"server":"http://localhost"', 'it ends before it is complete'],
  ['[]', 'not a JSON object'],
  ['{}', '"server" must be an http or https URL without query; "keyFile" must be a path'],
  [{ server: 'http://localhost', keyFile: 'k', watch: ['/media', 7] }, '"watch.1" must be a path'],
  [
    { server: 'http://localhost', keyFile: 'k', bandwidthMibPerSecond: '5' },
    '"bandwidthMibPerSecond" must be a number of MiB a second',
  ],
  [{ server: 'http://user:secret@localhost', keyFile: 'k' }, '"server" must be'],
])('refuses %j', async (config, said) => {
  await expect(readConfig(await written(config))).rejects.toThrow(said);
  await expect(readConfig(path)).rejects.not.toThrow('secret');
});
