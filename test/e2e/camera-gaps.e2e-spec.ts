import type { UploadAnswer } from '../support/answers.js';
import { TestDock } from '../support/dock.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { announceFiles, announceNumbers, anyFile, march, newSerial, range, registerCamera } from './numbered-recordings.js';
import { asSuperuser } from './superuser.js';

interface GapsAnswer {
  readonly serial: string;
  readonly cameraId: string | null;
  readonly runs: readonly { readonly lowest: number; readonly highest: number; readonly seen: number }[];
  readonly missing: readonly { readonly from: number; readonly to: number; readonly after: string; readonly before: string }[];
  readonly notArrived: readonly { readonly counter: number; readonly recording: string; readonly state: string }[];
  readonly quarantined: readonly { readonly counter: number }[];
  readonly usedTwice: readonly {
    readonly from: number;
    readonly to: number;
    readonly recordings: readonly { readonly recording: string }[];
  }[];
  readonly summary: string;
}

describe('cameras whose recordings never arrived', () => {
  let stack: Stack;
  let administrator: HttpClient;
  let auditor: HttpClient;
  let dock: TestDock;
  let otherDock: TestDock;

  beforeAll(async () => {
    stack = await startStack();
    [administrator, auditor] = await Promise.all([stack.signIn('administrator'), stack.signIn('auditor')]);
    [dock, otherDock] = await Promise.all([TestDock.enrol(administrator), TestDock.enrol(administrator)]);
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  async function gapsOf(camera: string, query = ''): Promise<GapsAnswer> {
    return (await auditor.get<GapsAnswer>(`/api/cameras/${camera}/gaps${query}`)).expect(200).body;
  }

  async function camerasWithGaps(query = '', limit = 200): Promise<GapsAnswer[]> {
    const all: GapsAnswer[] = [];
    for (let after: string | null = '', turns = 0; after !== null && turns < 100; turns++) {
      const path: string = `/api/camera-gaps?limit=${limit}${query}${after === '' ? '' : `&after=${encodeURIComponent(after)}`}`;
      const page: { cameras: GapsAnswer[]; next: string | null } = (
        await auditor.get<{ cameras: GapsAnswer[]; next: string | null }>(path)
      ).expect(200).body;
      all.push(...page.cameras);
      after = page.next;
    }
    return all;
  }

  /** As if they had all come: what matters here is which numbers there are. */
  async function arrived(...uploads: readonly UploadAnswer[]): Promise<void> {
    await asSuperuser(stack.database, (database) =>
      database.query("UPDATE recordings SET state = 'sealing' WHERE id = ANY($1)", [uploads.map(({ recording }) => recording)]),
    );
  }

  it('are told by the numbers that no dock has announced, until they come', async () => {
    const { id, serial } = await registerCamera(administrator);
    await arrived(...(await announceNumbers(dock, serial, range(100, 108))));
    await arrived(...(await announceNumbers(otherDock, serial, [...range(109, 111), ...range(119, 125)])));
    const gaps = await gapsOf(id);
    expect(gaps).toMatchObject({
      serial,
      cameraId: id,
      runs: [{ lowest: 100, highest: 125, seen: 19 }],
      missing: [{ from: 112, to: 118, after: march(111), before: march(119) }],
      notArrived: [],
      usedTwice: [],
      summary: `camera ${serial}: 7 recordings never arrived: 112–118, between ${march(111)} and ${march(119)}.`,
    });
    expect((await camerasWithGaps()).filter((each) => each.serial === serial)).toEqual([gaps]);
    const period = (from: string, to: string): string => `?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`;
    expect((await gapsOf(id, period(march(112), march(113)))).missing).toHaveLength(1);
    expect((await gapsOf(id, period(march(120), march(130)))).summary).toBe(`camera ${serial}: nothing is missing.`);
    const later = await camerasWithGaps(period(march(120), march(130)).replace('?', '&'));
    expect(later.map((each) => each.serial)).not.toContain(serial);
    await arrived(...(await announceNumbers(dock, serial, range(112, 118))));
    expect((await gapsOf(id)).summary).toBe(`camera ${serial}: nothing is missing.`);
    expect((await camerasWithGaps()).map((each) => each.serial)).not.toContain(serial);
  });

  it('are told when they were announced and did not come, of an unregistered camera too', async () => {
    const serial = newSerial();
    const files = range(1, 3).map((counter) => anyFile(dock, { camera: serial, counter, recordedAt: march(counter) }));
    const [one, two, three] = await announceFiles(dock, files);
    if (one === undefined || two === undefined || three === undefined) throw new Error('three files were announced');
    await arrived(one);
    await asSuperuser(stack.database, (database) =>
      database.query("UPDATE recordings SET state = 'expired' WHERE id = $1", [two.recording]),
    );
    const [gaps] = (await camerasWithGaps()).filter((each) => each.serial === serial);
    expect(gaps).toMatchObject({
      cameraId: null,
      missing: [],
      notArrived: [
        { counter: 2, state: 'expired', recording: two.recording },
        { counter: 3, state: 'receiving' },
      ],
      summary: `camera ${serial}: 2 recordings announced and not arrived: 2 (given up); 3 (on its way).`,
    });
    // Announced anew it is the same file: no number is used twice.
    await arrived(...(await announceFiles(dock, files.slice(1, 2))), three);
    expect((await camerasWithGaps()).map((each) => each.serial)).not.toContain(serial);
    const asked = (await auditor.get<{ cameras: GapsAnswer[] }>(`/api/camera-gaps?serial=${serial}`)).expect(200).body;
    expect(asked.cameras).toMatchObject([{ serial, usedTwice: [], notArrived: [], missing: [] }]);
  });

  it('are not taken for thousands when the camera begins anew, and numbers of two files are told', async () => {
    const { id, serial } = await registerCamera(administrator);
    await arrived(...(await announceNumbers(dock, serial, range(300, 320))));
    const anew = range(0, 5).map((counter) => anyFile(dock, { camera: serial, counter, recordedAt: march(400 + counter) }));
    await arrived(...(await announceFiles(dock, anew)));
    const [twin] = await announceFiles(otherDock, [
      anyFile(otherDock, { camera: serial, counter: 305, recordedAt: march(305.5) }),
    ]);
    if (twin === undefined) throw new Error('one file was announced');
    await arrived(twin);
    const gaps = await gapsOf(id);
    expect(gaps).toMatchObject({
      runs: [
        { lowest: 300, highest: 320 },
        { lowest: 0, highest: 5 },
      ],
      missing: [],
      usedTwice: [{ from: 305, to: 305 }],
    });
    expect(gaps.usedTwice[0]?.recordings.map(({ recording }) => recording)).toContain(twin.recording);
    expect(gaps.usedTwice[0]?.recordings).toHaveLength(2);
    expect(gaps.summary).toContain('more than one file has the number 305; the numbering began anew at 0, after 320');
  });

  it('are listed page by page, in the order of serial numbers, and each once', async () => {
    const serials = range(1, 5).map(newSerial);
    for (const serial of serials) await arrived(...(await announceNumbers(dock, serial, [1, 3])));
    const pages = (await camerasWithGaps('', 2)).map(({ serial }) => serial);
    expect(pages).toEqual(expect.arrayContaining(serials));
    expect(pages).toEqual([...new Set(pages)].sort());
  });

  it.each([
    'from=yesterday',
    'from=2026-03-14T00:00:00',
    'from=2026-03-15T00:00:00Z&to=2026-03-14T00:00:00Z',
    'limit=0',
    'after=',
    'x=1',
  ])('are not told for "%s"', async (query) => {
    (await auditor.get(`/api/camera-gaps?${query}`)).expect(400);
  });
});
