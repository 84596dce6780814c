import { ALARM, FAINT, RULE, type ReportPage, type TextStyle } from './report-page.js';

/** Paragraphs of a cell, one below the other. */
export type Cell = readonly (TextStyle & { readonly text: string })[];

export interface Column {
  readonly head: string;
  /** Share of the width; the shares of a table sum to 1. */
  readonly share: number;
}

export interface Row {
  readonly cells: readonly Cell[];
  /** Stands out by a bar and a ground, beside what its words say. */
  readonly alarm?: boolean;
}

const PAD = 4;
const HEAD: TextStyle = { font: 'bold', size: 8, colour: FAINT };

/** A table that repeats its head on every page. A row stays whole unless it is higher than a page. */
export function drawTable(page: ReportPage, columns: readonly Column[], rows: Iterable<Row>): void {
  const table = page.structure('Table');
  const widths = columns.map(({ share }) => share * page.width);
  const lefts = widths.map((_, i) => page.left + widths.slice(0, i).reduce((sum, width) => sum + width, 0));
  const inner = widths.map((width) => width - 2 * PAD);

  const drawHead = (): void => {
    const row = page.structure('TR', table);
    columns.forEach(({ head }, i) =>
      page.put(head, (lefts[i] ?? 0) + PAD, page.y, inner[i] ?? 0, HEAD, { type: 'TH', under: row }),
    );
    page.y += 14;
    rule(page, page.y, 1);
  };

  page.need(80);
  drawHead();
  const drawRow = (cells: readonly Measured[], alarm: boolean): void => {
    const height = heightOf(cells);
    if (page.need(height)) drawHead();
    const top = page.y;
    if (alarm)
      page.drawing((doc) =>
        doc.rect(page.left, top, page.width, height).fill('#fdecea').rect(page.left, top, 3, height).fill(ALARM),
      );
    const row = page.structure('TR', table);
    cells.forEach((cell, i) => {
      let y = top + PAD;
      const under = page.structure('TD', row);
      for (const { part, height: high } of cell) {
        page.put(part.text, (lefts[i] ?? 0) + PAD, y, inner[i] ?? 0, part, { type: 'P', under });
        y += high;
      }
    });
    page.y = top + height;
    rule(page, page.y, 0.5);
  };

  for (const { cells, alarm = false } of rows) {
    const measured = measure(page, cells, inner);
    if (heightOf(measured) <= page.tallest) drawRow(measured, alarm);
    // Free text can be longer than a page: then the row goes on, cell by cell, on the next.
    else
      for (const piece of pieces(
        measure(
          page,
          cells.map((cell) => cell.flatMap(shortened)),
          inner,
        ),
        page.tallest,
      ))
        drawRow(piece, alarm);
  }
  page.y += 8;
}

/** The paragraphs of a cell with the heights they take. Measuring means setting the text, so it is done once. */
type Measured = readonly { readonly part: Cell[number]; readonly height: number }[];

function measure(page: ReportPage, cells: readonly Cell[], inner: readonly number[]): Measured[] {
  return cells.map((cell, i) => cell.map((part) => ({ part, height: page.height(part.text, inner[i] ?? 0, part) })));
}

function heightOf(cells: readonly Measured[]): number {
  return Math.max(...cells.map((cell) => cell.reduce((sum, { height }) => sum + height, 0))) + 2 * PAD;
}

/** A row in pieces that are at most `tallest` high; each takes as much of every cell as fits. */
function* pieces(cells: readonly Measured[], tallest: number): Generator<Measured[]> {
  const rest = cells.map((cell) => [...cell]);
  while (rest.some((cell) => cell.length > 0)) {
    yield rest.map((cell) => {
      let height = 2 * PAD;
      const fits = cell.findIndex((part) => (height += part.height) > tallest);
      return cell.splice(0, fits < 0 ? cell.length : Math.max(1, fits));
    });
  }
}

function shortened(part: Cell[number]): Cell[number][] {
  const texts = part.text.match(/.{1,400}(?:\s+|$)|.{1,400}/gsu) ?? [part.text];
  return texts.map((text) => ({ ...part, text: text.trimEnd() }));
}

function rule(page: ReportPage, y: number, thickness: number): void {
  page.drawing((doc) =>
    doc
      .moveTo(page.left, y)
      .lineTo(page.left + page.width, y)
      .lineWidth(thickness)
      .strokeColor(RULE)
      .stroke(),
  );
}
