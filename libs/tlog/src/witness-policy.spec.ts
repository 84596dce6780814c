import fc from 'fast-check';
import { signCheckpoint } from './checkpoint.js';
import { addSignatureLines, cosign, generateWitnessKey, parseCosigner } from './cosignature.js';
import { leafHash } from './merkle.js';
import { generateNoteKey, parseSigner, parseVerifier } from './note.js';
import { refused } from './testing/refused.js';
import { acceptsLog, checkPolicy, hasQuorum, openTrusted, parsePolicy } from './witness-policy.js';

const log = generateNoteKey('example.com/log');
const checkpoint = { origin: 'example.com/log', size: 3n, root: leafHash(Uint8Array.of(1)) };
const note = signCheckpoint(checkpoint, parseSigner(log.skey));
const aliases = ['X1', 'X2', 'X3', 'Y1', 'Y2', 'Y3'];
const keys = new Map(aliases.map((alias) => [alias, generateWitnessKey(`witness.example/${alias}`)]));
const time = new Date('2026-11-20T10:30:00.000Z');
const witnessLines = aliases.map((alias) => `witness ${alias} ${keys.get(alias)!.vkey}\n`).join('');

// The example of C2SP tlog-policy.
const EXAMPLE = `# two organisations
log ${log.vkey}

${witnessLines}
group X-witnesses 2 X1 X2 X3
  group\tY-witnesses any Y1 Y2 Y3
group X-and-Y all X-witnesses Y-witnesses
quorum X-and-Y
`;

function cosignedBy(...by: readonly string[]): string {
  const lines = by.map((alias) => cosign(note, parseCosigner(keys.get(alias)!.skey), time));
  return addSignatureLines(note, lines.join(''));
}

function satisfied(by: readonly string[], policy: string): boolean {
  try {
    return checkPolicy(cosignedBy(...by), parsePolicy(policy)).checkpoint.size === 3n;
  } catch (error) {
    expect(error).toMatchObject({ name: 'TlogError', code: 'quorum-missing' });
    return false;
  }
}

describe('a policy', () => {
  it('reads as written in the specification', () => {
    const policy = parsePolicy(EXAMPLE);
    expect(policy.logKeys.map(({ vkey }) => vkey)).toEqual([log.vkey]);
    expect(policy.witnesses.map(({ alias, vkey }) => [alias, vkey])).toEqual([...keys].map(([alias, { vkey }]) => [alias, vkey]));
    expect(policy.quorum).toMatchObject({ group: 'X-and-Y', atLeast: 2, of: [{ atLeast: 2 }, { atLeast: 1 }] });
  });

  it('may give addresses', () => {
    const [key] = [keys.get('X1')!];
    const policy = parsePolicy(`log ${log.vkey} https://log.example\nwitness X1 ${key.vkey} https://w.example/x1\nquorum X1\n`);
    expect(policy.witnesses[0]).toMatchObject({ alias: 'X1', url: 'https://w.example/x1' });
  });

  it('holds exactly when its quorum cosigned', () => {
    fc.assert(
      fc.property(fc.subarray(aliases), (by) => {
        const count = (letter: string): number => by.filter((alias) => alias.startsWith(letter)).length;
        expect(satisfied(by, EXAMPLE)).toBe(count('X') >= 2 && count('Y') >= 1);
      }),
      { numRuns: 64 },
    );
  });

  it('that holds for some witnesses holds for more of them, and a higher threshold never for fewer', () => {
    const policy = (threshold: number): string =>
      `log ${log.vkey}\n${witnessLines}group g ${threshold} ${aliases.join(' ')}\nquorum g\n`;
    fc.assert(
      fc.property(fc.subarray(aliases), fc.subarray(aliases), fc.integer({ min: 1, max: 6 }), (some, more, threshold) => {
        const all = [...new Set([...some, ...more])];
        if (satisfied(some, policy(threshold))) expect(satisfied(all, policy(threshold))).toBe(true);
        if (threshold < 6 && satisfied(some, policy(threshold + 1))) expect(satisfied(some, policy(threshold))).toBe(true);
        expect(satisfied(some, policy(threshold))).toBe(some.length >= threshold);
      }),
      { numRuns: 60 },
    );
  });

  it('names the cosigners by its own names for them', () => {
    expect(checkPolicy(cosignedBy('Y3', 'X1', 'X2'), parsePolicy(EXAMPLE))).toEqual({
      checkpoint,
      cosigners: ['X1', 'X2', 'Y3'].map((alias) => ({ alias, time })),
    });
    const none = `log ${log.vkey}\nquorum none\n`;
    expect(checkPolicy(note, parsePolicy(none)).cosigners).toEqual([]);
    expect(checkPolicy(cosignedBy('X1'), parsePolicy(none)).cosigners).toEqual([]);
  });

  it('holds for the checkpoints of its own logs only', () => {
    const other = generateNoteKey('example.com/log');
    const policy = parsePolicy(EXAMPLE.replace(log.vkey, other.vkey));
    expect(() => checkPolicy(cosignedBy('X1', 'X2', 'Y1'), policy)).toThrow(refused('note-unsigned'));
    const anyLog = parsePolicy(EXAMPLE.replace(`log ${log.vkey}\n`, ''));
    expect(() => checkPolicy(cosignedBy('X1', 'X2', 'Y1'), anyLog)).toThrow(refused('note-unsigned'));
  });

  it('fails when a cosignature of one of its witnesses is wrong, whether it is needed or not', () => {
    const elsewhere = signCheckpoint({ ...checkpoint, size: 4n }, parseSigner(log.skey));
    const wrong = cosign(elsewhere, parseCosigner(keys.get('Y2')!.skey), time);
    expect(() => checkPolicy(cosignedBy('X1', 'X2', 'Y1') + wrong, parsePolicy(EXAMPLE))).toThrow(refused('signature-invalid'));
  });

  const [x1, x2] = [keys.get('X1')!.vkey, keys.get('X2')!.vkey];
  const two = `witness X1 ${x1}\nwitness X2 ${x2}\n`;
  it.each([
    ['nothing', '', 0],
    ['no quorum', two, 2],
    ['no final newline', `${two}quorum X1`, 3],
    ['an unknown word', `${two}Quorum X1\n`, 3],
    ['two quorums', `${two}quorum X1\nquorum X1\n`, 4],
    ['a quorum of nobody', `${two}quorum\n`, 3],
    ['a quorum of two names', `${two}quorum X1 X2\n`, 3],
    ['a quorum that is defined later', `quorum X1\n${two}`, 1],
    ['a group that holds itself', `${two}group g any g\nquorum g\n`, 3],
    ['a group without members', `${two}group g any\nquorum g\n`, 3],
    ['a group of none', `${two}group g any none\nquorum g\n`, 3],
    ['a group named none', `${two}group none any X1\nquorum none\n`, 3],
    ['a group named like a witness', `${two}group X1 any X2\nquorum X1\n`, 3],
    ['a threshold of 0', `${two}group g 0 X1 X2\nquorum g\n`, 3],
    ['a threshold above its members', `${two}group g 3 X1 X2\nquorum g\n`, 3],
    ['a threshold with a leading zero', `${two}group g 01 X1 X2\nquorum g\n`, 3],
    ['a threshold that is no number', `${two}group g most X1 X2\nquorum g\n`, 3],
    ['a member named twice', `${two}group g 2 X1 X1\nquorum g\n`, 3],
    ['a member of two groups', `${two}group g any X1\ngroup h any X1\nquorum g\n`, 4],
    ['a witness key twice', `witness X1 ${x1}\nwitness X2 ${x1}\nquorum X1\n`, 2],
    ['a witness name twice', `witness X1 ${x1}\nwitness X1 ${x2}\nquorum X1\n`, 2],
    ['a witness without a key', 'witness X1\nquorum X1\n', 1],
    ['a witness with the key of a log', `witness X1 ${log.vkey}\nquorum X1\n`, 1],
    ['a witness with too much', `witness X1 ${x1} a b\nquorum X1\n`, 1],
    ['a log with the key of a witness', `log ${x1}\nquorum none\n`, 1],
    ['a log without a key', 'log\nquorum none\n', 1],
    ['a log with too much', `log ${log.vkey} a b\nquorum none\n`, 1],
    ['a log twice', `log ${log.vkey}\nlog ${log.vkey}\nquorum none\n`, 2],
    ['a carriage return', `${two}quorum X1\r\n`, 3],
    ['a lone surrogate', '# \ud800\nquorum none\n', 1],
    ['too many lines', `quorum none\n${'\n'.repeat(1000)}`, 1001],
  ])('is refused with %s, naming the line', (_, text, line) => {
    expect(() => parsePolicy(text)).toThrow(refused('policy-malformed'));
    expect(() => parsePolicy(text)).toThrow(`Line ${line} of the policy is refused: `);
  });

  it.each([
    ['log', 'a log is written "log VKEY [URL]"'],
    ['witness', 'a witness is written "witness NAME VKEY [URL]"'],
    ['witness X1', 'a witness is written "witness NAME VKEY [URL]"'],
    ['group', 'a group is written "group NAME all|any|N MEMBER…"'],
    ['group g', 'a group is written "group NAME all|any|N MEMBER…"'],
    ['group g any', 'a group is written "group NAME all|any|N MEMBER…"'],
    ['group g 1x X1', '1x is not "all", "any" or a number from 1 to 1'],
    ['group g 2 X1', '2 is not "all", "any" or a number from 1 to 1'],
    ['quorum', 'the quorum is written "quorum NAME|none"'],
    ['quorum none X1', 'the quorum is written "quorum NAME|none"'],
    ['quorum#', '"quorum#" is no word of a policy'],
    ['quorum X2', 'X2 is not defined before it'],
    [`witness X2 ${log.vkey}`, 'The key is not an Ed25519 cosigner key (type 0x04)'],
  ])('says how "%s" should have been written', (line, why) => {
    const text = `witness X1 ${x1}\n${line}\n`;
    expect(() => parsePolicy(text)).toThrow(refused('policy-malformed'));
    expect(() => parsePolicy(text)).toThrow(new Error(`Line 2 of the policy is refused: ${why}.`));
  });

  it('may have 1,000 lines, with spaces and comments', () => {
    const text = `#comment\n # \n  quorum \t none  \n${'\n'.repeat(997)}`;
    expect(parsePolicy(text)).toStrictEqual({ logKeys: [], witnesses: [], quorum: { group: 'none', atLeast: 0, of: [] } });
    expect(() => parsePolicy(`${text}\n`)).toThrow(refused('policy-malformed'));
    const bare = parsePolicy(`witness X1 ${x1}\nquorum X1\n`);
    expect(bare.witnesses[0]).not.toHaveProperty('url');
  });

  it('may ask for ten of ten', () => {
    const names = Array.from({ length: 10 }, (_, i) => `w${i}`);
    const all = names.map((name) => `witness ${name} ${generateWitnessKey(name).vkey}\n`).join('');
    expect(parsePolicy(`${all}group g 10 ${names.join(' ')}\nquorum g\n`).quorum).toMatchObject({ group: 'g', atLeast: 10 });
  });

  it('takes any text for a name, beyond ASCII as octets', () => {
    expect(parsePolicy(`witness K\u0085\u212a ${x1}\nquorum K\u0085\u212a\n`).quorum).toEqual({ witness: 'K\u0085\u212a' });
    expect(() => parsePolicy(`witness K ${x1}\nquorum \u212a\n`)).toThrow('not defined');
  });

  it('never throws anything but its own error, whatever the text', () => {
    const word = fc.constantFrom('log', 'witness', 'group', 'quorum', 'any', 'all', '1', 'none', 'X1', x1, log.vkey, '#', '\t');
    fc.assert(
      fc.property(fc.array(fc.array(fc.oneof(word, fc.string()))), (lines) => {
        try {
          expect(parsePolicy(lines.map((words) => `${words.join(' ')}\n`).join('')).quorum).toBeDefined();
        } catch (error) {
          expect(error).toMatchObject({ name: 'TlogError', code: 'policy-malformed' });
        }
      }),
    );
  });
});

describe('a checkpoint', () => {
  it('has a quorum, has none, or is not to be believed', () => {
    const policy = parsePolicy(EXAMPLE);
    expect(hasQuorum(cosignedBy('X1', 'X2', 'Y1'), policy)).toBe(true);
    expect(hasQuorum(cosignedBy('X1', 'Y1'), policy)).toBe(false);
    expect(hasQuorum(note, policy)).toBe(false);
    const elsewhere = signCheckpoint({ ...checkpoint, size: 4n }, parseSigner(log.skey));
    const wrong = cosign(elsewhere, parseCosigner(keys.get('Y2')!.skey), time);
    expect(() => hasQuorum(note + wrong, policy)).toThrow(refused('signature-invalid'));
    expect(() => checkPolicy(note, policy)).toThrow('The checkpoint is cosigned by no witness: that is not the quorum.');
    expect(() => checkPolicy(cosignedBy('X1', 'Y1'), policy)).toThrow(
      'The checkpoint is cosigned by X1, Y1: that is not the quorum.',
    );
  });

  it('may be of any log that the policy names', () => {
    const other = generateNoteKey('example.com/other');
    const policy = parsePolicy(`log ${other.vkey}\nlog ${log.vkey}\nquorum none\n`);
    for (const { vkey } of [log, other]) expect(acceptsLog(policy, parseVerifier(vkey))).toBe(true);
    expect(acceptsLog(policy, parseVerifier(generateNoteKey('example.com/log').vkey))).toBe(false);
    expect(checkPolicy(note, policy).checkpoint).toEqual(checkpoint);
  });

  it('opens under a key, under a policy, or under both when they agree', () => {
    const logKey = parseVerifier(log.vkey);
    const policy = parsePolicy(EXAMPLE);
    const cosigned = cosignedBy('X1', 'X2', 'Y1');
    expect(openTrusted(cosigned, { logKey })).toEqual({ checkpoint, cosigners: [] });
    for (const trust of [{ policy }, { logKey, policy }, { logKey, policy: { ...policy, logKeys: [] } }]) {
      expect(openTrusted(cosigned, trust).cosigners).toHaveLength(3);
      expect(() => openTrusted(note, trust)).toThrow(refused('quorum-missing'));
    }
    expect(() => openTrusted(cosigned, {})).toThrow(refused('note-unsigned'));
    expect(() => openTrusted(cosigned, {})).toThrow('Neither a key nor a policy');
    expect(() => openTrusted(cosigned, { policy: { ...policy, logKeys: [] } })).toThrow('Neither a key nor a policy');
    const stranger = parseVerifier(generateNoteKey('example.com/log').vkey);
    expect(() => openTrusted(cosigned, { logKey: stranger, policy })).toThrow(refused('note-unsigned'));
    expect(() => openTrusted(cosigned, { logKey: stranger, policy })).toThrow(
      `The policy does not name the log key ${stranger.vkey}.`,
    );
  });
});
