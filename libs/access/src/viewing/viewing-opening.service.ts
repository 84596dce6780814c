import { Injectable, Logger } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { Custody, CustodyLog } from '#custody';
import { attribution, decide, system, type Caller, type PersonActor } from '#identity';
import { Clock, UnitOfWork } from '#platform';
import { PurposeDiffers } from '../access-problems.js';
import type { Purpose } from '../requests/access-request.rules.js';
import { Footage } from '../grants/footage.service.js';
import { Grant } from '../grants/grant.entity.js';
import { factsOf, GrantsService } from '../grants/grants.service.js';
import { Refused, RefusalsOnRecord } from '../requests/refusals-on-record.js';
import { StandingGrants } from '../grants/standing-grants.service.js';
import { Viewing, type ViewingOf } from './viewing.entity.js';

export interface Opening {
  readonly recording: string;
  readonly of: ViewingOf;
  /** Null of an original. */
  readonly renditionId: string | null;
  /** As the viewer confirms it. */
  readonly purpose: Purpose;
}

export interface OpenedViewing {
  readonly viewing: string;
  /** When its grant ends. */
  readonly expiresAt: Date;
}

const NOTHING = { delivered: [], stills: [], files: 0, bytes: 0, aborted: 0 } as const;

/** Opens the one door to footage. DESIGN.md §6 rule 2 */
@Injectable()
export class ViewingOpening {
  private readonly logger = new Logger('Viewings');

  constructor(
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
    private readonly log: CustodyLog,
    private readonly footage: Footage,
    private readonly grants: GrantsService,
    private readonly standing: StandingGrants,
    private readonly refusals: RefusalsOnRecord,
    private readonly clock: Clock,
  ) {}

  /**
   * Resolves when the viewing's entry is where it has to be before a byte is sent: in the log, and for an original under a checkpoint that the
   * witnesses have cosigned. DESIGN.md §4. @throws Forbidden, PurposeDiffers, LogBehind, WitnessesBehind
   */
  async open(opening: Opening, actor: PersonActor, caller: Caller): Promise<OpenedViewing> {
    const action = opening.of === 'original' ? 'original.open' : 'viewing.open';
    const { opened, entry } = await this.refusals.of(action, caller, () => this.begin(opening, actor, caller));
    try {
      const { index } = await this.log.sequenced(entry);
      if (opening.of === 'original') await this.log.checkpointCovering(index);
      const readyAt = this.clock.now();
      await this.unitOfWork.reader.update(Viewing, { id: opened.viewing }, { readyAt, lastSeenAt: readyAt });
    } catch (error) {
      await this.giveUp(opened.viewing).catch((fault: unknown) =>
        this.logger.warn({ err: fault, viewing: opened.viewing }, 'a viewing that did not open is closed later'),
      );
      throw error;
    }
    return opened;
  }

  private async begin(
    { recording, of, renditionId, purpose }: Opening,
    actor: PersonActor,
    caller: Caller,
  ): Promise<{ opened: OpenedViewing; entry: string }> {
    return this.unitOfWork.run(async (tx) => {
      const facts = await this.footage.facts(recording, of, tx);
      const choose = (): Promise<Grant | null> => this.grants.choose(tx, actor, facts, purpose);
      const asked = { actor, footage: facts, purpose, caller };
      const grant = await this.standing.orTaken(tx, await choose(), asked, choose);
      // After that: a grant made there begins there.
      const now = this.clock.now();
      const footage = { kind: 'footage', grant: grant === null ? null : factsOf(grant), ...facts } as const;
      const decision = decide(actor, of === 'original' ? 'original.open' : 'viewing.open', footage, { now });
      if (!decision.allowed || grant === null)
        throw new Refused([{ subject: recording, reason: decision.allowed ? 'no-grant' : decision.reason }]);
      if (grant.purpose !== purpose) throw new PurposeDiffers(grant.purpose);
      const viewing: Viewing = {
        id: uuidv7(),
        grantId: grant.id,
        personId: actor.id,
        sessionId: actor.session,
        recordingId: recording,
        ...{ of, renditionId, purpose },
        openedAt: now,
        readyAt: null,
        lastSeenAt: now,
        progressedAt: now,
        progress: null,
        closedAt: null,
      };
      await tx.increment(Grant, { id: grant.id }, 'viewingsOpened', 1);
      await tx.insert(Viewing, viewing);
      const { caseNumber } = grant;
      const event = { type: 'viewing.opened', viewing: viewing.id, grant: grant.id, purpose, caseNumber, of } as const;
      const entry = await this.custody.append(tx, recording, event, attribution(caller));
      return { opened: { viewing: viewing.id, expiresAt: grant.expiresAt }, entry };
    });
  }

  /** Nobody was told of the viewing and nothing was sent in it: it is closed, and does not count. */
  private async giveUp(id: string): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const viewing = await tx.findOne(Viewing, { where: { id }, lock: { mode: 'for_no_key_update' } });
      if (viewing === null || viewing.closedAt !== null) return;
      await tx.update(Viewing, { id }, { closedAt: this.clock.now() });
      await tx.decrement(Grant, { id: viewing.grantId }, 'viewingsOpened', 1);
      const event = { type: 'viewing.closed', viewing: id, ...NOTHING, closedBy: 'service' } as const;
      await this.custody.append(tx, viewing.recordingId, event, system('viewing-opening'));
    });
  }
}
