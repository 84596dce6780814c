import type { CustodyReport, Fact, ReportEntry, Who } from './custody-report.rules.js';
import type { Outcome } from './event-sentences.js';
import type { ReportFonts } from './report-fonts.js';
import { ALARM, FAINT, ReportPage } from './report-page.js';
import type { Moment } from './report-notation.js';
import { drawTable, type Cell, type Row } from './report-table.js';

const OUTCOMES: Readonly<Record<Outcome, string>> = { done: 'Done', refused: 'REFUSED', failed: 'FAILED' };
/** Values that are compared letter by letter. */
const TO_COMPARE = /^(SHA-256|Log key|Key fingerprint|Recording$)/;

/** Sets the report. Deterministic: equal reports give equal bytes. `compress: false` leaves the page contents readable. */
export async function custodyReportPdf(
  report: CustodyReport,
  fonts: ReportFonts,
  { compress = true }: { readonly compress?: boolean } = {},
): Promise<{ bytes: Buffer; pages: number }> {
  const page = new ReportPage({
    fonts,
    title: `Custody report of recording ${report.recording}`,
    author: report.agency,
    subject: 'Who held, saw and changed what about one recording',
    madeAt: report.madeAt,
    footer: `Recording ${report.recording}`,
    compress,
  });
  page.paragraph(report.agency, { size: 10, colour: FAINT }, 'P', 2);
  page.paragraph('Custody report', { font: 'bold', size: 20 }, 'H1', 2);
  page.paragraph(
    `Made ${report.made}. Times are in the time zone ${report.timeZone}, with UTC beside it.`,
    { colour: FAINT },
    'P',
    8,
  );

  page.heading('The recording');
  facts(page, report.item);
  page.heading('Summary');
  page.paragraph(report.summary, { size: 10 });

  page.heading('Every entry, in order', 120);
  entries(page, report.entries);
  viewings(page, report);
  redactions(page, report);
  exports(page, report);

  page.heading('Is anything missing?');
  for (const paragraph of report.completeness) page.paragraph(paragraph);
  verification(page, report);
  return page.finish();
}

function facts(page: ReportPage, list: readonly Fact[]): void {
  drawTable(
    page,
    [
      { head: 'Particular', share: 0.28 },
      { head: 'As on record', share: 0.72 },
    ],
    list.map(([label, value]) => ({
      cells: [
        [{ text: label, colour: FAINT }],
        [TO_COMPARE.test(label) ? { text: value, font: 'mono', size: 8 } : { text: value }],
      ],
    })),
  );
}

function person({ name, standing, address }: Who): Cell {
  return [
    { text: name },
    ...(standing === '' ? [] : [{ text: standing, size: 7.5, colour: FAINT }]),
    ...(address === undefined ? [] : [{ text: `from ${address}`, size: 7.5, colour: FAINT }]),
  ];
}

function entries(page: ReportPage, list: readonly ReportEntry[]): void {
  drawTable(
    page,
    [
      { head: 'No.', share: 0.085 },
      { head: 'Time', share: 0.17 },
      { head: 'Who', share: 0.195 },
      { head: 'What', share: 0.44 },
      { head: 'Outcome', share: 0.11 },
    ],
    rowsOf(list),
  );
}

function* rowsOf(list: readonly ReportEntry[]): Generator<Row> {
  for (const { seq, index, at, who, what, facts: particulars, outcome } of list) {
    const alarm = outcome !== 'done';
    const small = particulars.map(([label, value]) => ({ text: `${label}: ${value}`, size: 7.5, colour: FAINT }));
    yield {
      alarm,
      cells: [
        [
          { text: String(seq), font: 'bold' },
          { text: `log ${index}`, size: 7, colour: FAINT },
        ],
        moment(at),
        person(who),
        [{ text: what, ...(alarm ? { font: 'bold' as const } : {}) }, ...small],
        [{ text: OUTCOMES[outcome], size: 8, ...(alarm ? { font: 'bold' as const, colour: ALARM } : { colour: FAINT }) }],
      ],
    };
  }
}

/** The agency's date and time below each other, then UTC; the date of UTC only where it is another. */
function moment({ local, utc }: Moment): Cell {
  const [date = '', ...time] = local.split(' ');
  const [utcDate = '', ...utcTime] = utc.split(' ');
  if (local.endsWith('+00:00')) return [{ text: utcDate }, { text: utcTime.join(' '), size: 8 }];
  const beside = date === utcDate ? utcTime.join(' ') : utc;
  return [{ text: date }, { text: time.join(' '), size: 8 }, { text: beside, size: 7.5, colour: FAINT }];
}

function viewings(page: ReportPage, report: CustodyReport): void {
  page.heading('What was viewed');
  if (report.viewings.length === 0) return page.paragraph('Nothing was viewed.');
  page.paragraph('Times in the last column are on the recording’s own time axis: the parts of it that really left the service.', {
    colour: FAINT,
  });
  drawTable(
    page,
    [
      { head: 'Who', share: 0.2 },
      { head: 'From, until', share: 0.3 },
      { head: 'Purpose', share: 0.2 },
      { head: 'What was sent', share: 0.3 },
    ],
    report.viewings.map(({ who, opened, closed, why, ranges }) => ({
      cells: [
        person(who),
        [
          { text: opened, size: 8 },
          { text: closed, size: 8 },
        ],
        [{ text: why }],
        [{ text: ranges }],
      ],
    })),
  );
}

function redactions(page: ReportPage, report: CustodyReport): void {
  page.heading('Redacted copies');
  if (report.parent !== null)
    page.paragraph(
      `This recording is itself a redacted copy. It was made from recording ${report.parent}, which has a report of its own.`,
    );
  if (report.redactions.length === 0) return page.paragraph('No redacted copy was made from this recording.');
  for (const { recording, facts: list } of report.redactions) {
    page.need(110);
    page.paragraph(`Recording ${recording}, made from recording ${report.recording}`, { font: 'bold' }, 'H3', 4);
    facts(page, list);
  }
}

function exports(page: ReportPage, report: CustodyReport): void {
  page.heading('What was handed out');
  if (report.exports.length === 0) return page.paragraph('Nothing was handed out before this report.');
  drawTable(
    page,
    [
      { head: 'What', share: 0.16 },
      { head: 'When', share: 0.22 },
      { head: 'By whom', share: 0.2 },
      { head: 'SHA-256', share: 0.42 },
    ],
    report.exports.map(({ what, at, who, sha256 }) => ({
      cells: [[{ text: what }], [{ text: at, size: 8 }], person(who), [{ text: sha256, font: 'mono', size: 7.5 }]],
    })),
  );
}

function verification(page: ReportPage, { verification: { steps, facts: list, checkpoint } }: CustodyReport): void {
  page.heading('How to check this');
  for (const step of steps) page.paragraph(step, step.startsWith('custodiet-verify ') ? { font: 'mono', size: 8 } : {});
  facts(page, list);
  page.need(90);
  page.paragraph('The checkpoint, as the log signed it', { font: 'bold' }, 'H3', 4);
  for (const line of checkpoint.trimEnd().split('\n'))
    page.paragraph(line === '' ? ' ' : line, { font: 'mono', size: 8 }, 'P', 0);
}
