import { Injectable } from '@nestjs/common';
import { QueryFailedError } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { Clock, NotFound, UnitOfWork } from '#platform';
import { attribution, type Caller } from './actor.js';
import { CameraAssignment } from './camera-assignment.entity.js';
import { AssignmentSpanEmpty, CameraAssigned, CameraNotAssigned, CameraRetired } from './camera-problems.js';
import { Camera } from './camera.entity.js';
import { stateSpan } from './cameras.service.js';
import { Person } from './person.entity.js';

const EXCLUSION_VIOLATION = '23P01';
/** The span that was in the way may be ended before it is looked at; then there is room after all. */
const ATTEMPTS = 3;

export interface NewAssignment {
  readonly person: string;
  /** The present, when it is not said. */
  readonly from?: Date | undefined;
  /** Open, when it is not said. */
  readonly until?: Date | undefined;
}

function isOverlap(error: unknown): boolean {
  return error instanceof QueryFailedError && (error.driverError as { code?: string }).code === EXCLUSION_VIOLATION;
}

/** Who wears which camera, over time. Spans are entered late, from shift sheets, or ahead, from rosters; none is ever deleted. */
@Injectable()
export class CameraAssignments {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** The database decides between two at once. @throws NotFound, AssignmentSpanEmpty, CameraRetired, CameraAssigned (naming the other span) */
  async assign(cameraId: string, request: NewAssignment, caller: Caller): Promise<CameraAssignment> {
    const from = request.from ?? this.clock.now();
    const until = request.until ?? null;
    if (until !== null && until <= from) throw new AssignmentSpanEmpty(from, until);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.insert(cameraId, request.person, { from, until }, caller);
      } catch (error) {
        if (!isOverlap(error)) throw error;
        const other = await this.overlapping(cameraId, { from, until });
        const { serial } = await this.unitOfWork.reader.findOneByOrFail(Camera, { id: cameraId });
        if (other !== null) throw new CameraAssigned(serial, stateSpan(other), 'A camera is worn by one person at a time.');
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** Ends the assignment that is open. @throws NotFound, CameraNotAssigned, AssignmentSpanEmpty */
  async release(cameraId: string, requestedUntil: Date | undefined, caller: Caller): Promise<CameraAssignment> {
    const until = requestedUntil ?? this.clock.now();
    return this.unitOfWork.run(async (tx) => {
      const camera = await tx.findOneBy(Camera, { id: cameraId });
      if (camera === null) throw new NotFound('camera');
      const open = await tx
        .createQueryBuilder(CameraAssignment, 'a')
        .setLock('pessimistic_write', undefined, ['a'])
        .innerJoinAndSelect('a.person', 'p')
        .where('a.camera_id = :cameraId AND a.assigned_until IS NULL', { cameraId })
        .getOne();
      if (open === null) throw new CameraNotAssigned(camera.serial);
      if (until <= open.from) throw new AssignmentSpanEmpty(open.from, until);
      await tx.update(CameraAssignment, { id: open.id }, { until });
      const event = {
        type: 'camera.released',
        serial: camera.serial,
        person: open.personId,
        until: until.toISOString(),
      } as const;
      await this.custody.append(tx, cameraId, event, attribution(caller));
      return { ...open, until };
    });
  }

  /** Latest first. @param page.after the assignment after which the next page begins @throws NotFound */
  async list(
    cameraId: string,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<{ assignments: CameraAssignment[]; next: string | null }> {
    if (!(await this.unitOfWork.reader.existsBy(Camera, { id: cameraId }))) throw new NotFound('camera');
    const query = this.unitOfWork.reader
      .createQueryBuilder(CameraAssignment, 'a')
      .innerJoinAndSelect('a.person', 'p')
      .where('a.camera_id = :cameraId', { cameraId })
      .orderBy('a.assigned_from', 'DESC')
      .limit(page.limit + 1);
    if (page.after !== undefined)
      query.andWhere(
        'a.assigned_from < (SELECT b.assigned_from FROM camera_assignments b WHERE b.id = :after AND b.camera_id = :cameraId)',
        { after: page.after },
      );
    const rows = await query.getMany();
    const assignments = rows.slice(0, page.limit);
    return { assignments, next: rows.length > page.limit ? (assignments.at(-1)?.id ?? null) : null };
  }

  private async insert(
    cameraId: string,
    personId: string,
    { from, until }: { readonly from: Date; readonly until: Date | null },
    caller: Caller,
  ): Promise<CameraAssignment> {
    return this.unitOfWork.run(async (tx) => {
      // Shared: a camera is not retired meanwhile, and two assignments at once are for the constraint to decide between.
      const camera = await tx.findOne(Camera, { where: { id: cameraId }, lock: { mode: 'pessimistic_read' } });
      if (camera === null) throw new NotFound('camera');
      const person = await tx.findOneBy(Person, { id: personId });
      if (person === null) throw new NotFound('person');
      // A shift sheet may turn up after the camera is gone; what it says of the time before is still true.
      if (camera.retiredAt !== null && (until === null || until > camera.retiredAt))
        throw new CameraRetired(camera.serial, camera.retiredAt);
      const assignment: CameraAssignment = { id: uuidv7(), cameraId, personId, from, until, person };
      await tx.insert(CameraAssignment, { id: assignment.id, cameraId, personId, from, until });
      const event = {
        type: 'camera.assigned',
        serial: camera.serial,
        person: personId,
        personName: person.name,
        badge: person.badge,
        from: from.toISOString(),
        until: until?.toISOString() ?? null,
      } as const;
      await this.custody.append(tx, cameraId, event, attribution(caller));
      return assignment;
    });
  }

  private async overlapping(
    cameraId: string,
    { from, until }: { readonly from: Date; readonly until: Date | null },
  ): Promise<CameraAssignment | null> {
    return this.unitOfWork.reader
      .createQueryBuilder(CameraAssignment, 'a')
      .innerJoinAndSelect('a.person', 'p')
      .where('a.camera_id = :cameraId', { cameraId })
      .andWhere('tstzrange(a.assigned_from, a.assigned_until) && tstzrange(:from::timestamptz, :until::timestamptz)', {
        from,
        until,
      })
      .orderBy('a.assigned_from')
      .limit(1)
      .getOne();
  }
}
