import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatProof, formatProvenStatement, formatStatement, parsePolicy, type SearchStatement } from '#tlog';
import { SampleLog, uuidOf } from '../../../libs/tlog/src/sample-log.js';
import { checkStatement, statementText } from './statement-command.js';
import { Unusable } from './trust-options.js';

const log = new SampleLog();
const statement: SearchStatement = {
  format: 'custodiet/search-statement/v1',
  id: uuidOf('statement'),
  agency: 'Test\u001b agency',
  madeAt: '2026-11-20T10:29:59.000Z',
  roles: ['custodian'],
  log: { origin: log.origin, size: '1' },
  search: [{ camera: '4711' }],
  searchInWords: 'camera 4711',
  coverage: [
    {
      from: null,
      until: null,
      onRecord: 3,
      withoutPosition: 2,
      notSealedCount: 0,
      notSealed: [],
      quarantinedCount: 0,
      quarantined: [],
      cameras: [
        {
          serial: '4711',
          seen: [],
          missingCount: 3,
          missing: [
            { from: 5, to: 6, after: '2026-11-20T08:10:00.000Z', before: '2026-11-20T08:20:00.000Z' },
            { from: 9, to: 9, after: '2026-11-20T08:30:00.000Z', before: '2026-11-20T08:40:00.000Z' },
          ],
          disorderly: false,
        },
      ],
      camerasTruncated: false,
    },
  ],
};

describe('custodiet-verify statement', () => {
  let folder: string;
  let file: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'custodiet-statement-'));
    file = join(folder, 'statement.json');
    const text = formatStatement(statement);
    log.append(uuidOf('other'), 'recording.announced');
    const entry = log.append(statement.id, 'search.nothing-found', createHash('sha256').update(text).digest('hex'));
    const proof = formatProof({ index: entry.index, hashes: await log.proof(entry.index), checkpoint: log.checkpoint() });
    const header = Buffer.from(entry.header).toString();
    await writeFile(file, formatProvenStatement({ format: 'custodiet/proven-statement/v1', statement: text, header, proof }));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('says what was looked for, in what, and what may be missing, once it is proven', async () => {
    const result = await checkStatement(file, { logKey: log.logKey });
    expect(result).toMatchObject({ ok: true, index: '1', size: '2', logKeys: [log.key.vkey] });
    const text = statementText(result);
    expect(text).toContain('VERIFIED: Test\\u{1b} agency put on record that it found no recording.\nLooked for: camera 4711\n');
    expect(text).toContain('In the first 1 entries of the log.');
    expect(text).toContain('3 recordings on record, 2 of them without positions');
    expect(text).toContain('camera 4711: 3 missing: 5–6, 9\n');
    expect(text).not.toContain('\u001b');
  });

  it('takes the log key from a policy', async () => {
    const policy = parsePolicy(`log ${log.key.vkey}\nquorum none\n`);
    expect(await checkStatement(file, { policy })).toMatchObject({ ok: true, cosigners: [] });
  });

  it('says that it is not verified under another key, when it is cut off, and when it is no text', async () => {
    expect(await checkStatement(file, { logKey: new SampleLog().logKey })).toMatchObject({ ok: false, code: 'note-unsigned' });
    for (const [bytes, code] of [
      [Buffer.from('{"format":"custodiet/proven-statement/v1"'), 'not-canonical'],
      [Buffer.from('{}'), 'statement-malformed'],
      [Buffer.from(''), 'not-canonical'],
      [Uint8Array.of(0xff), 'encoding-malformed'],
    ] as const) {
      const path = join(folder, 'bad.json');
      await writeFile(path, bytes);
      const result = await checkStatement(path, { logKey: log.logKey });
      expect(result).toMatchObject({ ok: false, code });
      expect(statementText(result)).toContain('NOT VERIFIED');
    }
    await expect(checkStatement(join(folder, 'absent.json'), { logKey: log.logKey })).rejects.toBeInstanceOf(Unusable);
  });
});
