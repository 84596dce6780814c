import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { UploadAnswer } from '../support/answers.js';
import { digestOf, TestDock } from '../support/dock.js';
import { eventually } from '../support/eventually.js';
import { freePort } from '../support/free-port.js';
import type { Answer, HttpClient } from '../support/http.js';
import { ProductProcess } from '../support/product-process.js';
import { RawConnection } from '../support/raw-connection.js';
import { startStack, type Stack } from '../support/stack.js';
import { clipBytes, variantOf } from './clip-bytes.js';
import { countsOn, entryOn } from './custody-chain.js';

const MIB = 2 ** 20;
const PART = 5 * MIB;
/** Room for twelve parts of 5 MiB, of which one sender gets ten. */
const INTAKE_MIB = 64;
const QUEUE = 256;

describe('the intake', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let dock: TestDock;
  let otherDock: TestDock;
  let clip: Buffer;
  const open: RawConnection[] = [];

  beforeAll(async () => {
    const overrides = { PART_SIZE_MIB: '5', INTAKE_MIB: String(INTAKE_MIB) };
    [stack, clip] = await Promise.all([startStack(overrides), clipBytes({ seconds: 1 })]);
    const administrator = await stack.signIn('administrator');
    auditor = await stack.signIn('auditor');
    [dock, otherDock] = [await TestDock.enrol(administrator), await TestDock.enrol(administrator)];
  }, 180_000);
  afterEach(() => {
    for (const connection of open.splice(0)) connection.cut();
  });
  afterAll(async () => stack?.stop(), 60_000);

  async function announced(bytes: Uint8Array, by = dock): Promise<UploadAnswer> {
    const [file] = (await by.announce(by.manifestOf([by.describe('clip.mp4', bytes)]))).expect(200).body.files;
    if (file === undefined) throw new Error('The answer to the manifest lists no file.');
    return file;
  }

  async function connection(url = stack.url): Promise<RawConnection> {
    const made = await RawConnection.to(url);
    open.push(made);
    return made;
  }

  function pathOf(recording: string, part = 1): string {
    return `/api/docking/recordings/${recording}/parts/${part}`;
  }

  /** The head of a part; its body is for the test to send. */
  async function begin(
    recording: string,
    headers: Readonly<Record<string, string | number>>,
    { by = dock, part = 1, token }: { by?: TestDock; part?: number; token?: string } = {},
  ): Promise<RawConnection> {
    return (await connection()).head('PUT', pathOf(recording, part), {
      authorization: `Bearer ${token ?? (await by.token())}`,
      'content-type': 'application/octet-stream',
      ...headers,
    });
  }

  function headersOf(bytes: Uint8Array): Readonly<Record<string, string | number>> {
    return { 'content-length': bytes.length, 'content-digest': digestOf(bytes) };
  }

  describe('does not wait for a body', () => {
    it('of a stranger, who is refused at the head and cut off if the body goes on for ever', async () => {
      const before = memoryOf(stack.api);
      const stranger = (await connection()).head('PUT', pathOf('0198c0de-0000-7000-8000-000000000000'), {
        'content-type': 'application/octet-stream',
        'content-length': 2 ** 40,
      });
      expect((await stranger.answer()).status).toBe(401);
      const pouring = setInterval(() => stranger.send(Buffer.alloc(64 * 1024)), 20);
      try {
        await stranger.closed();
      } finally {
        clearInterval(pouring);
      }
      expect(memoryOf(stack.api)).toBeLessThan(before + 64);
    }, 30_000);

    it('of a dock whose recording it is not', async () => {
      const bytes = randomBytes(PART);
      const { recording } = await announced(bytes);
      expect((await (await begin(recording, headersOf(bytes), { by: otherDock })).answer()).status).toBe(403);
    });

    it('of a part that the file does not have, or of another length than it must have, and has the attempt on record', async () => {
      const bytes = randomBytes(PART + 10);
      const { recording } = await announced(bytes);
      for (const [part, headers, status, code] of [
        [3, headersOf(bytes), 422, 'no-such-part'],
        [1, headersOf(bytes), 422, 'part-size'],
        [2, headersOf(bytes.subarray(0, PART)), 422, 'part-size'],
        [1, { ...headersOf(bytes), 'content-length': 2 ** 45 }, 422, 'part-size'],
      ] as const) {
        const answer = await (await begin(recording, headers, { part })).answer();
        expect([answer.status, typeOf(answer)]).toEqual([status, `urn:custodiet:${code}`]);
        await entryOn(auditor, recording, 'upload.part-refused', (event) => event['part'] === part);
      }
    });

    it('of a part whose length is not said', async () => {
      const bytes = randomBytes(1000);
      const { recording } = await announced(bytes);
      const headers = { 'transfer-encoding': 'chunked', 'content-digest': digestOf(bytes) };
      const sender = (await begin(recording, headers)).send('3e8\r\n').send(bytes).send('\r\n0\r\n\r\n');
      const answer = await sender.answer();
      expect([answer.status, typeOf(answer)]).toEqual([411, 'urn:custodiet:length-missing']);
      // And the connection is good for more.
      sender.head('GET', '/health/live');
      expect((await sender.answer()).status).toBe(200);
    });

    it('of a part that is here already, or that other bytes are here for', async () => {
      const bytes = randomBytes(1000);
      const { recording } = await announced(bytes);
      (await dock.putPart(recording, 1, bytes)).expect(204);
      expect((await (await begin(recording, headersOf(bytes))).answer()).status).toBe(204);
      const others = await (await begin(recording, headersOf(randomBytes(1000)))).answer();
      expect([others.status, typeOf(others)]).toEqual([409, 'urn:custodiet:part-conflict']);
    });
  });

  describe('answers', () => {
    it('on a connection that goes on, after a body that was passed over', async () => {
      const bytes = randomBytes(PART);
      const { recording } = await announced(bytes);
      const sender = (await begin(recording, headersOf(bytes), { by: otherDock })).send(bytes).head('GET', '/health/live');
      expect([(await sender.answer()).status, (await sender.answer()).status]).toEqual([403, 200]);
    });

    it.each([
      ['POST', '/api/session', [400]],
      ['POST', '/api/docking/manifests', [401]],
      ['POST', '/api/nothing', [404]],
      ['PATCH', '/api/session', [404, 405]],
    ] as const)('bytes sent to %s %s with a problem', async (method, path, statuses) => {
      const answer = await stack.anonymous().send(method, path, {
        headers: { 'content-type': 'application/octet-stream' },
        raw: new Uint8Array(2 * MIB),
      });
      answer.expect(...statuses).problem();
    });

    it('a manifest sent as bytes, and a part sent as anything else, with 400 or 415', async () => {
      const { recording } = await announced(randomBytes(1000));
      const send = (method: string, path: string, type: string): Promise<Answer<unknown>> =>
        dock.http.send(method, path, { headers: { 'content-type': type }, raw: '{}' });
      (await send('POST', '/api/docking/manifests', 'application/octet-stream')).expect(400).problem();
      for (const type of ['application/json', 'text/plain', 'application/octet-stream-not', 'video/mp4'])
        (await send('PUT', pathOf(recording), type)).expect(400, 415).problem();
    });

    it('nothing to a sender whose connection ends midway, keeps nothing of it, and takes the part when it comes again', async () => {
      const bytes = variantOf(clip, 4 * MIB);
      const { recording } = await announced(bytes);
      for (const sent of [0, 1, bytes.length - 1]) (await begin(recording, headersOf(bytes))).send(bytes.subarray(0, sent)).cut();
      expect((await dock.status(recording)).body.partsReceived).toEqual([]);
      (await dock.putPart(recording, 1, bytes)).expect(204);
      (await dock.complete(recording)).expect(202);
      expect((await dock.settled(recording)).state).toBe('sealed');
      expect(await countsOn(auditor, recording)).not.toHaveProperty('upload.part-refused');
    });

    it('bytes beyond the announced length as what they are, no request, and takes none of them into the part', async () => {
      const bytes = randomBytes(1000);
      const { recording } = await announced(bytes);
      const sender = (await begin(recording, headersOf(bytes))).send(bytes).send(randomBytes(1000));
      // The rubbish may be met before the part is stored
      expect([204, 400]).toContain((await sender.answer()).status);
      await sender.closed();
      (await dock.putPart(recording, 1, bytes)).expect(204);
      (await dock.complete(recording)).expect(202);
      expect((await dock.settled(recording)).reason).not.toMatch(/SHA-256|bytes;/);
    });
  });

  describe('under more than it has room for', () => {
    it('tells whoever has most in the queue to come back, serves the others, and keeps its memory', async () => {
      const before = memoryOf(stack.api);
      const bytes = randomBytes(PART);
      const { recording: slow } = await announced(bytes);
      const [token, otherBytes] = [await dock.token(), variantOf(clip, 4 * MIB)];
      const { recording: other } = await announced(otherBytes, otherDock);
      const hogs = await Promise.all(
        Array.from({ length: 10 + QUEUE }, async () =>
          (await begin(slow, headersOf(bytes), { token })).send(bytes.subarray(0, 64 * 1024)),
        ),
      );
      // One sender never gets all the room: another's part comes in while hundreds of the first one's wait.
      (await otherDock.putPart(other, 1, otherBytes)).expect(204);

      const turnedAway = await eventually('the queue is full', async () => {
        const one = (await begin(slow, headersOf(bytes), { token })).send(bytes.subarray(0, 1000));
        hogs.push(one);
        // Where there is room in the queue yet, it waits there.
        return Promise.race([one.answer(), wait(300, undefined)]);
      });
      expect([turnedAway.status, typeOf(turnedAway)]).toEqual([503, 'urn:custodiet:busy']);
      expect(['2', '3', '4', '5']).toContain(turnedAway.headers.get('retry-after'));
      expect(memoryOf(stack.api)).toBeLessThan(before + INTAKE_MIB + 64);

      for (const hog of hogs) hog.cut();
      (await dock.putPart(slow, 1, bytes)).expect(204);
    }, 60_000);
  });

  describe('in several processes', () => {
    let second: ProductProcess;
    let work: string;
    beforeAll(async () => {
      work = await mkdtemp(join(tmpdir(), 'custodiet-second-api-'));
      const port = await freePort();
      const env = { ...stack.env, PORT: String(port), WORK_DIR: work };
      second = new ProductProcess('api', `http://127.0.0.1:${port}`, env, join(work, 'api.log'));
      second.start();
      await second.ready();
    }, 60_000);
    afterAll(async () => {
      await second?.stop();
      await rm(work, { recursive: true, force: true });
    }, 60_000);

    /** Sends the part to one process or the other. @returns the status */
    async function put(url: string, recording: string, bytes: Uint8Array): Promise<number> {
      const answer = await fetch(`${url}${pathOf(recording)}`, {
        method: 'PUT',
        headers: {
          authorization: `Bearer ${await dock.token()}`,
          'content-type': 'application/octet-stream',
          'content-digest': digestOf(bytes),
        },
        body: new Uint8Array(bytes),
      });
      await answer.arrayBuffer();
      return answer.status;
    }

    it('takes exactly one of two different parts that arrive at once, and seals what it took, not what it refused', async () => {
      for (let round = 0; round < 8; round++) {
        const right = variantOf(clip, 4 * MIB);
        const wrong = Buffer.from(right);
        wrong[right.length - 1]! ^= 1;
        const { recording } = await announced(right);
        const [here, there] = round % 2 === 0 ? [stack.url, second.url] : [second.url, stack.url];
        const [first, other] = await Promise.all([put(here, recording, right), put(there, recording, wrong)]);
        expect([first, other].sort()).toEqual([204, 409]);
        (await dock.complete(recording)).expect(202);
        const { state, reason } = await dock.settled(recording);
        if (first === 204) expect([state, reason]).toEqual(['sealed', undefined]);
        else expect([state, reason]).toEqual(['quarantined', expect.stringContaining('SHA-256')]);
      }
    }, 60_000);

    it('takes the same part from everybody who sends it at once', async () => {
      const bytes = variantOf(clip, 4 * MIB);
      const { recording } = await announced(bytes);
      const urls = [stack.url, second.url, stack.url, second.url, stack.url];
      expect(await Promise.all(urls.map((url) => put(url, recording, bytes)))).toEqual(urls.map(() => 204));
      (await dock.complete(recording)).expect(202);
      expect((await dock.settled(recording)).state).toBe('sealed');
    });

    it('takes no part into an upload that is completed at the same moment', async () => {
      const bytes = variantOf(clip, 4 * MIB);
      const { recording } = await announced(bytes);
      const changed = Buffer.from(bytes);
      changed[0]! ^= 1;
      (await dock.putPart(recording, 1, bytes)).expect(204);
      const [completed, late] = await Promise.all([dock.complete(recording), put(second.url, recording, changed)]);
      expect([completed.status, late]).toEqual([202, 409]);
      expect((await dock.settled(recording)).state).toBe('sealed');
    });
  });
});

function typeOf({ body }: { readonly body: string }): string {
  return (JSON.parse(body) as { type: string }).type;
}

/** MiB that the process has in memory now. */
function memoryOf({ pid }: ProductProcess): number {
  const [, kib = 'NaN'] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid ?? 0}/status`, 'utf8')) ?? [];
  return Number(kib) / 1024;
}
