/**
 * Advisory lock that the leading sequencer holds exclusively while it sleeps, and that every transaction which appends tries to share.
 * - Shared: the sequencer is awake, and cannot fall asleep before that transaction has ended; it looks once more after it has the lock,
 *   so it finds the entry without being told.
 * - Refused: the sequencer sleeps and is listening, so the transaction notifies it at commit.
 * Either way no entry waits unseen, and under load, when the sequencer never sleeps, nobody pays for notifying.
 */
export const SEQUENCER_ASLEEP = 7239463;
