import { Injectable } from '@nestjs/common';
import { In, IsNull } from 'typeorm';
import { v7 as uuidv7 } from 'uuid';
import { Custody } from '#custody';
import { Clock, isUniqueViolation, NotFound, UnitOfWork, type Tx } from '#platform';
import { attribution, type Caller } from './actor.js';
import { CameraAssignment } from './camera-assignment.entity.js';
import { CameraAssigned, CameraSerialExists, type StatedSpan } from './camera-problems.js';
import { Camera } from './camera.entity.js';
import type { Person } from './person.entity.js';

/** A camera at a moment. */
export interface Sighting {
  readonly serial: string;
  readonly at: Date;
}

export interface CameraFilter {
  readonly serial?: string | undefined;
  /** The id after which the next page begins. */
  readonly after?: string | undefined;
  readonly limit: number;
}

/** What a person sees of a span that stands in their way. */
export function stateSpan({ id, person, from, until }: CameraAssignment): StatedSpan {
  return {
    assignment: id,
    person: person.id,
    personName: person.name,
    from: from.toISOString(),
    until: until?.toISOString() ?? null,
  };
}

/** The register of cameras. Nothing is ever deleted from it. */
@Injectable()
export class CamerasService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  /** @throws CameraSerialExists */
  async register(serial: string, model: string | null, caller: Caller): Promise<Camera> {
    const camera: Camera = { id: uuidv7(), serial, model, registeredAt: this.clock.now(), retiredAt: null };
    try {
      await this.unitOfWork.run(async (tx) => {
        await tx.insert(Camera, camera);
        await this.custody.append(tx, camera.id, { type: 'camera.registered', serial, model }, attribution(caller));
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new CameraSerialExists(serial);
      throw error;
    }
    return camera;
  }

  /**
   * Out of service: no new assignments. Its recordings are accepted all the same, because evidence is never refused for what a register says.
   * Twice is once. @throws NotFound, CameraAssigned while somebody has it: when it was given back is for a person to say
   */
  async retire(id: string, reason: string, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const camera = await tx.findOne(Camera, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (camera === null) throw new NotFound('camera');
      if (camera.retiredAt !== null) return;
      const open = await tx.findOne(CameraAssignment, { where: { cameraId: id, until: IsNull() }, relations: { person: true } });
      if (open !== null) throw new CameraAssigned(camera.serial, stateSpan(open), 'Release it first.');
      await tx.update(Camera, { id }, { retiredAt: this.clock.now() });
      await this.custody.append(tx, id, { type: 'camera.retired', serial: camera.serial, reason }, attribution(caller));
    });
  }

  /** @throws NotFound */
  async get(id: string): Promise<Camera> {
    const camera = await this.unitOfWork.reader.findOneBy(Camera, { id });
    if (camera === null) throw new NotFound('camera');
    return camera;
  }

  /** In the order in which they were registered. */
  async list(filter: CameraFilter): Promise<{ cameras: Camera[]; next: string | null }> {
    const query = this.unitOfWork.reader
      .createQueryBuilder(Camera, 'c')
      .orderBy('c.id')
      .limit(filter.limit + 1);
    if (filter.serial !== undefined) query.andWhere('c.serial = :serial', { serial: filter.serial });
    if (filter.after !== undefined) query.andWhere('c.id > :after', { after: filter.after });
    const rows = await query.getMany();
    const cameras = rows.slice(0, filter.limit);
    return { cameras, next: rows.length > filter.limit ? (cameras.at(-1)?.id ?? null) : null };
  }

  /** Those of them that are registered, by serial number. @param on the open transaction, if there is one */
  async bySerials(serials: readonly string[], on: Tx = this.unitOfWork.reader): Promise<Map<string, Camera>> {
    const rows = await on.findBy(Camera, { serial: In([...serials]) });
    return new Map(rows.map((row) => [row.serial, row]));
  }

  /** Who wore that camera then, by what the register says now; null when it does not say. @param on the open transaction, if there is one */
  async officerAt(serial: string, at: Date, on: Tx = this.unitOfWork.reader): Promise<Person | null> {
    return (await this.officersAt([{ serial, at }], on))[0] ?? null;
  }

  /** As `officerAt` for many, in their order, in one question. A moment that is no time, or beyond what the database can hold, is nobody's. */
  async officersAt(sightings: readonly Sighting[], on: Tx = this.unitOfWork.reader): Promise<(Person | null)[]> {
    const asked = sightings.map(({ serial, at }, place) => ({ serial, at, place })).filter(({ at }) => isStorable(at));
    const found = sightings.map((): Person | null => null);
    if (asked.length === 0) return found;
    const rows = await on.query<{ place: number; assignment: string }[]>(
      `SELECT asked.place, a.id AS assignment
       FROM unnest($1::int[], $2::text[], $3::timestamptz[]) AS asked (place, serial, at)
       JOIN cameras c ON c.serial = asked.serial
       JOIN camera_assignments a ON a.camera_id = c.id AND tstzrange(a.assigned_from, a.assigned_until) @> asked.at`,
      [asked.map(({ place }) => place), asked.map(({ serial }) => serial), asked.map(({ at }) => at)],
    );
    const assignments = await this.withPeople(on, [...new Set(rows.map(({ assignment }) => assignment))]);
    for (const { place, assignment } of rows) found[place] = assignments.get(assignment)?.person ?? null;
    return found;
  }

  /** The assignments that hold at `at`, by camera id. */
  async assignedAt(cameraIds: readonly string[], at: Date): Promise<Map<string, CameraAssignment>> {
    const rows = await this.unitOfWork.reader
      .createQueryBuilder(CameraAssignment, 'a')
      .innerJoinAndSelect('a.person', 'p')
      .where('a.camera_id = ANY(:cameraIds) AND tstzrange(a.assigned_from, a.assigned_until) @> :at::timestamptz', {
        cameraIds: [...cameraIds],
        at,
      })
      .getMany();
    return new Map(rows.map((row) => [row.cameraId, row]));
  }

  private async withPeople(on: Tx, ids: readonly string[]): Promise<Map<string, CameraAssignment>> {
    const rows = await on
      .createQueryBuilder(CameraAssignment, 'a')
      .innerJoinAndSelect('a.person', 'p')
      .where('a.id = ANY(:ids)', { ids: [...ids] })
      .getMany();
    return new Map(rows.map((row) => [row.id, row]));
  }
}

/** What RFC 3339 can say and PostgreSQL can hold; whatever lies outside has been computed from a clock that was nonsense. */
function isStorable(at: Date): boolean {
  const year = at.getUTCFullYear();
  return year >= -4000 && year <= 9999;
}
