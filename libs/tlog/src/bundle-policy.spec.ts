import fc from 'fast-check';
import { verifyBundle, type BundleVerdict } from './bundle.js';
import { addSignatureLines, cosign, generateWitnessKey, parseCosigner } from './cosignature.js';
import { fromUtf8, utf8 } from './encodings.js';
import { generateNoteKey, parseVerifier } from './note.js';
import { RECORDING, sampleBundle } from './sample-log.js';
import { parsePolicy } from './witness-policy.js';

type Files = Map<string, Uint8Array>;

const keys = new Map(['anna', 'bela', 'cleo'].map((alias) => [alias, generateWitnessKey(`witness.example/${alias}`)]));
const time = new Date('2026-11-20T11:05:00.000Z');

/** Any two of the witnesses named. */
function policyText(logKey: string | undefined, aliases: readonly string[] = [...keys.keys()], atLeast = 2): string {
  const witnesses = aliases.map((alias) => `witness ${alias} ${keys.get(alias)!.vkey}\n`).join('');
  const log = logKey === undefined ? '' : `log ${logKey}\n`;
  return `${log}${witnesses}group board ${atLeast} ${aliases.join(' ')}\nquorum board\n`;
}

function cosignedBy(files: Files, ...by: readonly string[]): Files {
  const note = fromUtf8(files.get('checkpoint')!);
  const lines = by.map((alias) => cosign(note, parseCosigner(keys.get(alias)!.skey), time));
  return new Map([...files, ['checkpoint', utf8(addSignatureLines(note, lines.join('')))]]);
}

function faults(verdict: BundleVerdict): string[] {
  return verdict.checks.filter(({ ok }) => !ok).map(({ name, where, detail }) => `${name} | ${where ?? ''} | ${detail}`);
}

const { log, files: plain } = await sampleBundle();
const { log: withLog, files: withPolicy } = await sampleBundle({
  files: (listed, to) => listed.set('policy.txt', utf8(policyText(to.key.vkey))),
});
const policy = parsePolicy(policyText(log.key.vkey));

describe('a bundle and a policy that was given', () => {
  it('verifies when the quorum cosigned, and then the log key is pinned too', () => {
    const verdict = verifyBundle(cosignedBy(plain, 'cleo', 'anna'), { policy });
    expect(faults(verdict)).toEqual([]);
    expect(verdict.checks.map(({ name }) => name).slice(0, 6)).toEqual([
      'bundle.json',
      'policy',
      'log key',
      'files',
      'checkpoint',
      'witnesses',
    ]);
    const by = ['anna', 'cleo'].map((alias) => ({ alias, time: time.toISOString() }));
    expect(verdict).toMatchObject({ ok: true, logKeyPinned: true, cosigned: { pinned: true, by } });
    expect(verifyBundle(cosignedBy(plain, 'cleo', 'anna'), { policy, logKey: log.logKey }).ok).toBe(true);
  });

  it('fails without the quorum', () => {
    for (const by of [[], ['anna']]) {
      const verdict = verifyBundle(cosignedBy(plain, ...by), { policy });
      expect(faults(verdict)).toEqual([expect.stringContaining('that is not the quorum. (Policy that was given.)')]);
      expect(verdict.cosigned).toBeUndefined();
    }
  });

  it('fails when the policy names another log, unless it leaves the log open', () => {
    const other = generateNoteKey('example.com/log').vkey;
    const cosigned = cosignedBy(plain, 'anna', 'bela');
    for (const trust of [
      { policy: parsePolicy(policyText(other)) },
      { policy: parsePolicy(policyText(other)), logKey: log.logKey },
    ]) {
      expect(faults(verifyBundle(cosigned, trust))).toEqual([
        expect.stringContaining('log key | bundle.json | The policy that was given'),
      ]);
    }
    const open = parsePolicy(policyText(undefined));
    expect(verifyBundle(cosigned, { policy: open })).toMatchObject({ ok: true, logKeyPinned: false });
    expect(verifyBundle(cosigned, { policy: open, logKey: parseVerifier(other) }).ok).toBe(false);
  });

  it('fails under a tree that the witnesses did not see, and under one that they saw before the export', async () => {
    const lines = fromUtf8(cosignedBy(plain, 'anna', 'bela').get('checkpoint')!)
      .split('\n')
      .slice(5)
      .join('\n');
    const fork = await sampleBundle();
    const moved = fromUtf8(fork.files.get('checkpoint')!) + lines;
    const trust = { policy: parsePolicy(policyText(fork.log.key.vkey)) };
    const verdict = verifyBundle(new Map([...fork.files, ['checkpoint', utf8(moved)]]), trust);
    expect(faults(verdict)).toContainEqual(expect.stringContaining('The cosignature of witness.example/anna does not verify.'));
    let early = '';
    const later = await sampleBundle({
      exported: (to, digest) => {
        early = to.checkpoint();
        to.append(RECORDING, 'evidence-bundle.exported', digest);
      },
    });
    const old = cosignedBy(new Map([...later.files, ['checkpoint', utf8(early)]]), 'anna', 'bela');
    expect(faults(verifyBundle(old, { policy: parsePolicy(policyText(later.log.key.vkey)) }))).toContainEqual(
      expect.stringContaining('inclusion | entries.jsonl line 6 | '),
    );
  });

  it('fails when somebody cosigned whom no policy names', () => {
    const narrow = parsePolicy(policyText(log.key.vkey, ['anna'], 1));
    expect(verifyBundle(cosignedBy(plain, 'anna'), { policy: narrow }).ok).toBe(true);
    expect(faults(verifyBundle(cosignedBy(plain, 'anna', 'bela'), { policy: narrow }))).toEqual([
      'checkpoint | checkpoint | The checkpoint carries a signature of an unknown key.',
    ]);
    expect(verifyBundle(cosignedBy(plain, 'anna', 'bela')).ok).toBe(false);
  });
});

describe('a bundle with a policy of its own', () => {
  const cosigned = cosignedBy(withPolicy, 'anna', 'bela');

  it('verifies when its quorum cosigned, and says whose policy that is', () => {
    const verdict = verifyBundle(cosigned, { logKey: withLog.logKey });
    expect(faults(verdict)).toEqual([]);
    expect(verdict).toMatchObject({ ok: true, cosigned: { pinned: false, by: [{ alias: 'anna' }, { alias: 'bela' }] } });
    expect(verdict.checks.find(({ name }) => name === 'witnesses')?.detail).toContain('the policy in the bundle');
  });

  it('fails when its own quorum is missing, or it names another log', async () => {
    expect(faults(verifyBundle(cosignedBy(withPolicy, 'anna')))).toEqual([expect.stringContaining('(Policy in the bundle.)')]);
    const foreign = await sampleBundle({
      files: (listed) => listed.set('policy.txt', utf8(policyText(generateNoteKey('example.com/log').vkey))),
    });
    expect(faults(verifyBundle(cosignedBy(foreign.files, 'anna', 'bela')))).toEqual([
      expect.stringContaining('The policy in the bundle does not name the log key'),
    ]);
  });

  it('is judged by the policy that was given; its own witnesses may have signed too', () => {
    const cleo = parsePolicy(policyText(withLog.key.vkey, ['cleo'], 1));
    expect(faults(verifyBundle(cosigned, { policy: cleo }))).toEqual([expect.stringContaining('(Policy that was given.)')]);
    const all = verifyBundle(cosignedBy(withPolicy, 'anna', 'bela', 'cleo'), { policy: cleo });
    expect(all).toMatchObject({ ok: true, cosigned: { pinned: true, by: [{ alias: 'cleo' }] } });
  });

  it('fails when its policy cannot be read, is altered, or is not listed', async () => {
    const broken = await sampleBundle({ files: (listed) => listed.set('policy.txt', utf8('quorum nobody\n')) });
    expect(faults(verifyBundle(broken.files))).toEqual([expect.stringContaining('policy | policy.txt | Line 1 of the policy')]);
    const altered = new Map([...cosigned, ['policy.txt', utf8(policyText(withLog.key.vkey, ['anna'], 1))]]);
    expect(verifyBundle(altered).ok).toBe(false);
    expect(verifyBundle(new Map([...cosignedBy(plain, 'anna', 'bela'), ['policy.txt', utf8(policyText(log.key.vkey))]])).ok).toBe(
      false,
    );
  });

  it('fails when any byte of its checkpoint or policy is changed', () => {
    const places = ['checkpoint', 'policy.txt'].flatMap((path) => Array.from(cosigned.get(path)!, (_, at) => ({ path, at })));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.integer({ min: 1, max: 255 }), ({ path, at }, by) => {
        const data = cosigned.get(path)!.map((byte, i) => (i === at ? byte ^ by : byte));
        expect(verifyBundle(new Map([...cosigned, [path, data]])).ok).toBe(false);
      }),
      { numRuns: 400 },
    );
  });
});
