import {
  addSignatureLines,
  cosign,
  encodeZip,
  formatProof,
  formatReceipt,
  generateNoteKey,
  generateWitnessKey,
  parseCosigner,
  parseSigner,
  signCheckpoint,
} from '#tlog';
import type { SampleLog } from '../../libs/tlog/src/sample-log.js';
import { CASE, RECORDING, sampleBundle, VIDEO_SHA256 } from '../../libs/tlog/src/sample-log.js';
import { TimestampAuthority } from '../support/timestamp-authority.js';
import { attack } from './attack.js';
import { sha256 } from './attacked-log.js';
import { VerifierCommand, type Verdict } from './verifier-command.js';

type Files = ReadonlyMap<string, Uint8Array>;

/** Whoever alters what was handed out: a bundle or a receipt, on its way to a court. */
describe('attacks on bundles and receipts', () => {
  const board = generateWitnessKey('board.test/witness');
  let verifier: VerifierCommand;
  let log: SampleLog;
  let files: Files;
  let policy: string;

  beforeAll(async () => {
    verifier = await VerifierCommand.build();
    ({ log, files } = await sampleBundle());
    policy = await verifier.put('board.policy', policyOf(log));
  }, 60_000);
  afterAll(() => verifier?.close());

  const policyOf = ({ key }: SampleLog, witness = board): string =>
    `log ${key.vkey}\nwitness board ${witness.vkey}\nquorum board\n`;
  const textOf = (from: Files, path: string): string => Buffer.from(from.get(path) ?? []).toString();
  const cosigned = (from: Files, { skey } = board, at = new Date('2026-11-20T11:05:00Z')): Files => {
    const note = textOf(from, 'checkpoint');
    return changed(from, 'checkpoint', addSignatureLines(note, cosign(note, parseCosigner(skey), at)));
  };
  const changed = (from: Files, path: string, content: string | Uint8Array): Files =>
    new Map([...from, [path, Buffer.from(content)]]);
  const lines = (from: Files, path: string, change: (all: string[]) => string[]): Files =>
    changed(from, path, change(textOf(from, path).split(/(?<=\n)/)).join(''));
  const verify = async (bundle: Files, ...args: string[]): Promise<Verdict> =>
    verifier.run([await verifier.put('bundle.zip', encodeZip(new Map(bundle))), ...args]);
  /** The checks that fail. */
  const faults = async (bundle: Files, ...args: string[]): Promise<string[]> => {
    const { code, out, err } = await verify(bundle, '--json', ...args);
    const { checks } = JSON.parse(out) as { checks: { name: string; ok: boolean }[] };
    const failed = [...new Set(checks.filter(({ ok }) => !ok).map(({ name }) => name))];
    expect({ code, err }).toEqual({ code: failed.length === 0 ? 0 : 1, err: '' });
    return failed;
  };
  const key = (): [string, string] => ['--log-key', log.key.vkey];

  it('find nothing wrong with what is unaltered', async () => {
    expect(await faults(files, ...key())).toEqual([]);
    expect(await faults(cosigned(files), '--policy', policy)).toEqual([]);
  });

  attack('a byte, line, file or entry of a bundle changed, dropped, added, moved', () => {
    it('is found by custodiet-verify', async () => {
      const twice = (all: string[]): string[] => [all[0] ?? '', ...all];
      const swapped = (all: string[]): string[] => [all[1] ?? '', all[0] ?? '', ...all.slice(2)];
      const dropped = (all: string[]): string[] => all.slice(1);
      const both = (change: (all: string[]) => string[]): Files =>
        lines(lines(files, 'entries.jsonl', change), 'proofs.jsonl', change);
      const without = new Map([...files].filter(([path]) => path !== 'report.pdf'));
      const altered = [
        ...[...files].map(([path, bytes]) =>
          changed(
            files,
            path,
            bytes.map((byte, i) => (i === bytes.length >> 1 ? byte ^ 1 : byte)),
          ),
        ),
        ...[twice, swapped, dropped].flatMap((change) => [lines(files, 'entries.jsonl', change), both(change)]),
        ...[without, changed(files, 'more.txt', 'more\n')],
      ];
      for (const bundle of altered) expect(await faults(bundle, ...key())).not.toEqual([]);
      const zip = encodeZip(new Map(files));
      const container = zip.map((byte, i) => (i === 7 ? byte ^ 1 : byte));
      expect(await verifier.run([await verifier.put('bundle.zip', container), ...key()])).toMatchObject({ code: 1 });
    }, 60_000);
  });

  attack('a receipt altered, or shown for another file or recording', () => {
    it('is found by custodiet-verify receipt', async () => {
      const sealed = log.entries.find(({ subject, header }) => subject === RECORDING && Buffer.from(header).includes('sealed'));
      if (sealed === undefined) throw new Error('nothing was sealed');
      const proof = formatProof({ index: sealed.index, hashes: await log.proof(sealed.index), checkpoint: log.checkpoint() });
      const header = Buffer.from(sealed.header).toString();
      const parts = { format: 'custodiet/receipt/v1', recording: RECORDING, sha256: VIDEO_SHA256, header, proof } as const;
      const [video, other] = await Promise.all([verifier.put('video.mp4', 'the video'), verifier.put('other.mp4', 'another')]);
      const check = async (text: string, file: string): Promise<number> => {
        const receipt = await verifier.put('receipt.json', text);
        return (await verifier.run(['receipt', receipt, '--file', file, ...key()])).code;
      };
      const text = formatReceipt(parts);
      expect(await check(text, video)).toBe(0);
      expect(await check(text, other)).toBe(1);
      expect(await check(formatReceipt({ ...parts, recording: CASE }), video)).toBe(1);
      expect(await check(formatReceipt({ ...parts, sha256: sha256('another') }), other)).toBe(1);
      expect(await check(text.replace('recording.sealed', 'recording.Sealed'), video)).toBe(1);
    }, 60_000);
  });

  attack('a bundle and its log made up, signed with another key', () => {
    it("is found with the log's key or a policy got from elsewhere, and not without", async () => {
      const { files: madeUp } = await sampleBundle();
      expect(await faults(madeUp)).toEqual([]);
      expect((await verify(madeUp)).out).toContain('came out of the bundle');
      expect(await faults(madeUp, ...key())).toContain('log key');
      expect(await faults(cosigned(madeUp, generateWitnessKey('board.test/witness')), '--policy', policy)).toContain('log key');
    }, 60_000);
  });

  attack('another `policy.txt`, with witnesses of the forger', () => {
    it('is found with a policy got from elsewhere', async () => {
      const accomplice = generateWitnessKey('board.test/witness');
      const own = await sampleBundle({ files: (listed, to) => listed.set('policy.txt', Buffer.from(policyOf(to, accomplice))) });
      const bundle = cosigned(own.files, accomplice);
      expect(await faults(bundle)).toEqual([]);
      const given = await verifier.put('given.policy', policyOf(own.log));
      expect(await faults(bundle, '--policy', given)).toEqual(['witnesses']);
    }, 60_000);
  });

  attack('the signature or the quorum left out, forged, or of another tree', () => {
    it('is found by custodiet-verify', async () => {
      const note = textOf(files, 'checkpoint');
      const size = BigInt(note.split('\n')[1] ?? 0);
      const sign = (skey: string): string =>
        signCheckpoint({ origin: log.origin, size, root: new Uint8Array(32) }, parseSigner(skey));
      const text = note.slice(0, note.indexOf('\n\n') + 2);
      const signatures = [
        changed(files, 'checkpoint', text),
        changed(files, 'checkpoint', sign(log.key.skey).replace(/^[^]*\n\n/, text)),
        changed(files, 'checkpoint', sign(generateNoteKey(log.origin).skey)),
      ];
      for (const bundle of signatures) expect(await faults(bundle, ...key())).toContain('checkpoint');
      expect(await faults(changed(files, 'checkpoint', sign(log.key.skey)), ...key())).toContain('inclusion');

      expect(await faults(files, '--policy', policy)).toEqual(['witnesses']);
      const accomplice = generateWitnessKey('board.test/witness');
      expect(await faults(cosigned(files, accomplice), '--policy', policy)).not.toEqual([]);
      const ofAnother = cosign(sign(log.key.skey), parseCosigner(board.skey), new Date());
      expect(await faults(changed(files, 'checkpoint', addSignatureLines(note, ofAnother)), '--policy', policy)).not.toEqual([]);
    }, 60_000);
  });

  attack('an old checkpoint put into a bundle', () => {
    it('is found by custodiet-verify: it does not hold the export', async () => {
      let old = '';
      const bundle = await sampleBundle({
        exported: (to, digest) => {
          old = to.checkpoint();
          to.append(RECORDING, 'evidence-bundle.exported', digest);
        },
      });
      expect(await faults(changed(bundle.files, 'checkpoint', old), '--log-key', bundle.log.key.vkey)).toContain('inclusion');
    }, 60_000);
  });

  attack("the end of the recording's chain left out of a bundle", () => {
    it('is found by custodiet-verify', async () => {
      const cut = (all: string[]): string[] => all.slice(0, -1);
      expect(await faults(lines(lines(files, 'entries.jsonl', cut), 'proofs.jsonl', cut), ...key())).toContain('export');
      const later = await sampleBundle({ after: (to) => to.append(RECORDING, 'viewing.opened') });
      expect(await faults(later.files, '--log-key', later.log.key.vkey)).toEqual(['export']);
    }, 60_000);
  });

  attack("the end of another subject's chain left out of a bundle", () => {
    it('is found by custodiet-verify: up to the export by the bundle itself, and by the map of heads what its maker left out', async () => {
      const last = textOf(files, 'entries.jsonl')
        .split('\n')
        .findLastIndex((line) => line.includes('case.recording-added'));
      const cut = (all: string[]): string[] => all.filter((_, i) => i !== last);
      expect(await faults(lines(lines(files, 'entries.jsonl', cut), 'proofs.jsonl', cut), ...key())).toEqual(['chains']);
      const hiding = await sampleBundle({
        heads: (to) => {
          const heads = to.sortedHeads();
          return to.logHeads(heads.map((head) => (head.subject === CASE ? { ...head, seq: 2, index: '6' } : head)));
        },
      });
      expect(await faults(hiding.files, '--log-key', hiding.log.key.vkey)).toEqual(['heads']);
    }, 60_000);
  });

  attack('a payload swapped under its commitment', () => {
    it('is found by custodiet-verify in a bundle', async () => {
      const swapped = lines(files, 'entries.jsonl', (all) => {
        const payloads = all.map((line) => (line === '' ? undefined : (JSON.parse(line) as { payload: string }).payload));
        return all.map((line, i) => {
          const other = payloads[i === 0 ? 1 : i === 1 ? 0 : i];
          const own = JSON.stringify(payloads[i] ?? null);
          return line === '' ? line : line.replace(`"payload":${own}`, `"payload":${JSON.stringify(other)}`);
        });
      });
      expect(await faults(swapped, ...key())).toEqual(['payloads']);
    }, 60_000);
  });

  attack('a payload destroyed without saying so', () => {
    it('is found by custodiet-verify in a bundle', async () => {
      const destroyed = lines(files, 'entries.jsonl', ([first = '', ...others]) => [
        first.replace(/"payload":"(\\.|[^"\\])*"/, '"payload":null').replace(/"salt":"[^"]*"/, '"salt":null'),
        ...others,
      ]);
      expect(await faults(destroyed, ...key())).toEqual(['payloads']);
    }, 60_000);
  });

  describe('with timestamps', () => {
    let authority: TimestampAuthority;
    let accomplice: TimestampAuthority;

    beforeAll(async () => {
      [authority, accomplice] = await Promise.all([TimestampAuthority.start(), TimestampAuthority.start()]);
    }, 60_000);
    afterAll(async () => {
      await Promise.all([authority?.stop(), accomplice?.stop()]);
    });

    const stamp = async (bundle: Files, by: TimestampAuthority): Promise<Files> =>
      changed(bundle, 'timestamps/1.tsr', await by.stamp(Buffer.from(bundle.get('checkpoint') ?? [])));
    /** `openssl ts -verify` as the README says, with the certificate of the authority that the reader trusts. */
    const openssl = async (bundle: Files): Promise<boolean> => {
      const [response, data] = ['timestamps/1.tsr', 'checkpoint'].map((path) => Buffer.from(bundle.get(path) ?? []));
      return response !== undefined && data !== undefined && (await authority.verify(response, data)).ok;
    };

    attack('a timestamp altered, forged, or taken from another checkpoint', () => {
      it('is found by custodiet-verify for what it is of, and by openssl for who signed it', async () => {
        const honest = await stamp(files, authority);
        expect(await faults(honest, ...key())).toEqual([]);
        expect(await openssl(honest)).toBe(true);
        const foreign = await authority.stamp(Buffer.from('another checkpoint'));
        expect(await faults(changed(files, 'timestamps/1.tsr', foreign), ...key())).toEqual(['timestamps']);
        const forged = await stamp(files, accomplice);
        expect(await faults(forged, ...key())).toEqual([]);
        expect(await openssl(forged)).toBe(false);
        const response = honest.get('timestamps/1.tsr') ?? new Uint8Array();
        const altered = response.map((byte, i) => (i === response.length - 1 ? byte ^ 1 : byte));
        expect(await openssl(changed(honest, 'timestamps/1.tsr', altered))).toBe(false);
      }, 60_000);
    });

    attack('history made up later, with the clocks of the log and its witnesses put back', () => {
      it('has no timestamp of that time: an old one is of another checkpoint, a new one says when it was made', async () => {
        // The forger has every key, also those of the witnesses.
        const honest = await stamp(cosigned(files), authority);
        const key = log.key;
        const madeUp = await sampleBundle({
          before: (to) => {
            Object.assign(to, { key });
            to.append(RECORDING, 'recording.announced');
            to.append(CASE, 'case.opened');
            to.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
          },
        });
        const backdated = cosigned(madeUp.files, board, new Date('2020-01-01T00:00:00Z'));
        expect(await faults(backdated, '--policy', policy)).toEqual([]);
        const withOld = changed(backdated, 'timestamps/1.tsr', honest.get('timestamps/1.tsr') ?? '');
        expect(await faults(withOld, '--policy', policy)).toEqual(['timestamps']);
        const withNew = await stamp(backdated, authority);
        const { out } = await verify(withNew, '--policy', policy, '--json');
        const [timestamp] = (JSON.parse(out) as { timestamps: { time: string }[] }).timestamps;
        expect(Date.parse(timestamp?.time ?? '')).toBeGreaterThan(Date.now() - 3_600_000);
      }, 60_000);
    });
  });
});
