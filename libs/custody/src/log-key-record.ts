import { Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { CONFIG, UnitOfWork, type Config, type Tx } from '#platform';
import type { CustodyEvent } from './catalogue.js';
import { Custody } from './custody.service.js';
import { LogKeys } from './log-keys.js';
import { logSubject } from './log-subject.js';
import { LOG_SIGNING_KEY } from './sequencer.js';

const LOCK = 7239464;
const BY = { kind: 'system', id: null, name: 'sequencer' } as const;

/** Puts on record, when a worker starts, which keys have begun to sign the log's checkpoints and which have stopped. */
@Injectable()
export class LogKeyRecord implements OnApplicationBootstrap {
  private readonly keys: LogKeys;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(LOG_SIGNING_KEY) skeys: string,
    private readonly unitOfWork: UnitOfWork,
    private readonly custody: Custody,
  ) {
    this.keys = new LogKeys(skeys, config.LOG_FORMER_KEYS);
  }

  async onApplicationBootstrap(): Promise<void> {
    const subject = logSubject(this.keys.origin);
    const signing = this.keys.signing.map(({ vkey }) => vkey);
    await this.unitOfWork.run(async (tx) => {
      // Several workers may start at once; each would find the same change.
      await tx.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
      const [state] = await tx.query<{ origin: string }[]>('SELECT origin FROM log_state');
      // The sequencer says what is wrong then; this log is not the one to write it into.
      if (state !== undefined && state.origin !== this.keys.origin) return;
      const recorded = await recordedKeys(tx, subject);
      const append = (event: CustodyEvent): Promise<string> => this.custody.append(tx, subject, event, BY);
      for (const vkey of signing) if (!recorded.has(vkey)) await append({ type: 'log.key-added', vkey });
      for (const vkey of recorded) if (!signing.includes(vkey)) await append({ type: 'log.key-retired', vkey });
    });
  }
}

async function recordedKeys(tx: Tx, subject: string): Promise<ReadonlySet<string>> {
  const rows = await tx.query<{ type: string; payload: string }[]>(
    `SELECT e.type, p.payload FROM (
       SELECT id, type, 0 AS waiting, index AS place FROM custody_entries WHERE subject = $1
       UNION ALL SELECT id, type, 1, ord FROM custody_pending WHERE subject = $1
     ) e JOIN custody_payloads p ON p.entry = e.id
     WHERE e.type IN ('log.key-added', 'log.key-retired') ORDER BY waiting, place`,
    [subject],
  );
  const recorded = new Set<string>();
  for (const { type, payload } of rows) {
    const { vkey } = (JSON.parse(payload) as { event: { vkey: string } }).event;
    if (type === 'log.key-added') recorded.add(vkey);
    else recorded.delete(vkey);
  }
  return recorded;
}
