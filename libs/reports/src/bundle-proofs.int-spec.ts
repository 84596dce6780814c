import { createHash, randomUUID } from 'node:crypto';
import { LogHeads, LogTimestamps, type Attribution, type CustodyEvent, type LoggedEntry } from '#custody';
import { Clock } from '#platform';
import { bundleManifest, verifyBundle, type BundleVerdict } from '#tlog';
import { CustodyDatabase } from '../../custody/src/testing/custody-database.js';
import { BundleProofs } from './bundle-proofs.service.js';
import { uuid, VIDEO_SHA256 } from './testing/sample-chain.js';

const BY: Attribution = { kind: 'system', id: null, name: 'test' };
const SEALED: CustodyEvent = {
  type: 'recording.sealed',
  size: 9,
  bucket: 'evidence',
  key: 'original',
  versionId: 'v1',
  retainUntil: '2026-11-21T10:30:00.000Z',
  method: 'read back whole',
  parent: null,
  sha256: VIDEO_SHA256,
};

describe('what proves a bundle', () => {
  let database: CustodyDatabase;
  let proofs: BundleProofs;
  let recording: string;
  let dock: string;

  beforeAll(async () => {
    database = await CustodyDatabase.create();
    database.start();
    proofs = new BundleProofs(
      database.log,
      new LogHeads(database.unitOfWork, database.custody, database.log),
      new LogTimestamps({ TIMESTAMP_AUTHORITIES: [] }, database.unitOfWork, new Clock()),
    );
  }, 60_000);
  afterAll(() => database.close());
  beforeEach(async () => {
    [recording, dock] = [randomUUID(), randomUUID()];
    await put(dock, { type: 'dock.enrolled', name: 'Bay 2', publicKey: 'a key' });
    await put(recording, SEALED);
    await put(dock, { type: 'manifest.refused', problem: 'It is not signed.', sha256: 'ab'.repeat(32) });
  });

  async function put(subject: string, event: CustodyEvent): Promise<LoggedEntry> {
    const id = await database.unitOfWork.run((tx) => database.custody.append(tx, subject, event, BY));
    return database.log.sequenced(id);
  }

  /** The verdict on a bundle about the recording and its dock, whose exporter may be dishonest about the dock. */
  async function verdictOn({
    shown = (chain: LoggedEntry[]) => chain,
    meanwhile = (): Promise<void> => Promise.resolve(),
    withHeads = true,
  } = {}): Promise<BundleVerdict> {
    const heads = await proofs.recordHeads(BY);
    await meanwhile();
    const ofDock = shown(await database.log.chain(dock));
    const subjects = [recording, dock];
    const bundleJson = bundleManifest({
      log: database.verifier.name,
      logKey: database.verifier.vkey,
      recording,
      subjects,
      heads: new Map([[dock, ofDock.at(-1)?.leaf ?? Buffer.alloc(32)]]),
      ...(withHeads ? { headsEntry: heads.entry.leaf } : {}),
      createdAt: '2026-11-20T10:30:00.000Z',
      files: new Map(),
    });
    const sha256 = createHash('sha256').update(bundleJson).digest('hex');
    const { index: through } = await put(recording, { type: 'evidence-bundle.exported', sha256 });
    await meanwhile();
    const entries = [...ofDock, ...(await database.log.chain(recording)).filter(({ index }) => index <= through)];
    const texts = await proofs.of({ entries, heads, subjects, through });
    if (!withHeads) texts.delete('heads.jsonl');
    const files = new Map([...texts, ['bundle.json', bundleJson] as const].map(([path, text]) => [path, Buffer.from(text)]));
    return verifyBundle(files, { logKey: database.verifier });
  }

  function failed({ checks }: BundleVerdict): string[] {
    return checks.filter(({ ok }) => !ok).map(({ name }) => name);
  }

  it('verifies, and says up to where the bundle is complete', async () => {
    const size = await database.size();
    const verdict = await verdictOn();
    expect(failed(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ ok: true, entries: 4, complete: { size } });
  });

  it('shows it when the exporter left out the end of a chain, with all else consistent', async () => {
    const shown = (chain: LoggedEntry[]): LoggedEntry[] => chain.slice(0, -1);
    const verdict = await verdictOn({ shown });
    expect(failed(verdict)).toEqual(['heads']);
    expect(verdict.checks.find(({ ok }) => !ok)?.detail).toContain(`as the last about ${dock}, the bundle has`);
    // The other checks alone would have let it pass.
    expect(failed(await verdictOn({ shown, withHeads: false }))).toEqual([]);
  });

  it('verifies whatever is appended to the same chains while the bundle is made', async () => {
    const meanwhile = async (): Promise<void> => {
      await put(dock, { type: 'manifest.refused', problem: 'It is not signed.', sha256: 'cd'.repeat(32) });
      await put(recording, { type: 'access.refused', action: 'viewing.open', reason: 'no-grant' });
      await put(uuid('stranger'), SEALED);
    };
    expect(failed(await verdictOn({ meanwhile }))).toEqual([]);
    const writers = Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 10; i += 1) await meanwhile();
    });
    const verdicts = await Promise.all([verdictOn(), verdictOn(), verdictOn()]);
    await Promise.all(writers);
    expect(verdicts.map(failed)).toEqual([[], [], []]);
  });

  it('refuses a subject that the log has no entry about', async () => {
    const heads = await proofs.recordHeads(BY);
    const asked = proofs.of({ entries: [], heads, subjects: [randomUUID()], through: heads.entry.index });
    await expect(asked).rejects.toThrow('holds no head of');
  });
});
