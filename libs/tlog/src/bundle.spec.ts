import fc from 'fast-check';
import { isBundle, verifyBundle, type BundleVerdict } from './bundle.js';
import { bundleEntryLine, bundleManifest, bundleProofLine } from './bundle-format.js';
import { fromUtf8, utf8 } from './encodings.js';
import { generateNoteKey, parseSigner, parseVerifier, signNote } from './note.js';
import { CASE, RECORDING, SampleLog, VIDEO_SHA256, sampleBundle, sampleDock, uuidOf } from './sample-log.js';

type Files = Map<string, Uint8Array>;

const { log, files } = await sampleBundle();

function faults(verdict: BundleVerdict): string[] {
  return verdict.checks.filter(({ ok }) => !ok).map(({ name, where, detail }) => `${name} | ${where ?? ''} | ${detail}`);
}

function changed(path: string, change: (text: string) => string, from: Files = files): Files {
  return new Map([...from, [path, utf8(change(fromUtf8(from.get(path)!)))]]);
}

function lines(change: (lines: string[]) => string[]): (text: string) => string {
  return (text) => change(text.slice(0, -1).split('\n')).join('\n') + '\n';
}

describe('an evidence bundle', () => {
  it('verifies under the key of the log', () => {
    const verdict = verifyBundle(files, { logKey: log.logKey });
    expect(faults(verdict)).toEqual([]);
    expect(verdict).toMatchObject({
      ok: true,
      recording: RECORDING,
      entries: 6,
      logKey: log.key.vkey,
      logKeyPinned: true,
      checkpoint: { origin: 'example.com/log', size: 9n },
    });
    expect(verdict.checks.map(({ name }) => name)).toEqual([
      'bundle.json',
      'log key',
      'files',
      'checkpoint',
      'entries',
      'inclusion',
      'payloads',
      'chains',
      'export',
      'sealed',
      'dock manifest',
    ]);
  });

  it('verifies under its own key and says so', () => {
    expect(verifyBundle(files)).toMatchObject({ ok: true, logKeyPinned: false, logKey: log.key.vkey });
  });

  it('verifies without a dock manifest, as for a redacted recording', async () => {
    const derived = await sampleBundle({
      files: (listed) => ['manifest.note', 'dock-key.txt'].forEach((path) => listed.delete(path)),
    });
    expect(faults(verifyBundle(derived.files))).toEqual([]);
  });

  it('verifies when the log has grown since the export', async () => {
    const grown = await sampleBundle({
      after: (to) => Array.from({ length: 50 }, () => to.append(uuidOf('other'), 'person.enrolled')),
    });
    expect(faults(verifyBundle(grown.files))).toEqual([]);
  });

  it('fails under another key, even one of the same name', () => {
    const verdict = verifyBundle(files, { logKey: parseVerifier(generateNoteKey('example.com/log').vkey) });
    expect(faults(verdict).map((fault) => fault.split(' | ')[0])).toEqual(['log key', 'checkpoint']);
    expect(verdict).toMatchObject({ ok: false, logKeyPinned: true });
  });

  it('fails when any single byte of any file is changed', () => {
    const places = [...files].flatMap(([path, data]) => Array.from(data, (_, at) => ({ path, at })));
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.integer({ min: 1, max: 255 }), ({ path, at }, by) => {
        const data = files.get(path)!.map((byte, i) => (i === at ? byte ^ by : byte));
        const verdict = verifyBundle(new Map([...files, [path, data]]));
        expect(verdict.ok).toBe(false);
        expect(verdict.checks.some(({ ok, where }) => !ok && where !== undefined)).toBe(true);
      }),
      { numRuns: 600 },
    );
  });

  it('fails when any file is cut off or continued', () => {
    for (const [path, data] of files) {
      for (const other of [data.slice(0, -1), Uint8Array.of(...data, 10), Uint8Array.of(...data, 32), new Uint8Array()]) {
        expect(verifyBundle(new Map([...files, [path, other]])).ok).toBe(false);
      }
    }
  });

  it('fails when any file is missing or one is added', () => {
    for (const path of files.keys()) {
      const verdict = verifyBundle(new Map([...files].filter(([name]) => name !== path)));
      expect(faults(verdict).join('\n')).toContain(`| ${path} | The file is missing.`);
    }
    expect(faults(verifyBundle(new Map([...files, ['extra.txt', utf8('x')]])))).toEqual([
      'files | extra.txt | The file is not listed in bundle.json.',
    ]);
  });

  it('fails when an entry is dropped, added, doubled or swapped, with its proof or without', () => {
    const count = fromUtf8(files.get('entries.jsonl')!).split('\n').length - 1;
    const index = fc.nat(count - 1);
    fc.assert(
      fc.property(index, index, fc.boolean(), (i, j, both) => {
        const edits: ((all: string[]) => string[])[] = [
          (all) => all.filter((_, k) => k !== i),
          (all) => all.flatMap((line, k) => (k === i ? [line, line] : [line])),
          (all) => [...all.slice(0, i), all[j]!, ...all.slice(i)],
        ];
        if (i !== j) edits.push((all) => all.map((line, k) => (k === i ? all[j]! : k === j ? all[i]! : line)));
        for (const edit of edits) {
          const once = changed('entries.jsonl', lines(edit));
          expect(verifyBundle(both ? changed('proofs.jsonl', lines(edit), once) : once).ok).toBe(false);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('names the file and the line', () => {
    const broken = changed(
      'entries.jsonl',
      lines((all) => all.map((line, i) => (i === 2 ? line.replace('viewing', 'sighing').replace('"salt"', '"Salt"') : line))),
    );
    expect(faults(verifyBundle(broken))).toContainEqual(expect.stringMatching(/^entries \| entries\.jsonl line 3 \| /));
    const otherPayload = changed(
      'entries.jsonl',
      lines((all) => all.map((line, i) => (i === 5 ? line.replace('exported\\"}', 'examined\\"}') : line))),
    );
    expect(faults(verifyBundle(otherPayload))).toEqual([
      'payloads | entries.jsonl line 6 | The payload is not the one that the header commits to.',
    ]);
    const otherHeader = changed(
      'entries.jsonl',
      lines((all) => all.map((line, i) => (i === 4 ? line.replace('viewing.opened', 'viewing.closed') : line))),
    );
    expect(faults(verifyBundle(otherHeader))).toContain(
      'inclusion | entries.jsonl line 5 | The inclusion proof leads to another root. Either this line or proofs.jsonl line 5 is not as it was.',
    );
  });

  it('fails when the payload of an entry is gone', () => {
    const gone = changed(
      'entries.jsonl',
      lines((all) => all.map((line) => line.replace(/"payload":"(\\.|[^"\\])*"/, '"payload":""'))),
    );
    expect(verifyBundle(gone).ok).toBe(false);
  });

  it('fails when the chain of the recording goes on after the export, or the export is of something else', async () => {
    const later = await sampleBundle({ after: (to) => to.append(RECORDING, 'viewing.opened') });
    expect(faults(verifyBundle(later.files))).toEqual([
      'export | entries.jsonl line 7 | The chain of the recording does not end with the export of this bundle.',
    ]);
    const other = await sampleBundle({ exported: (to) => to.append(RECORDING, 'evidence-bundle.exported', 'cd'.repeat(32)) });
    expect(faults(verifyBundle(other.files))).toEqual([
      'export | bundle.json | The SHA-256 of bundle.json is not the one that the export put in the log.',
    ]);
    const missing = await sampleBundle({ exported: () => undefined });
    expect(faults(verifyBundle(missing.files))).toHaveLength(1);
  });

  it('fails when the chain of another subject is cut short together with its proof', async () => {
    const cut = lines((all) => all.filter((_, i) => i !== 3));
    expect(faults(verifyBundle(changed('proofs.jsonl', cut, changed('entries.jsonl', cut))))).toEqual([
      `chains | entries.jsonl line 2 | The chain of ${CASE} does not end with the entry that bundle.json names.`,
    ]);
    const longer = await sampleBundle({ after: (to) => to.append(CASE, 'case.closed') });
    expect(faults(verifyBundle(longer.files))[0]).toContain('does not end with the entry that bundle.json names');
  });

  it('fails when the recording was never sealed, sealed without a hash, or sealed twice', async () => {
    const never = await sampleBundle({
      before: (to) => [RECORDING, CASE].forEach((subject) => to.append(subject, 'some.event')),
    });
    expect(faults(verifyBundle(never.files))[0]).toContain('The recording was sealed 0 times, not once.');
    const bare = await sampleBundle({
      before: (to) => [RECORDING, CASE].forEach((subject) => to.append(subject, 'recording.sealed')),
    });
    expect(faults(verifyBundle(bare.files))[0]).toContain('does not name the SHA-256');
    const twice = await sampleBundle({
      before: (to) => [RECORDING, CASE, RECORDING].forEach((subject) => to.append(subject, 'recording.sealed', VIDEO_SHA256)),
    });
    expect(faults(verifyBundle(twice.files))[0]).toContain('The recording was sealed 2 times, not once.');
  });

  it('fails when a subject has no entries, or an entry is about a subject that is not named', async () => {
    const absent = await sampleBundle({ subjects: [RECORDING, CASE, uuidOf('nobody')] });
    expect(faults(verifyBundle(absent.files))).toEqual([
      `chains | entries.jsonl | There is no entry about ${uuidOf('nobody')}, which bundle.json names.`,
    ]);
    const { log: wide, files: narrow } = await sampleBundle({ subjects: [RECORDING] });
    const more = new Map([...narrow, ...(await wide.proving(fromUtf8(narrow.get('bundle.json')!), [RECORDING, CASE]))]);
    expect(faults(verifyBundle(more)).every((fault) => fault.includes('which bundle.json does not name'))).toBe(true);
    expect(verifyBundle(more).ok).toBe(false);
  });

  it('fails when the dock signed another file, when its key is missing or another, or when somebody else signed too', async () => {
    const fails = async (change: (listed: Files) => void): Promise<string> => {
      return faults(verifyBundle((await sampleBundle({ files: change })).files)).join('\n');
    };
    const elsewhere = sampleDock('ef'.repeat(32));
    expect(
      await fails((listed) => listed.set('manifest.note', utf8(elsewhere.note)).set('dock-key.txt', utf8(`${elsewhere.vkey}\n`))),
    ).toBe('dock manifest | manifest.note | The dock did not sign a file with the SHA-256 of the recording.');
    expect(await fails((listed) => listed.delete('dock-key.txt'))).toBe('dock manifest | dock-key.txt | The file is missing.');
    expect(await fails((listed) => listed.set('dock-key.txt', utf8(`${elsewhere.vkey}\n`)))).toContain(
      'dock manifest | manifest.note | ',
    );
    expect(await fails((listed) => listed.set('dock-key.txt', utf8(elsewhere.vkey)))).toContain('no newline');
    expect(await fails((listed) => listed.set('dock-key.txt', utf8(`${elsewhere.vkey}\n\n`)))).toContain('more than one line');
  });

  it('fails when the checkpoint carries a signature that nobody can verify', () => {
    const stranger = parseSigner(generateNoteKey('witness.example').skey);
    const more = changed('checkpoint', (note) => note + signNote('x\n', stranger).slice(3));
    expect(faults(verifyBundle(more))).toEqual([
      'checkpoint | checkpoint | The checkpoint carries a signature of an unknown key.',
    ]);
  });

  it('fails when the checkpoint, the entries or the key are of another log', async () => {
    const foreign = await sampleBundle({ log: 'example.com/other' });
    expect(faults(verifyBundle(foreign.files)).map((fault) => fault.split(' | ')[0])).toEqual([
      'log key',
      'checkpoint',
      ...Array.from({ length: 6 }, () => 'entries'),
    ]);
    const elsewhere = new SampleLog();
    elsewhere.append(RECORDING, 'recording.sealed', VIDEO_SHA256);
    expect(verifyBundle(new Map([...files, ['checkpoint', utf8(elsewhere.checkpoint())]])).ok).toBe(false);
  });

  it('stops repeating itself after twenty faults of a kind', async () => {
    const long = await sampleBundle({ after: (to) => Array.from({ length: 60 }, () => to.append(CASE, 'case.noted')) });
    const verdict = verifyBundle(changed('entries.jsonl', (text) => text.replaceAll('"salt"', '"Salt"'), long.files));
    expect(verdict.checks.filter(({ name }) => name === 'entries')).toHaveLength(21);
    expect(verdict.checks).toContainEqual({ name: 'entries', ok: false, detail: '46 more faults of this kind.' });
  });

  it('never throws, whatever the files hold', () => {
    const path = fc.oneof(fc.constantFrom(...files.keys()), fc.string());
    const content = fc.oneof(
      fc.uint8Array(),
      fc.json().map((text) => utf8(text.toWellFormed() + '\n')),
      fc.constantFrom(...files.values()),
      fc.constant(utf8('['.repeat(100_000) + '\n')),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(path, content), { minLength: 1, maxLength: 4 }), (replaced) => {
        const hostile = new Map([...files, ...replaced]);
        const same = [...hostile].every(
          ([name, data]) => files.get(name) !== undefined && Buffer.compare(files.get(name)!, data) === 0,
        );
        expect(verifyBundle(hostile).ok).toBe(same);
      }),
      { numRuns: 200 },
    );
    expect(verifyBundle(new Map()).ok).toBe(false);
  });

  it('is one if it has a bundle.json', () => {
    expect(isBundle(files)).toBe(true);
    expect(isBundle(new Map([['report.pdf', utf8('x')]]))).toBe(false);
  });
});

describe('the builders of a bundle', () => {
  const good = {
    log: 'a',
    logKey: 'k',
    recording: RECORDING,
    subjects: [RECORDING],
    heads: new Map(),
    createdAt: '2026-11-20T11:00:00.000Z',
  };
  const withPath = (path: string): string => bundleManifest({ ...good, files: new Map([[path, utf8('x')]]) });

  it('refuse a bundle.json that no verifier would read', () => {
    expect(withPath('a/b.txt')).toMatch(/^\{.*\}\n$/);
    for (const path of [
      '',
      '/a',
      'a//b',
      '../a',
      './a',
      'a\\b',
      'c:a',
      'a\nb',
      'bundle.json',
      'entries.jsonl',
      'x'.repeat(256),
    ]) {
      expect(() => withPath(path)).toThrow(expect.objectContaining({ code: 'bundle-malformed' }) as Error);
    }
    const none = new Map<string, Uint8Array>();
    expect(() => bundleManifest({ ...good, subjects: [], files: none })).toThrow('not the first');
    expect(() => bundleManifest({ ...good, subjects: [RECORDING, RECORDING], files: none })).toThrow('twice');
    expect(() => bundleManifest({ ...good, subjects: [RECORDING, 'x'], files: none })).toThrow('not a UUID');
    expect(() => bundleManifest({ ...good, subjects: [RECORDING, CASE], files: none })).toThrow(`${CASE} is missing`);
    expect(() => bundleManifest({ ...good, heads: new Map([[CASE, new Uint8Array(32)]]), files: none })).toThrow('not a field');
    expect(() => bundleManifest({ ...good, createdAt: 'now', files: none })).toThrow('createdAt');
  });

  it('refuse an entry that is not one', () => {
    const [entry] = log.entries;
    expect(bundleEntryLine(entry!)).toMatch(/^\{"header":".*\n$/);
    expect(() => bundleEntryLine({ ...entry!, salt: new Uint8Array(1) })).toThrow('32 bytes');
    expect(() => bundleEntryLine({ ...entry!, header: utf8('{}') })).toThrow('missing');
    expect(bundleProofLine({ index: 1n << 60n, hashes: [] })).toBe('{"hashes":[],"index":"1152921504606846976"}\n');
  });
});
