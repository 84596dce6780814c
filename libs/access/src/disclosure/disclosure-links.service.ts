import { randomInt } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { Inject, Injectable } from '@nestjs/common';
import { attribution, hashSecret, newSecret, RecipientSessions, type Caller } from '#identity';
import { Clock, CONFIG, UnitOfWork, type Config } from '#platform';
import { DisclosureNotNow, OtherPackage, WrongLinkOrCode } from './disclosure-problems.js';
import { Disclosure } from './disclosure.entity.js';
import { isLive } from './disclosure.rules.js';
import { DisclosuresService } from './disclosures.service.js';

const MOST_TRIES = 5;
const CODE_DIGITS = 8;

/** How a recipient comes in: a link, and a code that goes another way. Both are shown once; what we keep of them lets nobody in. */
@Injectable()
export class DisclosureLinks {
  /** Verified against when there is no such link, so that the time an answer takes tells nothing. */
  private readonly decoy = hash('there is no such link');

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly unitOfWork: UnitOfWork,
    private readonly disclosures: DisclosuresService,
    private readonly sessions: RecipientSessions,
    private readonly clock: Clock,
  ) {}

  /** After too many wrong codes; a new link opens it again. */
  static isLocked({ codeTries }: Disclosure): boolean {
    return codeTries >= MOST_TRIES;
  }

  /** A new link; the one before it, its code and whoever came in by them are out. @throws NotFound, DisclosureNotNow */
  async issueLink(id: string, caller: Caller): Promise<{ token: string; link: string; until: Date }> {
    const { secret, hash: linkHash } = newSecret('');
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      if (!isLive(disclosure, this.clock.now())) throw new DisclosureNotNow(disclosure.state);
      const issued = { linkHash, linkIssuedAt: this.clock.now(), codeHash: null, codeTries: 0 };
      await tx.update(Disclosure, { id }, issued);
      await this.sessions.end(tx, id);
      const { recipient, until, fetches } = disclosure;
      const event = { disclosure: id, recipient, until: until.toISOString(), fetches, part: 'link' } as const;
      await this.disclosures.record(tx, items, { type: 'disclosure.link-issued', ...event }, attribution(caller));
      return { token: secret, link: `${this.config.PUBLIC_URL}/disclosed/${secret}`, until };
    });
  }

  /** The second factor of the link that there is, to be sent another way. @throws NotFound, DisclosureNotNow when there is no link, or it is locked */
  async issueCode(id: string, caller: Caller): Promise<{ code: string }> {
    const code = String(randomInt(10 ** CODE_DIGITS)).padStart(CODE_DIGITS, '0');
    const codeHash = await hash(code);
    await this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      const { linkHash, codeTries, recipient, until, fetches } = disclosure;
      if (!isLive(disclosure, this.clock.now()) || linkHash === null || codeTries >= MOST_TRIES)
        throw new DisclosureNotNow(disclosure.state);
      await tx.update(Disclosure, { id }, { codeHash });
      const event = { disclosure: id, recipient, until: until.toISOString(), fetches, part: 'code' } as const;
      await this.disclosures.record(tx, items, { type: 'disclosure.link-issued', ...event }, attribution(caller));
    });
    return { code };
  }

  /**
   * Lets somebody in who shows both. A try is taken before the code is looked at, so that many at once get no more than five.
   * @throws WrongLinkOrCode, on record where the link was right
   */
  async open(link: string, code: string, caller: Caller): Promise<{ token: string; expiresAt: Date; disclosure: Disclosure }> {
    const found = await this.unitOfWork.reader.findOneBy(Disclosure, { linkHash: hashSecret(link) });
    const attempt = found !== null && isLive(found, this.clock.now()) ? await this.takeTry(found) : undefined;
    const matches = await verify(attempt?.codeHash ?? (await this.decoy), code);
    if (found === null) throw new WrongLinkOrCode();
    if (attempt === undefined || attempt.codeHash === null || !matches) {
      await this.recordWrong(found.id, attempt?.tries ?? MOST_TRIES + 1, caller);
      throw new WrongLinkOrCode();
    }
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, found.id);
      // Meanwhile there may be another link, or none.
      const isSame = disclosure.linkHash?.equals(hashSecret(link)) === true && disclosure.codeHash === attempt.codeHash;
      if (!isSame || !isLive(disclosure, this.clock.now())) throw new WrongLinkOrCode();
      await tx.update(Disclosure, { id: disclosure.id }, { codeTries: 0 });
      const { token, expiresAt, session } = await this.sessions.open(tx, disclosure, caller);
      const { recipient } = disclosure;
      const actor = { kind: 'recipient', id: disclosure.id, name: recipient, session } as const;
      const event = { type: 'disclosure.opened', disclosure: disclosure.id, recipient } as const;
      await this.disclosures.record(tx, items, event, attribution({ ...caller, actor }));
      return { token, expiresAt, disclosure };
    });
  }

  /** The recipient says that it arrived whole. Saying it again changes nothing. @throws NotFound, OtherPackage */
  async confirm(id: string, sha256: string, caller: Caller): Promise<Date> {
    return this.unitOfWork.run(async (tx) => {
      const { disclosure, items } = await this.disclosures.lock(tx, id);
      if (disclosure.sha256?.toString('hex') !== sha256) throw new OtherPackage();
      if (disclosure.confirmedAt !== null) return disclosure.confirmedAt;
      const confirmedAt = this.clock.now();
      await tx.update(Disclosure, { id }, { confirmedAt });
      const event = { type: 'disclosure.confirmed', disclosure: id, recipient: disclosure.recipient, sha256 } as const;
      await this.disclosures.record(tx, items, event, attribution(caller));
      return confirmedAt;
    });
  }

  private async takeTry({ id, linkHash }: Disclosure): Promise<{ codeHash: string | null; tries: number } | undefined> {
    return this.unitOfWork.run(async (tx) => {
      const { disclosure } = await this.disclosures.lock(tx, id);
      if (disclosure.codeTries >= MOST_TRIES || disclosure.linkHash?.equals(linkHash ?? Buffer.alloc(0)) !== true)
        return undefined;
      const tries = disclosure.codeTries + 1;
      await tx.update(Disclosure, { id }, { codeTries: tries });
      return { codeHash: disclosure.codeHash, tries };
    });
  }

  private async recordWrong(id: string, tries: number, caller: Caller): Promise<void> {
    await this.unitOfWork.run(async (tx) => {
      const { items } = await this.disclosures.lock(tx, id);
      const by = attribution({ ...caller, actor: { kind: 'anonymous' } });
      const reasons =
        tries > MOST_TRIES ? ['link-locked'] : tries === MOST_TRIES ? ['wrong-code', 'link-locked'] : ['wrong-code'];
      for (const reason of reasons)
        await this.disclosures.record(tx, items, { type: 'access.refused', action: 'disclosure.open', reason }, by);
    });
  }
}
