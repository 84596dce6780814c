/** The containers that cameras write: ffprobe's names for each, what a person calls it, and how its files' names end. */
const CONTAINERS: readonly {
  readonly name: string;
  readonly demuxers: readonly string[];
  readonly extensions: readonly string[];
}[] = [
  {
    name: 'MP4 or QuickTime video',
    demuxers: ['mov', 'mp4', 'm4a', '3gp', '3g2', 'mj2'],
    extensions: ['mp4', 'mov', 'm4v', 'qt', 'mp4v', '3gp', '3g2', 'mj2'],
  },
  { name: 'Matroska or WebM video', demuxers: ['matroska', 'webm'], extensions: ['mkv', 'webm', 'mk3d'] },
  { name: 'AVI video', demuxers: ['avi'], extensions: ['avi', 'divx'] },
  // Files of both kinds are called .mpg, and recorders call transport streams by either name.
  {
    name: 'MPEG video',
    demuxers: ['mpegts', 'mpeg'],
    extensions: ['ts', 'm2ts', 'mts', 'm2t', 'tod', 'mpg', 'mpeg', 'm2p', 'mod', 'ps', 'vob'],
  },
  { name: 'Windows Media video', demuxers: ['asf'], extensions: ['asf', 'wmv'] },
];

/** Names that claim to be no video at all. A file so named that holds one would be overlooked, or opened by the wrong program. */
const NO_VIDEO: ReadonlySet<string> = new Set(
  'jpg jpeg png gif bmp tif tiff heic webp svg pdf doc docx xls xlsx ppt pptx odt txt csv json xml html htm mp3 m4a wav flac ogg aac wma zip 7z rar gz tar iso exe dll msi bat sh js apk'.split(
    ' ',
  ),
);

/**
 * What is wrong with a file's name, given what ffprobe found in it (`mov,mp4,m4a,3gp,3g2,mj2`): a sentence naming both. Undefined when they
 * agree, and when the name claims nothing that we know: an extension of a maker's own is no lie.
 */
export function lieOfName(name: string, container: string): string | undefined {
  const extension = /\.([^./\\]+)$/.exec(name.trim())?.[1]?.toLowerCase();
  if (extension === undefined) return undefined;
  const claimed = CONTAINERS.find(({ extensions }) => extensions.includes(extension));
  if (claimed === undefined && !NO_VIDEO.has(extension)) return undefined;
  const demuxers = container.split(',');
  if (claimed?.demuxers.some((demuxer) => demuxers.includes(demuxer))) return undefined;
  const found = CONTAINERS.find((known) => known.demuxers.some((demuxer) => demuxers.includes(demuxer)));
  const held = found?.name ?? `a video of the kind ${container}`;
  return `The file's name ends in .${extension}, which stands for ${claimed?.name ?? 'no video'}, but it holds ${held}.`;
}
