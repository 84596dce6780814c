import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import {
  EMPTY_RANGE,
  addSignatureLines,
  bundleEntryLine,
  bundleManifest,
  bundleProofLine,
  canonicalize,
  cosign,
  encodeHeader,
  encodeZip,
  extend,
  formatProof,
  formatReceipt,
  generateNoteKey,
  generateWitnessKey,
  inclusionProof,
  leafHash,
  parseCosigner,
  parseProof,
  parseSigner,
  payloadCommitment,
  rootOf,
  signCheckpoint,
  type Hash,
  type Receipt,
} from '#tlog';
import { TimestampAuthority } from '../../../test/support/timestamp-authority.js';

const ORIGIN = 'example.com/log';
const RECORDING = '0190c000-0000-7000-8000-000000000001';
const VIDEO = Buffer.from('the video');
const key = generateNoteKey(ORIGIN);
const otherKey = generateNoteKey(ORIGIN);

interface Run {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

let folder: string;
let files: Map<string, Uint8Array>;
let zip: Uint8Array;

function verifier(...args: string[]): Promise<Run> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(folder, 'verify.mjs'), ...args], { cwd: folder, env: {} }, (error, out, err) => {
      resolve({ status: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

async function put(name: string, data: Uint8Array | string): Promise<string> {
  await writeFile(join(folder, name), data);
  return name;
}

const sha256 = (data: Uint8Array | string): string => createHash('sha256').update(data).digest('hex');

/** A log of two entries, the sealing of the video and the export of the bundle, with a bundle and a receipt from it. */
async function makeEvidence(): Promise<{ files: Map<string, Uint8Array>; receipt: string }> {
  const report = Buffer.from('%PDF-1.7 not really\n');
  const bundle = bundleManifest({
    log: ORIGIN,
    logKey: key.vkey,
    recording: RECORDING,
    subjects: [RECORDING],
    heads: new Map(),
    createdAt: '2026-11-20T11:00:00.000Z',
    files: new Map([['report.pdf', report]]),
  });
  const nodes = new Map<string, Hash>();
  let range = EMPTY_RANGE;
  let prev: string | null = null;
  const entries = [];
  for (const [type, digest] of [
    ['recording.sealed', sha256(VIDEO)],
    ['evidence-bundle.exported', sha256(bundle)],
  ] as const) {
    const salt = randomBytes(32);
    const payload = canonicalize({ type });
    const header = encodeHeader({
      v: 1,
      log: ORIGIN,
      id: `0190c000-0000-7000-8000-00000000001${range.size}`,
      subject: RECORDING,
      seq: Number(range.size),
      prev,
      type,
      at: '2026-11-20T10:30:00.000Z',
      actor: null,
      sha256: digest,
      pc: Buffer.from(payloadCommitment(salt, payload)).toString('base64'),
    });
    entries.push({ index: range.size, header, salt, payload });
    prev = Buffer.from(leafHash(header)).toString('base64');
    range = extend(range, leafHash(header), (level, index, hash) => nodes.set(`${level}/${index}`, hash));
  }
  const checkpoint = signCheckpoint({ origin: ORIGIN, size: range.size, root: rootOf(range) }, parseSigner(key.skey));
  const prove = (index: bigint): Promise<Hash[]> => inclusionProof(index, range.size, (level, i) => nodes.get(`${level}/${i}`)!);
  const proofs = await Promise.all(entries.map(async ({ index }) => bundleProofLine({ index, hashes: await prove(index) })));
  const receipt = formatReceipt({
    format: 'custodiet/receipt/v1',
    recording: RECORDING,
    sha256: sha256(VIDEO),
    header: Buffer.from(entries[0]!.header).toString(),
    proof: formatProof({ index: 0n, hashes: await prove(0n), checkpoint }),
  });
  return {
    receipt,
    files: new Map<string, Uint8Array>([
      ['report.pdf', report],
      ['bundle.json', Buffer.from(bundle)],
      ['entries.jsonl', Buffer.from(entries.map(bundleEntryLine).join(''))],
      ['proofs.jsonl', Buffer.from(proofs.join(''))],
      ['checkpoint', Buffer.from(checkpoint)],
    ]),
  };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'custodiet-verify-'));
  await build({
    entryPoints: [join(import.meta.dirname, 'main.ts')],
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outfile: join(folder, 'verify.mjs'),
    tsconfig: join(import.meta.dirname, '../../../tsconfig.json'),
  });
  const evidence = await makeEvidence();
  files = evidence.files;
  zip = encodeZip(files);
  await put('bundle.zip', zip);
  await put('receipt.json', evidence.receipt);
  await put('video.mp4', VIDEO);
  await put('log.key', `${key.vkey}\n`);
}, 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe('custodiet-verify BUNDLE', () => {
  it('verifies an unaltered bundle under the key of the log, as text or from a file', async () => {
    for (const given of [key.vkey, 'log.key']) {
      const run = await verifier('bundle.zip', '--log-key', given);
      expect(run).toMatchObject({ status: 0, err: '' });
      expect(run.out).toContain('\n✓ inclusion: ');
      expect(run.out).not.toContain('✗');
      expect(run.out).toContain(`VERIFIED: recording ${RECORDING}, 2 log entries`);
      expect(run.out).toContain('The log key is the one you gave');
      expect(run.out).not.toContain('\u001b');
    }
  });

  it('says when the key came out of the bundle, with a fingerprint to compare', async () => {
    const run = await verifier('bundle.zip');
    expect(run.status).toBe(0);
    expect(run.out).toContain('came out of the bundle itself');
    expect(run.out).toMatch(/SHA-256 fingerprint: ([0-9a-f]{4} ){15}[0-9a-f]{4}\n$/);
  });

  it('prints one JSON object for machines', async () => {
    const run = await verifier('bundle.zip', '--json', '--log-key', key.vkey);
    expect(run.out.indexOf('\n')).toBe(run.out.length - 1);
    expect(JSON.parse(run.out)).toMatchObject({
      bundle: 'bundle.zip',
      ok: true,
      recording: RECORDING,
      entries: 2,
      logKey: key.vkey,
      logKeyPinned: true,
      checkpoint: { origin: ORIGIN, size: '2' },
    });
  });

  it('fails under another key', async () => {
    const run = await verifier('bundle.zip', '--log-key', otherKey.vkey);
    expect(run.status).toBe(1);
    expect(run.out).toContain('✗ log key: bundle.json: ');
  });

  it('fails when a byte anywhere is changed, and names the file', async () => {
    const steps = 12;
    for (let i = 0; i < steps; i += 1) {
      const at = Math.floor((i * (zip.length - 1)) / (steps - 1));
      const run = await verifier(
        await put(
          'altered.zip',
          zip.map((byte, j) => (j === at ? byte ^ 1 : byte)),
        ),
      );
      expect(run).toMatchObject({ status: 1, err: '' });
      expect(run.out).toContain('✗ container: ');
      expect(run.out).toContain('NOT VERIFIED');
    }
    const entry = Buffer.from(zip).lastIndexOf('exported');
    const run = await verifier(
      await put(
        'altered.zip',
        zip.map((byte, j) => (j === entry ? byte ^ 1 : byte)),
      ),
      '--json',
    );
    expect(run.status).toBe(1);
    expect(run.out).toContain('entries.jsonl was altered');
    expect(run.out).toContain('"where":"entries.jsonl line 2"');
  }, 60_000);

  it('fails when a byte is changed and the container is made anew around it', async () => {
    const report = files.get('report.pdf')!.map((byte, i) => (i === 3 ? byte ^ 1 : byte));
    const run = await verifier(await put('altered.zip', encodeZip(new Map([...files, ['report.pdf', report]]))));
    expect(run.status).toBe(1);
    expect(run.out).toContain('✓ container');
    expect(run.out).toContain('✗ files: report.pdf: ');
    expect(run.out).toContain('NOT VERIFIED: one check of altered.zip failed.');
  });

  it('fails for a container that was cut off or packed with impossible lengths', async () => {
    const longName = Uint8Array.from(zip);
    longName.set([0xff, 0xff], 26);
    for (const bytes of [zip.slice(0, zip.length / 2), zip.slice(0, -1), zip.slice(0, 4), longName]) {
      expect(await verifier(await put('altered.zip', bytes))).toMatchObject({ status: 1, err: '' });
    }
  });

  it('fails for a container of more files than the format has room for', async () => {
    const most = Array.from({ length: 65_534 }, (_, i): [string, Uint8Array] => [`${i}`.padStart(6, '0'), new Uint8Array()]);
    const full = encodeZip(new Map(most));
    const record = Buffer.from(full.subarray(0, 36));
    record.write('999999', 30);
    const more = Buffer.concat([full.subarray(0, 65_534 * 36), record, full.subarray(65_534 * 36)]);
    const run = await verifier(await put('altered.zip', more));
    expect(run).toMatchObject({ status: 1, err: '' });
    expect(run.out).toContain('✗ container: The ZIP file holds more than 65534 files.');
  });

  it('shows no control characters of hostile names', async () => {
    const hostile = { name: Buffer.from('report.pdf'), by: Buffer.from('rep\u009brt.pd') };
    const bytes = Buffer.from(zip);
    for (let at = bytes.indexOf(hostile.name); at >= 0; at = bytes.indexOf(hostile.name)) hostile.by.copy(bytes, at);
    const run = await verifier(await put('altered.zip', bytes));
    expect(run.status).toBe(1);
    expect(run.out).not.toContain('\u009b');
  });

  it('says that something is no bundle, with another status', async () => {
    await mkdir(join(folder, 'folder'));
    const cases: [string, string][] = [
      ['absent.zip', 'cannot be read'],
      ['folder', 'cannot be read'],
      ['log.key', 'it is no ZIP file'],
      [await put('empty.zip', ''), 'it is no ZIP file'],
      [await put('other.zip', encodeZip(new Map([['a.txt', VIDEO]]))), 'it holds no bundle.json'],
      [await put('nothing.zip', encodeZip(new Map())), 'it holds no bundle.json'],
    ];
    for (const [path, why] of cases) {
      const run = await verifier(path);
      expect(run).toMatchObject({ status: 2, out: '' });
      expect(run.err).toContain(why);
    }
  });
});

describe('custodiet-verify receipt', () => {
  it('verifies a receipt for the file in hand', async () => {
    const run = await verifier('receipt', 'receipt.json', '--file', 'video.mp4', '--log-key', 'log.key');
    expect(run).toMatchObject({ status: 0, err: '' });
    expect(run.out).toContain('VERIFIED: video.mp4 is the sealed recording.');
    const json = await verifier('receipt', 'receipt.json', '--file', 'video.mp4', '--log-key', 'log.key', '--json');
    expect(JSON.parse(json.out)).toMatchObject({ ok: true, index: '0', size: '2', sha256: sha256(VIDEO) });
  });

  it('fails for another file, another key, and an altered receipt', async () => {
    await put('other.mp4', 'another video');
    await put('altered.json', (await readFile(join(folder, 'receipt.json'), 'utf8')).replace('index 0', 'index 1'));
    await put('bytes.json', Uint8Array.of(0xff));
    for (const [receipt, video, logKey] of [
      ['receipt.json', 'other.mp4', key.vkey],
      ['receipt.json', 'video.mp4', otherKey.vkey],
      ['altered.json', 'video.mp4', key.vkey],
      ['bytes.json', 'video.mp4', key.vkey],
    ] as const) {
      const run = await verifier('receipt', receipt, '--file', video, '--log-key', logKey);
      expect(run).toMatchObject({ status: 1, err: '' });
      expect(run.out).toContain('NOT VERIFIED');
    }
  });

  it('is usage when the file or the key is not given or cannot be read', async () => {
    for (const args of [
      ['receipt'],
      ['receipt', 'receipt.json'],
      ['receipt', 'receipt.json', '--file', 'video.mp4'],
      ['receipt', 'receipt.json', '--file', 'absent.mp4', '--log-key', 'log.key'],
      ['receipt', 'absent.json', '--file', 'video.mp4', '--log-key', 'log.key'],
    ]) {
      expect(await verifier(...args)).toMatchObject({ status: 2, out: '' });
    }
  });
});

describe('custodiet-verify --policy', () => {
  const witness = generateWitnessKey('witness.example/board');
  const cosigned = (note: string): string => {
    return addSignatureLines(note, cosign(note, parseCosigner(witness.skey), new Date('2026-11-20T11:05:00.000Z')));
  };

  beforeAll(async () => {
    const note = cosigned(Buffer.from(files.get('checkpoint')!).toString());
    await put('cosigned.zip', encodeZip(new Map([...files, ['checkpoint', Buffer.from(note)]])));
    const receipt = JSON.parse(await readFile(join(folder, 'receipt.json'), 'utf8')) as Receipt;
    const proof = parseProof(receipt.proof);
    const text = formatProof({ ...proof, checkpoint: cosigned(proof.checkpoint) });
    await put('cosigned.json', formatReceipt({ ...receipt, proof: text }));
    await put('policy.txt', `log ${key.vkey}\nwitness board ${witness.vkey}\nquorum board\n`);
    await put('no-log.txt', `witness board ${witness.vkey}\nquorum board\n`);
    await put('bad-policy.txt', 'quorum board\n');
  });

  it('verifies a bundle that the quorum cosigned, and takes the log key from the policy', async () => {
    const run = await verifier('cosigned.zip', '--policy', 'policy.txt');
    expect(run).toMatchObject({ status: 0, err: '' });
    expect(run.out).toContain('Cosigned as the policy you gave wants it, by:\n  board, 2026-11-20T11:05:00.000Z\n');
    expect(run.out).toContain('The log key is the one you gave');
    const json = await verifier('cosigned.zip', '--policy', 'policy.txt', '--json');
    expect(JSON.parse(json.out)).toMatchObject({
      ok: true,
      logKeyPinned: true,
      cosigned: { pinned: true, by: [{ alias: 'board' }] },
    });
  });

  it('fails for a bundle without the quorum, and for cosignatures that no policy asks for', async () => {
    const run = await verifier('bundle.zip', '--policy', 'policy.txt');
    expect(run).toMatchObject({ status: 1, err: '' });
    expect(run.out).toContain('✗ witnesses: checkpoint: ');
    expect(await verifier('cosigned.zip', '--log-key', key.vkey)).toMatchObject({ status: 1, err: '' });
  });

  it('verifies a receipt that the quorum cosigned, and no other', async () => {
    const trusts = [['policy.txt'], ['policy.txt', '--log-key', 'log.key'], ['no-log.txt', '--log-key', 'log.key']];
    for (const trust of trusts) {
      const run = await verifier('receipt', 'cosigned.json', '--file', 'video.mp4', '--policy', ...trust);
      expect(run).toMatchObject({ status: 0, err: '' });
      expect(run.out).toContain('Cosigned, as the policy you gave wants it, by: board\n');
      const plain = await verifier('receipt', 'receipt.json', '--file', 'video.mp4', '--policy', ...trust);
      expect(plain).toMatchObject({ status: 1, err: '' });
    }
  });

  it('is usage when the policy cannot be read, or a receipt is left without a log key', async () => {
    for (const args of [
      ['bundle.zip', '--policy', 'absent.txt'],
      ['bundle.zip', '--policy', 'video.mp4'],
      ['bundle.zip', '--policy', 'bad-policy.txt'],
      ['receipt', 'cosigned.json', '--file', 'video.mp4', '--policy', 'no-log.txt'],
    ]) {
      expect(await verifier(...args)).toMatchObject({ status: 2, out: '' });
    }
  });
});

describe('custodiet-verify BUNDLE with timestamps', () => {
  let authority: TimestampAuthority;
  let stamped: Map<string, Uint8Array>;

  beforeAll(async () => {
    authority = await TimestampAuthority.start();
    stamped = new Map([...files, ['timestamps/1.tsr', await authority.stamp(files.get('checkpoint')!)]]);
    await put('stamped.zip', encodeZip(stamped));
  });
  afterAll(() => authority.stop());

  it('gives the time, says that it has not checked whose it is, and names a command that does', async () => {
    const run = await verifier('stamped.zip', '--log-key', key.vkey);
    expect(run).toMatchObject({ status: 0, err: '' });
    expect(run.out).toContain('✓ timestamps: Timestamps of this checkpoint say 20');
    expect(run.out).toContain('Who signed them was NOT checked');
    const unpacked = join(folder, 'unpacked');
    await mkdir(join(unpacked, 'timestamps'), { recursive: true });
    for (const path of ['checkpoint', 'timestamps/1.tsr']) await writeFile(join(unpacked, path), stamped.get(path)!);
    const [program = '', ...args] = /^ +(openssl ts .*)$/m
      .exec(run.out)![1]!
      .replace('AUTHORITY.pem', authority.caFile)
      .split(' ');
    const checked = await promisify(execFile)(program, args, { cwd: unpacked });
    expect(checked.stdout).toContain('Verification: OK');
    const json = JSON.parse((await verifier('stamped.zip', '--json')).out) as { timestamps: unknown };
    expect(json.timestamps).toEqual([{ file: 'timestamps/1.tsr', time: expect.stringMatching(/^20.*Z$/) }]);
  });

  it('fails when one is of another checkpoint, or is none', async () => {
    const foreign = await authority.stamp(Buffer.from('another checkpoint'));
    for (const [response, why] of [
      [foreign, 'It is a timestamp of something else than the checkpoint of this bundle.'],
      [Buffer.from('rubbish'), 'The timestamp is malformed'],
    ] as const) {
      const run = await verifier(await put('altered.zip', encodeZip(new Map([...stamped, ['timestamps/1.tsr', response]]))));
      expect(run).toMatchObject({ status: 1, err: '' });
      expect(run.out).toContain(`✗ timestamps: timestamps/1.tsr: ${why}`);
      expect(run.out).not.toContain('Who signed them');
    }
  });
});

describe('custodiet-verify', () => {
  it('prints its help and the version of the package', async () => {
    expect((await verifier('--help')).out).toContain('custodiet-verify BUNDLE');
    const { version } = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(await verifier('--version')).toEqual({ status: 0, out: `${version}\n`, err: '' });
  });

  it('refuses wrong usage with status 2', async () => {
    for (const args of [
      [],
      ['bundle.zip', 'more'],
      ['bundle.zip', '--colour'],
      ['bundle.zip', '--log-key'],
      ['bundle.zip', '--log-key', 'video.mp4'],
      ['bundle.zip', '--log-key', 'absent.key'],
      ['bundle.zip', '--file', 'video.mp4'],
    ]) {
      const run = await verifier(...args);
      expect(run).toMatchObject({ status: 2, out: '' });
      expect(run.err).toContain('custodiet-verify: ');
    }
  });
});
