import { createPublicKey, type KeyObject } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { v7 as uuidv7, validate } from 'uuid';
import { Custody, CustodyLog } from '#custody';
import { Clock, isUniqueViolation, NotFound, Problem, UnitOfWork } from '#platform';
import { attribution, type Actor, type Caller, type PersonActor } from './actor.js';
import { NotSignedIn } from './authorization.js';
import { Dock } from './dock.entity.js';

/** A dock's clock may be this far off before its tokens are refused; the refusal names our time, so it can correct itself. */
const CLOCK_TOLERANCE_SECONDS = 300;

export class DockKeyExists extends Problem {
  constructor() {
    super(409, 'dock-key-exists', 'Already enrolled', 'A dock with this public key is already enrolled.');
  }
}

function keyObject(raw: Buffer): KeyObject {
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' });
}

@Injectable()
export class DocksService {
  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly clock: Clock,
  ) {}

  /** @throws DockKeyExists */
  async enrol(name: string, publicKey: Buffer, actor: PersonActor, caller: Caller): Promise<Dock> {
    const dock: Dock = { id: uuidv7(), name, publicKey, enrolledBy: actor.id, enrolledAt: this.clock.now(), revokedAt: null };
    try {
      await this.unitOfWork.run(async (tx) => {
        await tx.insert(Dock, dock);
        const event = { type: 'dock.enrolled', name, publicKey: publicKey.toString('base64') } as const;
        await this.custody.append(tx, dock.id, event, attribution(caller));
      });
    } catch (error) {
      if (isUniqueViolation(error)) throw new DockKeyExists();
      throw error;
    }
    return dock;
  }

  /** Takes effect on the dock's next request. @throws NotFound */
  async revoke(id: string, reason: string, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const dock = await tx.findOne(Dock, { where: { id }, lock: { mode: 'pessimistic_write' } });
      if (dock === null) throw new NotFound('dock');
      if (dock.revokedAt !== null) return;
      await tx.update(Dock, { id }, { revokedAt: this.clock.now() });
      await this.custody.append(tx, id, { type: 'dock.revoked', reason }, attribution(caller));
    });
  }

  async list(): Promise<Dock[]> {
    return this.unitOfWork.reader.find(Dock, { order: { enrolledAt: 'ASC' } });
  }

  async get(id: string): Promise<Dock | null> {
    return this.unitOfWork.reader.findOneBy(Dock, { id });
  }

  /** A token the dock signed for this log: EdDSA, kid and iss the dock, aud the log's origin. RFC 7519, RFC 8037. @throws NotSignedIn */
  async authenticate(token: string): Promise<Actor> {
    const dock = await this.claimed(token);
    if (dock === null) throw new NotSignedIn('This dock is not enrolled here.');
    if (dock.revokedAt !== null) throw new NotSignedIn("This dock's key was revoked.");
    const origin = (await this.log.identity())?.origin ?? '';
    try {
      await jwtVerify(token, keyObject(dock.publicKey), {
        algorithms: ['EdDSA'],
        issuer: dock.id,
        audience: origin,
        requiredClaims: ['iat', 'exp'],
        maxTokenAge: 900,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: this.clock.now(),
      });
    } catch (error) {
      if (error instanceof errors.JOSEError) throw new NotSignedIn(`The dock's token is not good: ${error.message}.`);
      throw error;
    }
    return { kind: 'dock', id: dock.id, name: dock.name };
  }

  private async claimed(token: string): Promise<Dock | null> {
    try {
      const { kid } = decodeProtectedHeader(token);
      return kid !== undefined && validate(kid) ? await this.get(kid) : null;
    } catch (error) {
      if (error instanceof TypeError || error instanceof errors.JOSEError) return null;
      throw error;
    }
  }
}
