import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { Injectable } from '@nestjs/common';
import { RecordingsService, WorkSpace } from '#evidence';
import { MediaError, renderMarkedCopy } from '#media';
import { Hopeless } from '#platform';
import { DisclosurePackaging } from './disclosure-packaging.service.js';
import type { DisclosureItem } from './disclosure.entity.js';
import type { DisclosureWithItems } from './disclosures.service.js';

/** The same bytes fail the same way: trying again is for faults of the machine. */
const LASTING = ['unreadable', 'no-video', 'truncated', 'over-limit', 'failed', 'invalid-plan'];

export interface ReleasedCopy {
  readonly sha256: Buffer;
  /** Bytes. */
  readonly size: number;
  /** As a file's name ends, without the dot. */
  readonly extension: string;
}

/** Copies of recordings for a recipient, for the worker only. */
@Injectable()
export class DisclosureCopies {
  constructor(
    private readonly recordings: RecordingsService,
    private readonly workSpace: WorkSpace,
    private readonly packaging: DisclosurePackaging,
  ) {}

  /** Bytes of room that the copies of a disclosure take at most, with the package that is made of them. */
  async room({ disclosure, items }: DisclosureWithItems): Promise<number> {
    const recordings = await this.recordings.getMany(items.map(({ recordingId }) => recordingId));
    const all = recordings.reduce((sum, { size }) => sum + size, 0);
    return disclosure.form === 'unaltered' ? 2 * all : 3 * all + Math.max(...recordings.map(({ size }) => size));
  }

  /** The copy at `path`: the original byte for byte, or one that names the recipient in every picture. @throws Hopeless */
  async make(
    work: DisclosureWithItems,
    item: DisclosureItem,
    path: string,
    { signal, onProgress }: { readonly signal: AbortSignal; readonly onProgress: (percent: number) => void },
  ): Promise<ReleasedCopy> {
    const recording = await this.recordings.get(item.recordingId);
    const { versionId, probe } = recording;
    if (recording.state !== 'sealed' || versionId === null) throw new Hopeless('The recording is not sealed.');
    const { disclosure } = work;
    const isMarked = disclosure.form === 'marked';
    const source = isMarked ? `${path}.original` : path;
    const read = await this.workSpace.fetch({ ...recording, versionId }, source, signal);
    if (!read.sha256.equals(recording.sha256)) throw new Hopeless('The stored original no longer has its SHA-256.');
    if (!isMarked) return { ...read, extension: extensionOf(recording.name) };
    if (probe === null) throw new Hopeless('The recording has no pictures that could be read.');
    const { fromMs, toMs } = item;
    const lines = [`Released to ${disclosure.recipient}, ${disclosure.organisation}`, `Disclosure ${disclosure.id}`];
    const clip = fromMs === null || toMs === null ? {} : { clip: { fromMs, toMs } };
    try {
      const input = { file: source, probe, lines, ...clip, out: path, onProgress, signal };
      const { tool, recipe } = await renderMarkedCopy(this.workSpace.tools, input);
      const sha256 = await hashOf(path);
      await this.packaging.marked(work, item.recordingId, { recipe, tool, sha256 });
      return { sha256, size: (await stat(path)).size, extension: 'mp4' };
    } catch (error) {
      if (error instanceof MediaError && LASTING.includes(error.code)) throw new Hopeless(error.message, { cause: error });
      throw error;
    } finally {
      await rm(source, { force: true });
    }
  }
}

async function hashOf(path: string): Promise<Buffer> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest();
}

/** Names come from cameras and from people: only what is surely the end of a video's name goes into a package. */
function extensionOf(name: string): string {
  const found = /\.([a-z0-9]{2,5})$/i.exec(name)?.[1]?.toLowerCase();
  return found !== undefined && KNOWN.has(found) ? found : 'video';
}

const KNOWN: ReadonlySet<string> = new Set(
  ['mp4', 'mov', 'm4v', '3gp', 'mkv', 'webm', 'avi', 'ts', 'm2ts', 'mts', 'mpg', 'mpeg', 'asf', 'wmv'].values(),
);
