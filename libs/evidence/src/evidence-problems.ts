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
  constructor(recordings: readonly string[]) {
    super(
      409,
      'duplicate-recording',
      'Already here',
      `This file was received before, as recording ${recordings.join(', ')}. Nothing was stored twice.`,
      {
        recordings,
      },
    );
  }
}

export class PartRefused extends Problem {
  constructor(code: 'digest-mismatch' | 'digest-missing' | 'part-size' | 'no-such-part', detail: string) {
    super(code === 'digest-missing' ? 400 : 422, code, 'The part cannot be accepted', detail);
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
