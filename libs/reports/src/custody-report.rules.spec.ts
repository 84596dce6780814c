import { readChain } from './chain-entries.rules.js';
import { custodyReport, fingerprint, type ReportSources } from './custody-report.rules.js';
import { LogInconsistent } from './log-inconsistent.js';
import { CUSTODIAN, INVESTIGATOR, opened, ORIGIN, RECORDING, SampleChain, shortStory, uuid } from './testing/sample-chain.js';
import { sampleSources } from './testing/sample-report.js';

describe('a custody report', () => {
  const report = custodyReport(sampleSources());

  it('identifies the item with times in the agency’s zone and the clock’s error', () => {
    const item = new Map(report.item);
    expect(item.get('SHA-256')).toMatch(/^[0-9a-f]{64}$/);
    expect(item.get('Picture')).toBe('h264, 1280 × 720, 29.97 frames a second');
    expect(item.get('Recorded, by the camera’s clock')).toBe('2026-11-20 01:00:12 -06:00 (2026-11-20 07:00:12.345 UTC)');
    expect(item.get('Recorded, corrected')).toContain('07:00:13.545 UTC');
    expect(item.get('Camera’s clock')).toBe('was 1.2 s behind true time');
    expect(item.get('Announced')).toMatch(/log entry 0$/);
    expect(item.get('Sealed')).toMatch(/log entry 2$/);
  });

  it('lists every entry in order with who it was then', () => {
    expect(report.entries.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(report.entries[6]?.who).toEqual({ name: 'Grace Hopper', standing: 'badge 12, custodian', address: '10.1.0.3' });
    expect(report.entries[2]?.who).toEqual({ name: 'sealing', standing: 'The service itself', address: undefined });
  });

  it('sums up viewings, people, refusals, redactions and exports', () => {
    expect(report.summary).toContain('It was viewed once, by 1 person.');
    expect(report.summary).toContain('2 attempts were refused');
    expect(report.summary).toContain('1 redacted copy was made from it.');
    expect(report.summary).toContain('exported in 1 custody report or evidence bundle before this one');
    expect(report.summary).toContain('12 entries; all are listed here and none is withheld');
  });

  it('counts a person who viewed twice as one person', () => {
    const chain = shortStory().append(opened('second'), INVESTIGATOR, '2026-11-21T09:00:00.000Z');
    const twice = custodyReport(sampleSources(chain));
    expect(twice.summary).toContain('It was viewed 2 times, by 1 person.');
    expect(twice.viewings.map(({ closed }) => closed === 'still open')).toEqual([false, true]);
  });

  it('gives the ranges of every viewing with purpose and case', () => {
    expect(report.viewings).toEqual([
      expect.objectContaining({
        why: 'internal-investigation, case IA-2026-0412',
        ranges: 'the parts 0:00.0 to 0:12.0 and 0:20.0 to 0:30.0 were sent',
      }),
    ]);
  });

  it('names each redacted copy with who ordered it, why, and how it was checked', () => {
    const [copy] = report.redactions;
    expect(copy?.recording).toBe(uuid('copy'));
    const facts = new Map(copy?.facts);
    expect(facts.get('Ordered by')).toMatch(/^Grace Hopper, /);
    expect(facts.get('Reason')).toBe('A bystander’s face and address.');
    expect(facts.get('Leak check')).toContain('no metadata');
  });

  it('says of each redacted copy whether it was reviewed and released, and by whom', () => {
    const told = (chain: SampleChain): (string | undefined)[] => {
      const facts = new Map(custodyReport(sampleSources(chain)).redactions[0]?.facts);
      return [facts.get('Reviewed'), facts.get('Released')];
    };
    expect(told(shortStory())).toEqual(['not reviewed', 'not released; it is for those who make and review it']);
    const about = { redaction: uuid('redaction'), version: 1, result: uuid('copy') };
    const at = '2026-11-21T09:00:00.000Z';
    const reviewed = (approved: boolean): SampleChain =>
      shortStory().append({ type: 'redaction.reviewed', ...about, approved, note: 'seen' }, CUSTODIAN, at);
    expect(told(reviewed(false))[0]).toMatch(/^rejected by Grace Hopper, 2026-11-21/);
    const released = reviewed(true).append({ type: 'redaction.released', ...about }, CUSTODIAN, at);
    expect(told(released)).toEqual([
      expect.stringMatching(/^approved by Grace Hopper, /),
      expect.stringMatching(/^by Grace Hopper, 2026-11-21/),
    ]);
    const another = shortStory().append({ type: 'redaction.released', ...about, result: uuid('another') }, CUSTODIAN, at);
    expect(told(another)[1]).toMatch(/^not released/);
  });

  it('names the parent of a redacted copy', () => {
    const sources = sampleSources();
    const copy = custodyReport({ ...sources, recording: { ...sources.recording, parentId: uuid('original') } });
    expect(copy.parent).toBe(uuid('original'));
    expect(copy.summary).toContain(`a redacted copy made from recording ${uuid('original')}`);
    expect(new Map(copy.item).get('Released')).toMatch(/^not released/);
  });

  it('says of a file that a person handed in that no docking station vouches for it, who did, and what is not known', () => {
    const sources = sampleSources();
    const recording = { ...sources.recording, origin: 'handed-in', camera: null, officerBadge: null, clockOffsetMs: 0 } as const;
    const event = {
      type: 'recording.handed-in',
      ...{ name: recording.name, size: recording.size, sha256: recording.sha256.toString('hex') },
      ...{ source: 'citizen', from: 'B. Bystander', device: null, note: null, recordedAt: '2026-11-20T07:00:12.345Z' },
    } as const;
    const chainOf = (handed: typeof event): ReportSources['chain'] =>
      readChain(RECORDING, ORIGIN, new SampleChain().append(handed, CUSTODIAN, '2026-11-20T09:00:00.000Z').stored);
    const handedIn = custodyReport({ ...sources, dock: null, derived: [], recording, chain: chainOf(event) });
    expect(handedIn.summary).toContain('handed in by a person; no docking station vouches');
    expect(handedIn.item).toEqual(
      expect.arrayContaining([
        ['Camera', 'not known'],
        ['Officer', 'not known'],
        ['Recorded, as stated', expect.stringContaining('2026-11-20')],
        ['Handed in', expect.stringContaining('log entry 0')],
        ['Handed in by', CUSTODIAN.name],
      ]),
    );
    const labels = handedIn.item.map(([label]) => label);
    for (const label of ['Camera’s clock', 'Docking station', 'Announced']) expect(labels).not.toContain(label);
    const another = chainOf({ ...event, sha256: 'ab'.repeat(32) });
    expect(() => custodyReport({ ...sources, dock: null, recording, chain: another })).toThrow(/names another file/);
    const unknown = custodyReport({ ...sources, recording: { ...recording, origin: 'dock' } });
    expect(unknown.summary).toContain('with a camera that is not known by an officer who is not known and handed in through');
  });

  it('states what it is complete to, and under which checkpoint', () => {
    expect(report.completeness[0]).toBe(
      'This report lists entries 0 to 11 of this recording’s chain (log index 0 to 11): 12 entries. No entry is withheld.',
    );
    expect(report.completeness[2]).toContain('checkpoint of 12 log entries');
  });

  it('says how to check it, with key, fingerprint and checkpoint', () => {
    const sources = sampleSources();
    const { verification } = custodyReport(sources);
    expect(verification.steps.join('\n')).toContain(`custodiet-verify custodiet-${RECORDING}.zip --log-key "${sources.logKey}"`);
    expect(verification.facts).toContainEqual(['Key fingerprint (SHA-256)', fingerprint(sources.logKey)]);
    expect(fingerprint(sources.logKey)).toMatch(/^([0-9a-f]{4} ){15}[0-9a-f]{4}$/);
    expect(verification.checkpoint).toBe(sources.checkpoint.note);
  });

  it('of a recording that is in quarantine says so', () => {
    const chain = new SampleChain().append(
      { type: 'recording.quarantined', problem: 'The file is cut off.', sha256: 'ab'.repeat(32) },
      { kind: 'system', id: null, name: 'sealing' },
      '2026-11-20T09:00:00.000Z',
    );
    const sources = sampleSources(chain);
    const quarantined = custodyReport({
      ...sources,
      derived: [],
      recording: { ...sources.recording, state: 'quarantined', reason: 'The file is cut off.', probe: null },
    });
    expect(new Map(quarantined.item).get('State')).toBe('quarantined: The file is cut off.');
    expect(quarantined.summary).toContain('It is not sealed (quarantined).');
    expect(quarantined.entries[0]?.outcome).toBe('failed');
  });

  it('refuses to be made when the register names another file than the log, also when the payloads are erased', () => {
    const sources = sampleSources(shortStory().erase(CUSTODIAN, '2026-11-22T08:00:00.000Z'));
    expect(() => custodyReport({ ...sources, recording: { ...sources.recording, sha256: Buffer.alloc(32) } })).toThrow(
      LogInconsistent,
    );
  });

  it('refuses to be made when the register names another file than the log', () => {
    const sources = sampleSources();
    const other = { ...sources.recording, sha256: Buffer.alloc(32) };
    expect(() => custodyReport({ ...sources, recording: other })).toThrow(LogInconsistent);
    expect(() => custodyReport({ ...sources, recording: { ...sources.recording, size: 1 } })).toThrow(LogInconsistent);
  });
});

describe('a custody report of a recording whose payloads were erased', () => {
  const [erasedAt, since] = ['2026-11-22T08:00:00.000Z', '2026-11-23T09:00:00.000Z'];
  const story = (): SampleChain => shortStory().erase(CUSTODIAN, erasedAt);
  const report = custodyReport(sampleSources(story()));

  it('lists every entry with its time, its kind, and by which entry its payload was erased', () => {
    expect(report.entries.map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(report.entries[4]).toMatchObject({
      at: custodyReport(sampleSources()).entries[4]?.at,
      what: 'Payload erased on 2026-11-22 02:00:00 -06:00 (2026-11-22 08:00:00.000 UTC), as log entry 12 says. This was an entry of the kind “access.refused”.',
      outcome: 'refused',
    });
    expect(report.entries[12]).toMatchObject({
      who: { name: 'Grace Hopper' },
      what: 'Destroyed the particulars of 12 entries; that they were there, and when, stays provable.',
    });
  });

  it('tells who acted by nothing but the id in the public header', () => {
    expect(report.entries[4]?.who).toEqual({ name: 'Payload erased', standing: `id ${INVESTIGATOR.id}`, address: undefined });
    expect(report.entries[2]?.who).toEqual({ name: 'Payload erased', standing: '', address: undefined });
    expect(JSON.stringify(report.entries.slice(0, 12))).not.toMatch(/Ada|Byron|4711|IA-2026-0412|10\.1\.0/);
  });

  it('still says when and as what the recording was sealed, and counts what is public', () => {
    const item = new Map(report.item);
    expect(item.get('Announced')).toMatch(/log entry 0$/);
    expect(item.get('Sealed')).toMatch(/log entry 2$/);
    expect(report.summary).toContain('It was viewed once, by 1 person. 2 attempts were refused');
    expect(report.summary).toContain('exported in 1 custody report or evidence bundle before this one');
    expect(report.summary).toContain('The particulars of 12 entries were erased, as later entries say');
    expect(report.exports).toEqual([
      expect.objectContaining({
        what: 'Custody report',
        who: expect.objectContaining({ name: 'Payload erased' }),
        sha256: '12'.repeat(32),
      }),
    ]);
  });

  it('says of viewings and redacted copies what was erased about them', () => {
    expect(report.viewings).toEqual([
      expect.objectContaining({ closed: 'Payload erased', why: 'Payload erased', ranges: 'Payload erased' }),
    ]);
    expect(new Map(report.redactions[0]?.facts).get('How it was made')).toBe('Payload erased');
  });

  it('keeps the end of a viewing whose opening was erased, and what came after the erasure', () => {
    const chain = new SampleChain().append(opened('first'), INVESTIGATOR, '2026-11-21T09:00:00.000Z').erase(CUSTODIAN, erasedAt);
    const delivered = [{ fromMs: 0, toMs: 1000 }];
    chain.append(
      { type: 'viewing.closed', viewing: uuid('first'), delivered, files: 1, bytes: 1, aborted: 0, closedBy: 'service' },
      INVESTIGATOR,
      since,
    );
    chain.append(opened('second'), INVESTIGATOR, since);
    const { viewings, summary } = custodyReport({ ...sampleSources(chain), derived: [] });
    expect(viewings.map(({ opened: at, why, ranges }) => [at.slice(0, 10), why, ranges])).toEqual([
      ['2026-11-21', 'Payload erased', 'Payload erased'],
      ['Payload er', 'Payload erased', 'the part 0:00.0 to 0:01.0 was sent'],
      ['2026-11-23', 'internal-investigation, case IA-2026-0412', 'not yet known'],
    ]);
    expect(summary).toContain('It was viewed 2 times, by 1 person.');
    expect(summary).toContain('The particulars of 1 entry were erased');
  });
});
