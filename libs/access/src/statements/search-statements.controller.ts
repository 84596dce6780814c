import { Body, Controller, Get, Header, Param, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { SearchBody } from '#evidence';
import { Asks, By, person, uuidOf, type Caller } from '#identity';
import { SearchStatements, type MadeStatement } from './search-statements.service.js';

const MakeBody = z.strictObject({ search: SearchBody });

@ApiTags('cases')
@Controller('api/search-statements')
export class SearchStatementsController {
  constructor(private readonly statements: SearchStatements) {}

  /** States that the search finds no sealed recording. Where it finds one that is refused (409), with how many. */
  @Post()
  @Asks('recording.search')
  async make(
    @Body({ schema: MakeBody }) body: z.output<typeof MakeBody>,
    @By() caller: Caller,
  ): Promise<{ id: string } & MadeStatement> {
    const made = await this.statements.make(body.search, person(caller), caller);
    return { id: made.statement.id, ...made };
  }

  /** The statement with its log entry and the proof that it is on record, to be kept as a file: `custodiet-verify statement FILE` checks it. */
  @Get(':id')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'no-store')
  @Asks('recording.search')
  async read(@Param('id') id: string): Promise<string> {
    return this.statements.proven(uuidOf({ params: { id } }, 'id'));
  }
}
