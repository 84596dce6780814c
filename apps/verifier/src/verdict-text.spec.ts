import { generateNoteKey, type BundleVerdict } from '#tlog';
import { bundleJson, bundleText } from './verdict-text.js';

const verdict: BundleVerdict = {
  ok: true,
  checks: [{ name: 'payloads', ok: true, detail: 'Every payload is the one that its entry commits to.' }],
  recording: '0190c000-0000-7000-8000-000000000001',
  entries: 3,
  erased: [{ entry: 'the-viewing', type: 'viewing.opened', by: 'the-erasure', at: '2026-11-20T11:00:00.000Z' }],
  logKey: generateNoteKey('example.com/log').vkey,
  logKeyPinned: true,
  cosigned: { pinned: false, by: [{ alias: 'board\u001b[2J', time: '2026-11-20T11:05:00.000Z' }] },
  complete: { size: 7n, at: '2026-11-20T10:30:00.000Z' },
  timestamps: [{ file: 'timestamps/1.tsr', time: '2026-11-20T11:06:00.000Z' }],
};

describe('what is said of a bundle', () => {
  it('names what was erased, and whose policy it satisfies, showing no control characters', () => {
    const text = bundleText({ path: 'bundle.zip', verdict });
    expect(text).toContain('Payload erased: viewing.opened the-viewing, by entry the-erasure at 2026-11-20T11:00:00.000Z.\n');
    expect(text).toContain('Cosigned as the policy in the bundle wants it; nobody but the bundle vouches');
    expect(text).toContain('  board\\u{1b}[2J, 2026-11-20T11:05:00.000Z\n');
  });

  it('shows no signs in the name of a key that turn the direction of writing: what is read out would not be what is there', () => {
    const turned = generateNoteKey('example.com/\u202elog').vkey;
    const text = bundleText({ path: 'bundle.zip', verdict: { ...verdict, logKey: turned } });
    expect(text).not.toContain('\u202e');
    expect(text).toContain('  example.com/\\u{202e}log+');
  });

  it('leaves out what a bundle that failed says about itself', () => {
    const text = bundleText({ path: 'bundle.zip', verdict: { ...verdict, ok: false } });
    expect(text).toContain('NOT VERIFIED');
    expect(text).not.toContain('Payload erased');
    expect(text).not.toContain('Cosigned');
    expect(text).not.toContain('Timestamps');
  });

  it('gives the times of timestamps, says that nobody has checked their signatures, and how to', () => {
    const text = bundleText({ path: 'bundle.zip', verdict });
    expect(text).toContain('Who signed them was NOT checked');
    expect(text).toContain(
      '  2026-11-20T11:06:00.000Z\n    openssl ts -verify -in timestamps/1.tsr -data checkpoint -CAfile AUTHORITY.pem\n',
    );
    expect(bundleText({ path: 'bundle.zip', verdict: { ...verdict, timestamps: [] } })).not.toContain('Timestamps');
  });

  it('is one JSON object with the same, sizes as text', () => {
    expect(JSON.parse(bundleJson({ path: 'bundle.zip', verdict }))).toMatchObject({
      ok: true,
      erased: [{ entry: 'the-viewing' }],
      cosigned: { pinned: false },
      complete: { size: '7', at: '2026-11-20T10:30:00.000Z' },
      timestamps: [{ file: 'timestamps/1.tsr', time: '2026-11-20T11:06:00.000Z' }],
    });
  });
});
