import { Problem } from '#platform';
import type { DisclosureState, ReleaseFault } from './disclosure.rules.js';

const WHY: Readonly<Record<ReleaseFault, string>> = {
  'form-not-allowed': "The agency's policy does not give this kind of recipient a copy of this form.",
  'not-sealed': 'It is not sealed, and only what is sealed leaves the house.',
  'not-released': 'It is a redaction that has not been released.',
  'redacted-copy-exists':
    'There is a released redaction of it. Disclose that one, or say with overrideRedaction why the original has to be released.',
  'range-of-unaltered':
    'An unaltered copy is the whole file, byte for byte. Ask for a marked copy of the part, or leave the part out.',
  'range-beyond-end': 'The part begins after the recording ends.',
};

export class NotReleasable extends Problem {
  constructor(faults: readonly { readonly recording: string; readonly fault: ReleaseFault }[]) {
    super(
      422,
      'not-releasable',
      'Cannot be disclosed like this',
      faults.map(({ recording, fault }) => `Recording ${recording}: ${WHY[fault]}`).join(' '),
      { faults },
    );
  }
}

export class DisclosureNotNow extends Problem {
  constructor(state: DisclosureState) {
    super(409, 'disclosure-not-now', 'Not at this point', `The disclosure is ${state}; this cannot be done to it now.`, {
      state,
    });
  }
}

/** Says nothing of which of the two was wrong, nor whether there is such a link. */
export class WrongLinkOrCode extends Problem {
  constructor() {
    super(
      401,
      'wrong-link-or-code',
      'Not let in',
      'The link or the code is wrong, has ended, or was locked after too many wrong codes. Whoever sent it to you can send another one.',
    );
  }
}

export class RangeBeyondEnd extends Problem {
  constructor(size: number) {
    super(416, 'range-unsatisfiable', 'No such part', `The package has ${size} bytes; ask for one range within them.`, { size });
  }
}

export class FetchOnly extends Problem {
  constructor() {
    super(
      405,
      'fetch-only',
      'Not answered',
      'The package can be fetched, not asked about: GET /api/disclosed says how large it is.',
    );
  }
}

export class OtherPackage extends Problem {
  constructor() {
    super(
      422,
      'other-package',
      'Not this package',
      'What you have does not have the SHA-256 of this package. Fetch it again, and do not use what you have.',
    );
  }
}
