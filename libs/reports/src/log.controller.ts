import { Controller, Get, Header } from '@nestjs/common';
import { ApiProduces, ApiTags } from '@nestjs/swagger';
import { CustodyLog } from '#custody';
import { Asks } from '#identity';
import { Problem } from '#platform';

const TEXT = 'text/plain; charset=utf-8';

export class LogNotBegun extends Problem {
  constructor(what: string) {
    super(404, 'log-not-begun', 'The log has not begun', `There is no ${what} yet: it is made when the first worker starts.`);
  }
}

/** What anybody may know of the log, without an account: no personal data is in it. */
@ApiTags('log')
@Controller('log')
export class LogController {
  constructor(private readonly log: CustodyLog) {}

  /** The newest checkpoint that its witnesses have cosigned, or signed alone while there is none. C2SP tlog-checkpoint */
  @Get('checkpoint')
  @Header('Content-Type', TEXT)
  @Header('Cache-Control', 'public, max-age=5')
  @ApiProduces('text/plain')
  @Asks('log.read')
  async checkpoint(): Promise<string> {
    const newest = (await this.log.newestTrusted()) ?? (await this.log.newestCheckpoint());
    if (newest === undefined) throw new LogNotBegun('checkpoint');
    return newest.note;
  }

  /** The log's verifier keys (C2SP signed-note vkeys), one a line, newest last. */
  @Get('keys')
  @Header('Content-Type', TEXT)
  @Header('Cache-Control', 'public, max-age=60')
  @ApiProduces('text/plain')
  @Asks('log.read')
  async keys(): Promise<string> {
    const vkeys = (await this.log.identity())?.vkeys ?? [];
    if (vkeys.length === 0) throw new LogNotBegun('key');
    return vkeys.map((vkey) => `${vkey}\n`).join('');
  }
}
