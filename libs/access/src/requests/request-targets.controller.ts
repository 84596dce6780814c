import { Controller, Get, Param } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { CaseReadingLoader, CasesService } from '#evidence';
import { Asks, uuidOf } from '#identity';
import { UnitOfWork } from '#platform';
import { AccessRequest } from './access-request.entity.js';

interface CaseRequestView {
  readonly id: string;
  readonly requestedBy: string;
  readonly purpose: string;
  readonly state: string;
  readonly createdAt: string;
}

const MOST_LISTED = 1000;

/** What was asked for under a case's number. */
@ApiTags('cases')
@Controller('api/cases')
export class RequestTargetsController {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly cases: CasesService,
  ) {}

  /** Newest first, the first thousand. Numbers are compared as cases are: small and large letters are the same. */
  @Get(':id/access-requests')
  @Asks('case.read', CaseReadingLoader)
  async requests(@Param('id') id: string): Promise<{ requests: CaseRequestView[] }> {
    const { number } = await this.cases.get(uuidOf({ params: { id } }, 'id'));
    const rows = await this.unitOfWork.reader
      .createQueryBuilder(AccessRequest, 'r')
      .where("lower(r.case_number) = lower(:number) AND r.state <> 'draft'", { number })
      .orderBy('r.id', 'DESC')
      .limit(MOST_LISTED)
      .getMany();
    return {
      requests: rows.map(({ id: request, requestedBy, purpose, state, createdAt }) => ({
        id: request,
        requestedBy,
        purpose,
        state,
        createdAt: createdAt.toISOString(),
      })),
    };
  }
}
