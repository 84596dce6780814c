import { Problem } from '#platform';

export class ProposalFaulty extends Problem {
  constructor(faults: readonly string[]) {
    super(422, 'proposal-faulty', 'That cannot be looked for', faults.join(' '), { faults });
  }
}

export class DetectorMissing extends Problem {
  constructor(file: string) {
    super(
      501,
      'detector-missing',
      'No detector is installed',
      `The detector's file ${file} is not there. Ask the administrator to install opencv-data or to set DETECTOR_CASCADES_DIR; ` +
        'a box that you draw can be followed all the same.',
    );
  }
}

export class ProposalNotReady extends Problem {
  constructor(state: string, failure: string | null) {
    super(
      409,
      'proposal-not-ready',
      'There is nothing to confirm',
      failure === null ? 'The proposals are still being made. Ask again shortly.' : `No proposals could be made: ${failure}`,
      { state },
    );
  }
}

export class TrackUnknown extends Problem {
  constructor(ids: readonly string[]) {
    super(422, 'track-unknown', 'Unknown track', `The proposal has no track ${ids.join(', ')}.`, { tracks: ids });
  }
}
