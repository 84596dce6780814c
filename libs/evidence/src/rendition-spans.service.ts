import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { NotFound, UnitOfWork } from '#platform';
import type { Span } from '#media';
import { ObjectStore } from '#storage';
import { bestOf, partsOf, variantsOf } from './playlists.rules.js';
import { RenditionFile } from './rendition.entity.js';

const PLAYLIST = 'application/vnd.apple.mpegurl';
/** Enough to see what is to be covered, and half the work of more. */
const LINES = 720;

/** Parts of playback copies as files of their own, for tools that look at pictures. Whoever asks has passed the door, or shows nobody what is in them. */
@Injectable()
export class RenditionSpans {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly store: ObjectStore,
  ) {}

  /**
   * Writes the segments that show a span of the recording into one file, in about 720 lines where there are as many. Names of files are taken from
   * the playlists, never guessed.
   *
   * @throws NotFound when the rendition has no pictures there
   */
  async fetch(
    renditionId: string,
    { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
    path: string,
    signal?: AbortSignal,
  ): Promise<Span> {
    const files = await this.unitOfWork.reader.findBy(RenditionFile, { renditionId });
    const { init, segments } = await this.pictures(files.filter(({ contentType }) => contentType === PLAYLIST));
    const byName = new Map(files.map((file) => [file.name, file]));
    const wanted = segments
      .map((name) => byName.get(name))
      .filter((file) => file !== undefined)
      .filter(({ startMs, durationMs }) => startMs !== null && startMs < toMs + 1 && startMs + (durationMs ?? 0) >= fromMs);
    const [first] = wanted;
    const header = byName.get(init ?? '');
    if (first === undefined || header === undefined) throw new NotFound('part of the recording');
    const bytes = async function* (store: ObjectStore): AsyncGenerator<Buffer> {
      for (const file of [header, ...wanted]) for await (const chunk of (await store.open(file)).stream) yield chunk as Buffer;
    };
    await pipeline(bytes(this.store), createWriteStream(path), signal === undefined ? {} : { signal });
    return { file: path, startsAtMs: first.startMs ?? 0 };
  }

  /** The media playlist that is looked at. A copy has one that lists the others, unless it has only one size. */
  private async pictures(playlists: readonly RenditionFile[]): Promise<ReturnType<typeof partsOf>> {
    const texts = new Map<string, string>();
    for (const file of playlists) texts.set(file.name, await this.text(file));
    for (const text of texts.values()) {
      const variants = variantsOf(text);
      if (variants !== null) return partsOf(texts.get(bestOf(variants, LINES)?.uri ?? '') ?? '');
    }
    return partsOf([...texts.values()][0] ?? '');
  }

  private async text(file: RenditionFile): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of (await this.store.open(file)).stream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }
}
