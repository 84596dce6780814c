import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Asks } from '#identity';
import { NotFound } from '#platform';
import { ConsoleFiles, type ConsoleFile } from './console-files.js';

interface Request {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

interface Reply {
  status(code: number): Reply;
  headers(headers: Readonly<Record<string, string>>): Reply;
  send(body?: Buffer): unknown;
}

/**
 * Files of our own only, no script and no style in the page itself, nobody's frame, and nowhere else to send anything. WebAssembly computes the
 * SHA-256 of what is handed in. The player puts together what it plays from segments, and an element plays that by a blob: address.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  'media-src blob:',
  "connect-src 'self'",
  "worker-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PROTECTION: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), payment=(), usb=()',
};

/** Addresses that are the service's: what it does not know there is a problem, not a page. */
const NO_PAGE = /^\/(api|log|health|assets)(\/|$)/;

/** The console to whoever asks: it is public, and what it shows is asked for with the session of whoever sits before it. */
@ApiExcludeController()
@Controller()
export class ConsoleController {
  constructor(private readonly files: ConsoleFiles) {}

  @Get()
  @Asks('console.read')
  start(@Req() request: Request, @Res() reply: Reply): void {
    this.page(request, reply);
  }

  /** A file of the console; the page itself wherever else a browser navigates to. */
  @Get('*')
  @Asks('console.read')
  page(@Req() request: Request, @Res() reply: Reply): void {
    const path = request.url.split('?', 1)[0] ?? '';
    const asked = this.files.at(path);
    if (asked !== undefined) send(request, reply, asked, path.startsWith('/assets/'));
    else if (NO_PAGE.test(path) || (path !== '/' && !single(request, 'accept').includes('text/html'))) throw new NotFound('page');
    else {
      const index = this.files.at('/index.html');
      if (index === undefined) throw new NotFound('page: the console is not built');
      send(request, reply, index, false);
    }
  }
}

function send(request: Request, reply: Reply, file: ConsoleFile, immutable: boolean): void {
  const zipped = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(single(request, 'accept-encoding')) ? file.gzipped : undefined;
  reply.headers({
    ...PROTECTION,
    // The name of an asset holds its digest; of the page the browser asks each time.
    'Cache-Control': immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
    ETag: file.etag,
    Vary: 'Accept-Encoding, Accept',
  });
  if (
    single(request, 'if-none-match')
      .split(/\s*,\s*/)
      .includes(file.etag)
  ) {
    reply.status(304).send();
    return;
  }
  reply
    .status(200)
    .headers({ 'Content-Type': file.contentType, ...(zipped === undefined ? {} : { 'Content-Encoding': 'gzip' }) })
    .send(zipped ?? file.bytes);
}

function single({ headers }: Request, name: string): string {
  const value = headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
