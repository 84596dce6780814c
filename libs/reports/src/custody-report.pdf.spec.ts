import { custodyReportPdf } from './custody-report.pdf.js';
import { custodyReport } from './custody-report.rules.js';
import { reportFonts } from './report-fonts.js';
import { pdfText } from './testing/pdf-text.js';
import { CUSTODIAN, OFFICER, RECORDING, shortStory } from './testing/sample-chain.js';
import { longStory, sampleSources } from './testing/sample-report.js';

/** Setting hundreds of rows takes seconds on a busy machine. */
const PATIENCE_MS = 60_000;

const builtIn = reportFonts('/nowhere');
const embedded = reportFonts();

/** Letters only: where a line breaks is not what these tests are about. */
function letters(text: string): string {
  return text.replaceAll(/\s+/g, '');
}

describe.each([
  ['with the built-in fonts', builtIn],
  ['with the fonts of the system', embedded],
])('the PDF of a custody report, %s', (_, loading) => {
  it(
    'says everything that the report says',
    async () => {
      const report = custodyReport(sampleSources());
      const { bytes, pages } = await custodyReportPdf(report, await loading, { compress: false });
      const texts = pdfText(bytes);
      expect(texts).toHaveLength(pages);
      const all = letters(texts.join(''));
      for (const part of [report.agency, report.summary, ...report.completeness, ...report.item.flat()])
        expect(all).toContain(letters(part));
      for (const { what, facts } of report.entries)
        for (const part of [what, ...facts.map(([label, value]) => `${label}: ${value}`)]) expect(all).toContain(letters(part));
      for (const { ranges, why } of report.viewings) expect(all).toContain(letters(`${why}${ranges}`));
      for (const line of report.verification.checkpoint.split('\n')) expect(all).toContain(letters(line));
      expect(all.match(/REFUSED/g)).toHaveLength(2);
    },
    PATIENCE_MS,
  );

  it(
    'numbers every page and names the recording on it',
    async () => {
      const { bytes, pages } = await custodyReportPdf(custodyReport(sampleSources()), await loading, { compress: false });
      pdfText(bytes).forEach((text, i) =>
        expect(letters(text)).toMatch(new RegExp(`Recording${RECORDING}page${i + 1}of${pages}$`)),
      );
    },
    PATIENCE_MS,
  );

  it(
    'of equal reports is equal to the byte',
    async () => {
      const report = custodyReport(sampleSources());
      const [one, two] = [await custodyReportPdf(report, await loading), await custodyReportPdf(report, await loading)];
      expect(one.bytes.equals(two.bytes)).toBe(true);
    },
    PATIENCE_MS,
  );
});

describe('the PDF of a custody report', () => {
  it(
    'reads “payload erased” for every entry whose payload was, with when and by which entry, and no name that was in it',
    async () => {
      const report = custodyReport(sampleSources(shortStory().erase(CUSTODIAN, '2026-11-22T08:00:00.000Z')));
      const { bytes } = await custodyReportPdf(report, await builtIn, { compress: false });
      const all = letters(pdfText(bytes).join(''));
      const said = letters('Payload erased on 2026-11-22 02:00:00 -06:00 (2026-11-22 08:00:00.000 UTC), as log entry 12 says.');
      expect(all.split(said)).toHaveLength(13);
      for (const kind of ['recording.announced', 'recording.sealed', 'access.granted', 'viewing.closed'])
        expect(all).toContain(letters(`This was an entry of the kind “${kind}”.`));
      for (const gone of ['Ada Byron', 'IA-2026-0412', '10.1.0.9', 'A complaint of 18 November'])
        expect(all).not.toContain(letters(gone));
    },
    PATIENCE_MS,
  );

  it(
    'of 300 entries repeats the head of the table on every page and leaves no entry out',
    async () => {
      const report = custodyReport(sampleSources(longStory(300)));
      const { bytes } = await custodyReportPdf(report, await builtIn, { compress: false });
      const texts = pdfText(bytes).map(letters);
      const withEntries = texts.filter((text) => /\d+log\d+/.test(text));
      expect(withEntries.length).toBeGreaterThan(10);
      for (const text of withEntries) expect(text).toMatch(/No\.TimeWhoWhatOutcome/);
      for (let i = 0; i < 300; i += 1) expect(withEntries.filter((text) => text.includes(`${i}log${i}2026`))).toHaveLength(1);
    },
    PATIENCE_MS,
  );

  it(
    'sets a justification that is longer than a page to its last word',
    async () => {
      const words = Array.from({ length: 3000 }, (_, i) => `w${i}`).join(' ');
      const event = { type: 'access.denied', request: RECORDING, reason: words } as const;
      const report = custodyReport(sampleSources(shortStory().append(event, OFFICER, '2026-11-21T00:00:00.000Z')));
      const { bytes } = await custodyReportPdf(report, await builtIn, { compress: false });
      const all = letters(pdfText(bytes).join(' '));
      for (const word of words.split(' ')) expect(all).toContain(word);
    },
    PATIENCE_MS,
  );

  it(
    'writes letters that its font lacks as code points, so that no name vanishes',
    async () => {
      const chain = shortStory().append(
        { type: 'access.denied', request: RECORDING, reason: 'x' },
        { ...OFFICER, name: 'Łucja 中村' },
        '2026-11-21T00:00:00.000Z',
      );
      const report = custodyReport(sampleSources(chain));
      const [plain, rich] = await Promise.all(
        [builtIn, embedded].map(async (fonts) => custodyReportPdf(report, await fonts, { compress: false })),
      );
      expect(letters(pdfText(plain?.bytes ?? Buffer.alloc(0)).join(''))).toContain('[U+0141]ucja[U+4E2D][U+6751]');
      expect(letters(pdfText(rich?.bytes ?? Buffer.alloc(0)).join(''))).toContain('Łucja[U+4E2D][U+6751]');
    },
    PATIENCE_MS,
  );

  it(
    'is tagged, has a language and a title, and no time but that of the report',
    async () => {
      const { bytes } = await custodyReportPdf(custodyReport(sampleSources()), await builtIn, { compress: false });
      const file = bytes.toString('latin1');
      expect(file).toContain('/Lang (en)');
      expect(file).toContain(`(Custody report of recording ${RECORDING})`);
      expect(file).toMatch(/\/DisplayDocTitle true/);
      expect(file).toMatch(/\/Marked true/);
      for (const type of ['H1', 'H2', 'Table', 'TR', 'TH', 'TD']) expect(file).toContain(`/S /${type}\n`);
      expect(new Set(file.match(/\(D:\d+Z?/g))).toEqual(new Set(['(D:20261120120000Z']));
    },
    PATIENCE_MS,
  );
});
