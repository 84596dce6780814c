export interface Variant {
  readonly uri: string;
  readonly width: number;
  readonly height: number;
}

/** The picture tracks a multivariant playlist offers (RFC 8216 §4.3.4.2); null for a media playlist, which offers itself. */
export function variantsOf(playlist: string): readonly Variant[] | null {
  if (!playlist.includes('#EXT-X-STREAM-INF:')) return null;
  const lines = playlist.split(/\r?\n/);
  return lines.flatMap((line, index) => {
    if (!line.startsWith('#EXT-X-STREAM-INF:')) return [];
    const uri = lines.slice(index + 1).find((each) => each !== '' && !each.startsWith('#'));
    const [, width = '0', height = '0'] = /[:,]RESOLUTION=(\d+)x(\d+)/.exec(line) ?? [];
    return uri === undefined ? [] : [{ uri, width: Number(width), height: Number(height) }];
  });
}

/** What a media playlist is made of: the name of the init segment, if there is one, and those of the segments in order. RFC 8216 §4.3.2.5 */
export function partsOf(playlist: string): { readonly init: string | null; readonly segments: readonly string[] } {
  const segments = playlist.split(/\r?\n/).filter((line) => line !== '' && !line.startsWith('#'));
  return { init: /^#EXT-X-MAP:(?:.*,)?URI="([^"]+)"/m.exec(playlist)?.[1] ?? null, segments };
}

/** The smallest with at least so many lines on its shorter side; where there is none, the largest. */
export function bestOf(variants: readonly Variant[], lines: number): Variant | undefined {
  const short = ({ width, height }: Variant): number => Math.min(width, height);
  const bySize = variants.toSorted((a, b) => short(a) - short(b));
  return bySize.find((variant) => short(variant) >= lines) ?? bySize.at(-1);
}
