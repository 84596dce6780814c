import PDFDocument from 'pdfkit';
import type { ReportFonts } from './report-fonts.js';

export type FontName = keyof Omit<ReportFonts, 'show'>;

export interface TextStyle {
  readonly font?: FontName;
  readonly size?: number;
  readonly colour?: string;
}

export interface PageOptions {
  readonly fonts: ReportFonts;
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  /** The only time in the file: the same content made at the same time gives the same bytes. */
  readonly madeAt: Date;
  /** At the foot of every page, before "page x of y". */
  readonly footer: string;
  /** False leaves the page contents readable for tests. */
  readonly compress?: boolean;
}

const MARGIN = 48;
const FOOT = 40;
export const INK = '#111111';
export const FAINT = '#555555';
export const RULE = '#bbbbbb';
export const ALARM = '#a40000';

type Structure = PDFKit.PDFStructureElement;

/** A tagged PDF that is filled from top to bottom. Positions are points from the top left of a US Letter page. */
export class ReportPage {
  readonly doc: PDFKit.PDFDocument;
  readonly left = MARGIN;
  readonly width: number;
  private readonly fonts: ReportFonts;
  private readonly root: Structure;
  private readonly done: Promise<Buffer>;
  y = MARGIN;

  constructor(private readonly options: PageOptions) {
    const { fonts, title, author, subject, madeAt, compress = true } = options;
    this.fonts = fonts;
    this.doc = new PDFDocument({
      size: 'LETTER',
      // The foot is drawn inside the page's own margin: pdfkit must not break the page there by itself.
      margins: { top: 0, bottom: 0, left: 0, right: 0 },
      bufferPages: true,
      compress,
      pdfVersion: '1.7',
      tagged: true,
      lang: 'en',
      displayTitle: true,
      info: {
        Title: title,
        Author: author,
        Subject: subject,
        Creator: 'Custodiet',
        Producer: 'Custodiet',
        CreationDate: madeAt,
        ModDate: madeAt,
      },
    });
    const chunks: Buffer[] = [];
    this.done = new Promise((resolve, reject) => {
      this.doc.on('data', (chunk: Buffer) => chunks.push(chunk));
      this.doc.on('end', () => resolve(Buffer.concat(chunks)));
      this.doc.on('error', reject);
    });
    this.width = this.doc.page.width - 2 * MARGIN;
    this.root = this.doc.struct('Document');
    this.doc.addStructure(this.root);
    for (const name of ['regular', 'bold', 'mono'] as const) {
      const font = fonts[name];
      this.doc.registerFont(name, font);
    }
  }

  /** A structure element under the document, or under another one. */
  structure(type: string, under: Structure = this.root): Structure {
    const element = this.doc.struct(type);
    under.add(element);
    return element;
  }

  get bottom(): number {
    return this.doc.page.height - MARGIN - FOOT / 2;
  }

  /** The highest thing that fits below the head of a table on an empty page. */
  get tallest(): number {
    return this.bottom - MARGIN - 20;
  }

  /** Goes on to the next page when less than `height` is left on this one. @returns whether it did */
  need(height: number): boolean {
    if (this.y + height <= this.bottom) return false;
    this.newPage();
    return true;
  }

  newPage(): void {
    this.doc.addPage();
    this.y = MARGIN;
  }

  /** Height of the text when set in `width` points. */
  height(text: string, width: number, style: TextStyle = {}): number {
    this.use(style);
    return this.doc.heightOfString(this.fonts.show(text), { width, lineGap: 1 });
  }

  /** Sets text at a place, without moving on. */
  put(text: string, x: number, y: number, width: number, style: TextStyle, tag: { type: string; under: Structure }): void {
    // Without a line pdfkit marks no content, and there would be nothing to end.
    if (text === '') return;
    this.use(style);
    this.doc.fillColor(style.colour ?? INK);
    this.doc.text(this.fonts.show(text), x, y, { width, lineGap: 1, structParent: tag.under, structType: tag.type });
    this.doc.endMarkedContent();
  }

  /** Sets a paragraph of the whole width and moves on. */
  paragraph(text: string, style: TextStyle = {}, type = 'P', gap = 6): void {
    const height = this.height(text, this.width, style);
    this.need(height);
    this.put(text, this.left, this.y, this.width, style, { type, under: this.root });
    this.y += height + gap;
  }

  heading(text: string, room = 60): void {
    this.need(room);
    this.y += this.y > MARGIN ? 10 : 0;
    this.paragraph(text, { font: 'bold', size: 13 }, 'H2', 5);
  }

  /** Lines and areas mean nothing to a reader by ear. */
  drawing(draw: (doc: PDFKit.PDFDocument) => void): void {
    this.doc.markContent('Artifact', { type: 'Layout' });
    draw(this.doc);
    this.doc.endMarkedContent();
  }

  /** Numbers the pages and closes the file. */
  async finish(): Promise<{ bytes: Buffer; pages: number }> {
    const { count } = this.doc.bufferedPageRange();
    for (let page = 0; page < count; page += 1) {
      this.doc.switchToPage(page);
      this.doc.markContent('Artifact', { type: 'Pagination', attached: ['Bottom'] });
      this.use({ size: 8 });
      this.doc.fillColor(FAINT);
      const y = this.doc.page.height - FOOT;
      this.doc.text(this.fonts.show(this.options.footer), MARGIN, y, { lineBreak: false });
      const number = `page ${page + 1} of ${count}`;
      this.doc.text(number, MARGIN + this.width - this.doc.widthOfString(number), y, { lineBreak: false });
      this.doc.endMarkedContent();
    }
    this.root.end();
    this.doc.end();
    return { bytes: await this.done, pages: count };
  }

  private use({ font = 'regular', size = 9 }: TextStyle): void {
    this.doc.font(font).fontSize(size);
  }
}
