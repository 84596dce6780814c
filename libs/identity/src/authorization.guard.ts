import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { ModuleRef, Reflector } from '@nestjs/core';
import { Custody } from '#custody';
import { Clock, UnitOfWork } from '#platform';
import { attribution, type Caller } from './actor.js';
import { Authenticator } from './authenticator.js';
import { Forbidden, NotSignedIn, QUESTION, type Incoming, type Question } from './authorization.js';
import { decide, isPublic } from './decide.rules.js';
import type { Refusal, Resource } from './decision.js';

/** Stands before every route: finds who asks, loads what is asked about, asks `decide`, and puts a refusal on record. Deny by default. */
@Injectable()
export class AuthorizationGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly modules: ModuleRef,
    private readonly authenticator: Authenticator,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly clock: Clock,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const question = this.reflector.get<Question | undefined>(QUESTION, context.getHandler());
    if (question === undefined) throw new Forbidden('unknown-action');
    const request = context.switchToHttp().getRequest<Incoming>();
    const caller = await this.authenticator.identify(request);
    request.caller = caller;
    if (caller.actor.kind === 'anonymous' && !isPublic(question.action)) throw new NotSignedIn();
    const resource = await this.load(question, request, caller);
    const decision = decide(caller.actor, question.action, resource, { now: this.clock.now() });
    if (decision.allowed) return true;
    await this.record(caller, question, resource, decision.reason);
    throw decision.reason === 'not-signed-in' ? new NotSignedIn() : new Forbidden(decision.reason);
  }

  private async load(question: Question, request: Incoming, caller: Caller): Promise<Resource> {
    if (question.loader === undefined) return { kind: 'none' };
    return this.modules.get(question.loader, { strict: false }).load(request, caller);
  }

  private async record(caller: Caller, question: Question, resource: Resource, reason: Refusal): Promise<void> {
    const { actor } = caller;
    const subject = resource.kind === 'none' ? ('id' in actor ? actor.id : undefined) : resource.recording;
    if (subject === undefined) return;
    await this.unitOfWork.run((tx) =>
      this.custody.append(tx, subject, { type: 'access.refused', action: question.action, reason }, attribution(caller)),
    );
  }
}
