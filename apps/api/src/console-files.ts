import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { Injectable } from '@nestjs/common';

/** A file of the console, ready to be sent. */
export interface ConsoleFile {
  readonly contentType: string;
  readonly bytes: Buffer;
  /** Undefined where it would be no smaller. */
  readonly gzipped: Buffer | undefined;
  readonly etag: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** Beside the compiled apps, where `npm run build:console` puts it. */
const BUILD = fileURLToPath(new URL('../../../console', import.meta.url));

/**
 * The built console, read once: less than a megabyte. Only what was there at start is ever served, under exactly its name, so no path leads out.
 * Empty where the console is not built.
 */
@Injectable()
export class ConsoleFiles {
  private readonly files: ReadonlyMap<string, ConsoleFile> = new Map(
    pathsUnder(BUILD).map((path) => [`/${relative(BUILD, path).split(sep).join('/')}`, read(path)]),
  );

  /** @param path as in an address, e.g. `/assets/index-CHiOn55x.css` */
  at(path: string): ConsoleFile | undefined {
    return this.files.get(path);
  }
}

function pathsUnder(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true, recursive: true })
      .filter((entry) => entry.isFile() && extname(entry.name) in CONTENT_TYPES)
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function read(path: string): ConsoleFile {
  const bytes = readFileSync(path);
  const gzipped = gzipSync(bytes, { level: 9 });
  return {
    contentType: CONTENT_TYPES[extname(path)] ?? '',
    bytes,
    gzipped: gzipped.length < bytes.length ? gzipped : undefined,
    etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
  };
}
