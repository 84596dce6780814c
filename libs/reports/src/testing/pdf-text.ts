/**
 * Text of the pages of an uncompressed PDF as pdfkit writes it: hexadecimal strings, in the letters of the built-in fonts or, through
 * their ToUnicode maps, of embedded ones. Lines are joined without anything between. For tests.
 */
export function pdfText(bytes: Buffer): string[] {
  const file = bytes.toString('latin1');
  const objects = new Map([...file.matchAll(/^(\d+) 0 obj\n([\s\S]*?)\nendobj/gm)].map(([, id, body]) => [id ?? '', body ?? '']));
  const pages = [...objects.values()].filter((body) => /\/Type \/Page\n/.test(body));
  return pages.map((page) => {
    const resources = objects.get(/\/Resources (\d+) 0 R/.exec(page)?.[1] ?? '') ?? '';
    const fonts = new Map(
      [...resources.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name, id]) => [name ?? '', decoderOf(objects, id ?? '')]),
    );
    const content = objects.get(/\/Contents (\d+) 0 R/.exec(page)?.[1] ?? '') ?? '';
    let decode = (hex: string): string => hex;
    let text = '';
    for (const [, font, shown] of content.matchAll(/\/(F\d+) [\d.]+ Tf|\[([^\]]*)\] TJ/g)) {
      if (font !== undefined) decode = fonts.get(font) ?? decode;
      for (const [, hex] of (shown ?? '').matchAll(/<([0-9a-f]*)>/g)) text += decode(hex ?? '');
    }
    return text;
  });
}

function decoderOf(objects: ReadonlyMap<string, string>, id: string): (hex: string) => string {
  const unicode = /\/ToUnicode (\d+) 0 R/.exec(objects.get(id) ?? '')?.[1];
  if (unicode === undefined) return (hex) => new TextDecoder('windows-1252').decode(Buffer.from(hex, 'hex'));
  const letters = new Map<string, string>();
  for (const [, first, list] of (objects.get(unicode) ?? '').matchAll(/<([0-9a-f]{4})> <[0-9a-f]{4}> \[([^\]]*)\]/g)) {
    [...(list ?? '').matchAll(/<([0-9a-f ]*)>/g)].forEach(([, points], i) => {
      const glyph = (Number.parseInt(first ?? '', 16) + i).toString(16).padStart(4, '0');
      letters.set(
        glyph,
        Buffer.from((points ?? '').replaceAll(' ', ''), 'hex')
          .swap16()
          .toString('utf16le'),
      );
    });
  }
  return (hex) => (hex.match(/.{4}/g) ?? []).map((glyph) => letters.get(glyph) ?? '').join('');
}
