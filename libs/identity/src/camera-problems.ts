import { Problem } from '#platform';

/** One span of an assignment, as the answer to somebody it stands in the way of. Times RFC 3339, UTC. */
export interface StatedSpan {
  readonly assignment: string;
  readonly person: string;
  readonly personName: string;
  readonly from: string;
  readonly until: string | null;
}

export class CameraSerialExists extends Problem {
  constructor(serial: string) {
    super(409, 'camera-serial-exists', 'Already registered', `A camera with the serial number ${serial} is already registered.`);
  }
}

export class CameraRetired extends Problem {
  constructor(serial: string, retiredAt: Date) {
    super(
      409,
      'camera-retired',
      'The camera is out of service',
      `Camera ${serial} was retired at ${retiredAt.toISOString()}; it can be assigned only for a time that ended before.`,
      { retiredAt: retiredAt.toISOString() },
    );
  }
}

export class CameraAssigned extends Problem {
  constructor(serial: string, other: StatedSpan, advice: string) {
    const until = other.until === null ? 'on, and has not been given back' : `until ${other.until}`;
    super(
      409,
      'camera-assigned',
      'The camera is assigned',
      `Camera ${serial} is assigned to ${other.personName} from ${other.from} ${until}. ${advice}`,
      { assignment: other },
    );
  }
}

export class CameraNotAssigned extends Problem {
  constructor(serial: string) {
    super(409, 'camera-not-assigned', 'Nobody has the camera', `Camera ${serial} has no assignment that is still open.`);
  }
}

export class AssignmentSpanEmpty extends Problem {
  constructor(from: Date, until: Date) {
    super(
      422,
      'assignment-span-empty',
      'The assignment would end before it begins',
      `It would be from ${from.toISOString()} until ${until.toISOString()}; the end must come after the beginning.`,
      { from: from.toISOString(), until: until.toISOString() },
    );
  }
}
