import { bundleReadme } from './bundle-readme.js';
import { custodyReport } from './custody-report.rules.js';
import { RECORDING, VIDEO_SHA256 } from './testing/sample-chain.js';
import { sampleSources } from './testing/sample-report.js';

const sources = sampleSources();
const PATHS = [
  'report.pdf',
  'manifest.note',
  'dock-key.txt',
  'redactions/0190c000-0000-7000-8000-000000000001.v1.plan.json',
  'redactions/0190c000-0000-7000-8000-000000000001.v1.parameters.txt',
];

function readme(...more: string[]): string {
  return bundleReadme({
    report: custodyReport(sources),
    sha256: VIDEO_SHA256,
    logKey: sources.logKey,
    paths: [...PATHS, ...more],
  });
}

describe('the README.txt of a bundle', () => {
  it('names every file that is in the bundle, and what it is', () => {
    const contents = readme('policy.txt').split('What is in it')[1] ?? '';
    const proving = ['bundle.json', 'entries.jsonl', 'proofs.jsonl', 'heads.jsonl', 'checkpoint'];
    for (const path of [...PATHS, 'policy.txt', 'README.txt', ...proving])
      expect(contents).toMatch(new RegExp(`^  ${path.replaceAll('.', '\\.')} {2,}\\S`, 'm'));
  });

  it('says how far the bundle is complete', () => {
    expect(readme()).toMatch(/Nothing was left out: .* the log put on record\nwhere .* heads\.jsonl shows/s);
  });

  it('says where to get a policy, only when the bundle has one', () => {
    expect(readme()).not.toMatch(/policy|witness/);
    expect(readme('policy.txt')).toContain(`  custodiet-verify custodiet-${RECORDING}.zip --policy FILE\n`);
    expect(readme('policy.txt')).toContain('get the policy from the oversight board');
  });

  it('has the key of the log and the hash of the recording, to be compared', () => {
    expect(readme()).toContain(`SHA-256:    ${VIDEO_SHA256}\n`);
    expect(readme()).toContain(`\n  ${sources.logKey}\n`);
  });

  it('says of a redacted copy, and of nothing else, whether it was reviewed and released', () => {
    expect(readme()).not.toMatch(/^(Reviewed|Released):/m);
    const copy = { ...sources, recording: { ...sources.recording, parentId: sources.recording.id } };
    const report = custodyReport(copy);
    const text = bundleReadme({ report, sha256: VIDEO_SHA256, logKey: sources.logKey, paths: PATHS });
    expect(text).toContain('\nReviewed:   not reviewed\nReleased:   not released; ');
  });

  it('has lines that fit a terminal, but for keys and names, and ends with a newline', () => {
    const long = readme('policy.txt')
      .split('\n')
      .filter(
        (line) => line.length > 80 && !line.includes(sources.logKey) && !/plan\.json|parameters\.txt|custodiet-verify/.test(line),
      );
    expect(long.filter((line) => !line.startsWith('  '))).toEqual([]);
    expect(readme().endsWith('\n')).toBe(true);
  });
});
