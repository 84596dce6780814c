import { Problem } from '#platform';

export class ManifestRefused extends Problem {
  constructor(detail: string) {
    super(422, 'manifest-refused', 'The manifest cannot be accepted', detail);
  }
}

export class ManifestAltered extends Problem {
  constructor() {
    super(
      409,
      'manifest-altered',
      'Another manifest has this id',
      'A different manifest with the same id was accepted before. Sign a new one with a new id.',
    );
  }
}

export class DuplicateRecording extends Problem {
  /** @param holders of the files, in their order; `yours` where the dock that announces them brought it in itself */
  constructor(holders: readonly { readonly id: string; readonly state: string; readonly yours: boolean }[]) {
    const recordings = holders.map(({ id }) => id);
    super(
      409,
      'duplicate-recording',
      'Already here',
      `This file was announced before, as recording ${recordings.join(', ')}. Nothing was stored twice.`,
      { recordings, states: holders.map(({ state }) => state), yours: holders.map(({ yours }) => yours) },
    );
  }
}

const PART_REFUSALS = {
  'digest-missing': 400,
  'length-missing': 411,
  'digest-mismatch': 422,
  'part-size': 422,
  'no-such-part': 422,
} as const;

export class PartRefused extends Problem {
  constructor(code: keyof typeof PART_REFUSALS, detail: string) {
    super(PART_REFUSALS[code], code, 'The part cannot be accepted', detail);
  }
}

export class PartCutOff extends Problem {
  constructor() {
    super(
      400,
      'part-cut-off',
      'The part is incomplete',
      'The connection ended before the whole part had arrived. Send it again.',
    );
  }
}

export class PartTooSlow extends Problem {
  constructor() {
    super(
      408,
      'part-too-slow',
      'The part takes too long',
      'The part did not arrive in time, or stopped on its way. Send it again.',
    );
  }
}

/** Nothing is wrong but the moment. */
export class Busy extends Problem {
  constructor(retryAfterSeconds: number) {
    super(503, 'busy', 'Too many parts at once', `Others are being served. Send the part again in ${retryAfterSeconds} s.`, {
      retryAfter: retryAfterSeconds,
    });
  }
}

export class PartConflict extends Problem {
  constructor(part: number) {
    super(
      409,
      'part-conflict',
      'Another part is already there',
      `Part ${part} was received before with other bytes; the file may have changed on the dock.`,
    );
  }
}

export class PartsMissing extends Problem {
  constructor(parts: readonly number[]) {
    super(409, 'parts-missing', 'Parts are missing', `${parts.length} parts have not arrived, the first is part ${parts[0]}.`, {
      parts: parts.slice(0, 100),
    });
  }
}

export class NotReceiving extends Problem {
  constructor(state: string) {
    super(409, 'not-receiving', 'The upload is over', `The recording is ${state}; it takes no more parts.`, { state });
  }
}

export class NotSealed extends Problem {
  constructor(state: string, reason: string | null) {
    super(409, 'not-sealed', 'Not sealed', reason ?? `The recording is ${state}, not sealed.`, { state });
  }
}

export class NoRendition extends Problem {
  constructor(detail: string) {
    super(409, 'no-rendition', 'Not playable', detail);
  }
}

export class AlertAcknowledged extends Problem {
  constructor(at: Date) {
    const when = at.toISOString();
    super(
      409,
      'alert-acknowledged',
      'Somebody has taken note of it',
      `The alert was acknowledged on ${when}; its note is not changed.`,
    );
  }
}
