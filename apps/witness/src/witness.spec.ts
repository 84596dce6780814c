import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { createConnection, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateWitnessKey, parseCosigner, parseVerifier } from '#tlog';
import { SampleLog } from './testing/sample-history.js';
import type { LogLine } from './testing/witness-process.js';
import { LIMITS, witnessServer } from './witness-server.js';
import { WitnessState } from './witness-state.js';
import { Witness } from './witness.js';

const log = new SampleLog();
const truth = log.history(9);
const cosigner = parseCosigner(generateWitnessKey('board.example/witness').skey);
let folder: string;
let path: string;
let clock: Date;

async function witness(): Promise<Witness> {
  const state = await WitnessState.read(path, cosigner.vkey);
  return new Witness(cosigner, [parseVerifier(log.key.vkey)], state, () => clock);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-witness-'));
  path = join(folder, 'state');
  clock = new Date('2026-11-20T10:30:00.700Z');
  await WitnessState.create(path, cosigner.vkey);
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const body = async (oldSize: number, size: number): Promise<Uint8Array> => Buffer.from(await truth.request(oldSize, size));

describe('a witness', () => {
  it('cosigns nothing while its clock is behind its last cosignature', async () => {
    const sut = await witness();
    expect(await sut.addCheckpoint(await body(0, 3))).toMatchObject({ status: 200 });
    clock = new Date('2026-11-20T10:29:59.900Z');
    expect(await sut.addCheckpoint(await body(3, 4))).toMatchObject({ status: 503 });
    clock = new Date('2026-11-20T10:30:00.000Z');
    expect(await sut.addCheckpoint(await body(3, 4))).toMatchObject({ status: 200 });
  });

  it('keeps the first of several forks, across restarts', async () => {
    const first = log.history(5, { forkAt: 1, story: 'first' }).checkpoint(5);
    const second = log.history(5, { forkAt: 1, story: 'second' }).checkpoint(5);
    expect(await (await witness()).addCheckpoint(await body(0, 5))).toMatchObject({ status: 200 });
    for (const note of [first, second]) {
      expect(await (await witness()).addCheckpoint(Buffer.from(`old 5\n\n${note}`))).toMatchObject({ status: 409, size: 5n });
    }
    expect(await (await witness()).addCheckpoint(await body(5, 9))).toMatchObject({ status: 200 });
    const { conflict, note } = (await WitnessState.read(path, cosigner.vkey)).record(log.origin) ?? {};
    expect(conflict).toEqual({ cosigned: truth.checkpoint(5), shown: first, seenAt: '2026-11-20T10:30:00Z' });
    expect(note).toBe(truth.checkpoint(9));
  });

  it('cosigns nothing that it could not record', async () => {
    const sut = await witness();
    await rm(folder, { recursive: true });
    await expect(sut.addCheckpoint(await body(0, 5))).rejects.toThrow('missing');
    await expect(sut.addCheckpoint(await body(0, 5))).rejects.toThrow('missing');
  });

  it('ends a request that does not arrive in time', async () => {
    const lines: LogLine[] = [];
    const server = witnessServer(await witness(), (line) => lines.push(line), { ...LIMITS, request: 200 });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const socket = createConnection((server.address() as AddressInfo).port, '127.0.0.1');
    socket.write('POST /add-checkpoint HTTP/1.1\r\nHost: witness\r\nContent-Length: 100\r\n\r\nold');
    expect((await socket.toArray()).join('')).toContain('408 Request Timeout');
    await once(server.close(), 'close');
    expect(lines).toEqual([expect.objectContaining({ status: 'broken off' })]);
  });
});

describe('its state', () => {
  it('is refused when any byte is cut off, added or changed', async () => {
    const sut = await witness();
    await sut.addCheckpoint(await body(0, 5));
    const whole = await readFile(path);
    const altered = Array.from({ length: whole.length }, (_, i) => [
      whole.subarray(0, i),
      whole.map((byte, j) => (i === j ? byte ^ 1 : byte)),
    ]).flat();
    for (const content of [...altered, Buffer.concat([whole, Buffer.from('\n')])]) {
      await writeFile(path, content);
      await expect(WitnessState.read(path, cosigner.vkey)).rejects.toThrow('is damaged');
    }
    await writeFile(path, whole);
    expect((await WitnessState.read(path, cosigner.vkey)).latest(log.origin)?.size).toBe(5n);
  });

  it('belongs to one witness key', async () => {
    const other = generateWitnessKey('board.example/witness').vkey;
    await expect(WitnessState.read(path, other)).rejects.toThrow('is that of the witness key');
  });

  it('leaves no other file behind', async () => {
    const sut = await witness();
    await sut.addCheckpoint(await body(0, 5));
    expect(await readdir(folder)).toEqual(['state']);
  });
});
