import { Problem } from '#platform';

export class AlreadyLocked extends Problem {
  constructor(lock: string | null) {
    super(
      409,
      'already-locked',
      'Locked already',
      'This recording is locked against this person already; one lock holds against all of their accounts.',
      { lock },
    );
  }
}

export class LockLifted extends Problem {
  constructor() {
    super(
      409,
      'lock-lifted',
      'Lifted already',
      'This lock has been lifted already. If the recording is to be locked, lock it anew.',
    );
  }
}

export class StatementRecorded extends Problem {
  constructor(at: Date) {
    super(409, 'statement-recorded', 'A statement is on record', 'That a statement was made is on record already.', {
      statementAt: at.toISOString(),
    });
  }
}

export class StatementMissing extends Problem {
  constructor() {
    super(
      409,
      'statement-missing',
      'No statement yet',
      'The locked person has made no statement yet. Record that one was made, or lift the lock all the same with "override" and the reason for it.',
    );
  }
}
