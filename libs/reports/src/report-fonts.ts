import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { printable } from './report-notation.js';

/** Debian's fonts-dejavu-core: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic. */
const FOLDER = '/usr/share/fonts/truetype/dejavu';

/** What a report is set in. `file` undefined: one of the fonts that every PDF reader has, which know Western European letters only. */
export interface ReportFonts {
  readonly regular: Buffer | 'Helvetica';
  readonly bold: Buffer | 'Helvetica-Bold';
  readonly mono: Buffer | 'Courier';
  /** Text as it can be set: a character without a picture in the font is written as its code point, so that none vanishes. */
  show(text: string): string;
}

/** @param folder where the DejaVu fonts lie; without them the built-in fonts are taken */
export async function reportFonts(folder = FOLDER): Promise<ReportFonts> {
  try {
    const [regular, bold, mono] = await Promise.all(
      ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf', 'DejaVuSansMono.ttf'].map((name) => readFile(join(folder, name))),
    );
    if (regular === undefined || bold === undefined || mono === undefined) throw new Error('three files were asked for');
    const inAll = [regular, bold].map(coverage);
    return { regular, bold, mono, show: shower((point) => inAll.every((covers) => covers(point))) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return { regular: 'Helvetica', bold: 'Helvetica-Bold', mono: 'Courier', show: shower(isWindowsLatin) };
  }
}

function shower(covers: (point: number) => boolean): (text: string) => string {
  return (text) => {
    // Nearly all text is this, and looking every letter up would take longer than setting it.
    if (/^[\x20-\x7e]*$/.test(text)) return text;
    return Array.from(printable(text), (character) => {
      const point = character.codePointAt(0) ?? 0;
      return covers(point) ? character : `[U+${point.toString(16).toUpperCase().padStart(4, '0')}]`;
    }).join('');
  };
}

/** Printable characters of WinAnsiEncoding, as far as reports use more than Latin-1 of it. ISO 32000-1 annex D */
function isWindowsLatin(point: number): boolean {
  return (point >= 0x20 && point < 0x7f) || (point >= 0xa0 && point <= 0xff) || '–—‘’“”•…€'.includes(String.fromCodePoint(point));
}

/** Which code points a TrueType font has a picture for: its format 12 character map. OpenType specification, "cmap" */
function coverage(font: Buffer): (point: number) => boolean {
  const groups: { from: number; to: number }[] = [];
  const cmap = tableAt(font, 'cmap');
  for (let i = 0; i < font.readUInt16BE(cmap + 2); i += 1) {
    const subtable = cmap + font.readUInt32BE(cmap + 4 + i * 8 + 4);
    if (font.readUInt16BE(subtable) !== 12) continue;
    for (let g = 0; g < font.readUInt32BE(subtable + 12); g += 1) {
      const at = subtable + 16 + g * 12;
      groups.push({ from: font.readUInt32BE(at), to: font.readUInt32BE(at + 4) });
    }
  }
  return (point) => groups.some(({ from, to }) => from <= point && point <= to);
}

function tableAt(font: Buffer, tag: string): number {
  for (let i = 0; i < font.readUInt16BE(4); i += 1) {
    const record = 12 + i * 16;
    if (font.toString('latin1', record, record + 4) === tag) return font.readUInt32BE(record + 8);
  }
  throw new Error(`the font has no ${tag} table`);
}
