import { verifyBundle, type BundleVerdict } from './bundle.js';
import { fromUtf8, utf8 } from './encodings.js';
import { generateNoteKey, parseSigner, parseVerifier, signNote, splitNote } from './note.js';
import { sampleBundle, type SampleLog } from './sample-log.js';
import { parsePolicy } from './witness-policy.js';

type Files = Map<string, Uint8Array>;

const faults = (verdict: BundleVerdict): string[] =>
  verdict.checks.filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail}`);

/** A bundle made while the key of the log is being changed: the checkpoint carries the signatures of `signing`. */
async function overlapping(
  named: (log: SampleLog, other: string) => readonly string[] = (_, other) => [other],
  signing: (log: SampleLog, other: string) => readonly string[] = (log, other) => [log.key.skey, other],
): Promise<{ files: Files; old: string; other: string }> {
  let other = { skey: '', vkey: '' };
  const { log, files } = await sampleBundle({
    alsoSignedBy: (to) => {
      other = generateNoteKey(to.origin);
      return named(to, other.vkey);
    },
  });
  const { text } = splitNote(fromUtf8(files.get('checkpoint')!));
  const skeys = signing(log, other.skey);
  files.set('checkpoint', utf8(signNote(text, ...skeys.map(parseSigner))));
  return { files, old: log.key.vkey, other: other.vkey };
}

describe('a bundle made while the key of the log is being changed', () => {
  it('verifies for whoever trusts either key, or both, or a policy that names one', async () => {
    const { files, old, other } = await overlapping();
    expect(faults(verifyBundle(files))).toEqual([]);
    for (const vkey of [old, other]) {
      const verdict = verifyBundle(files, { logKey: parseVerifier(vkey) });
      expect(verdict).toMatchObject({ ok: true, logKey: vkey, logKeyPinned: true });
      expect(verifyBundle(files, { policy: parsePolicy(`log ${vkey}\nquorum none\n`) })).toMatchObject({
        ok: true,
        logKey: vkey,
      });
    }
  });

  it('fails for whoever trusts a third', async () => {
    const { files, old } = await overlapping();
    const third = generateNoteKey(parseVerifier(old).name);
    expect(faults(verifyBundle(files, { logKey: parseVerifier(third.vkey) }))).toHaveLength(2);
    expect(verifyBundle(files, { policy: parsePolicy(`log ${third.vkey}\nquorum none\n`) }).ok).toBe(false);
  });

  it('fails when a key that it names did not sign', async () => {
    const { files, other } = await overlapping(undefined, (log) => [log.key.skey]);
    expect(faults(verifyBundle(files))).toEqual([`checkpoint: The checkpoint is not signed by ${other}.`]);
  });

  it('fails when a key signed that it does not name', async () => {
    const { log, files } = await sampleBundle();
    const { text } = splitNote(fromUtf8(files.get('checkpoint')!));
    files.set('checkpoint', utf8(signNote(text, parseSigner(log.key.skey), parseSigner(generateNoteKey(log.origin).skey))));
    expect(faults(verifyBundle(files))).toEqual(['checkpoint: The checkpoint carries a signature of an unknown key.']);
  });

  it('fails when a further key is of another log', async () => {
    const { files } = await overlapping(
      () => [generateNoteKey('elsewhere.example/log').vkey],
      (log) => [log.key.skey],
    );
    expect(faults(verifyBundle(files))[0]).toMatch(/^log key: The key is named elsewhere/);
  });

  it.each<readonly [string, (log: SampleLog, other: string) => readonly string[]]>([
    ['none', () => []],
    ['the same', (log) => [log.key.vkey]],
    ['one twice', (_, other) => [other, other]],
  ])('is not made with %s as further keys', async (_, named) => {
    await expect(overlapping(named)).rejects.toMatchObject({ code: 'bundle-malformed' });
  });
});
