import { TlogError } from './tlog-error.js';

/** One value in the Distinguished Encoding Rules. X.690 §8.1, §10.1 */
export interface DerValue {
  /** The identifier octet: class, constructed bit and number. */
  readonly tag: number;
  /** What the length counts. */
  readonly content: Uint8Array;
  /** The whole value with its identifier and length, exactly as it was read. */
  readonly bytes: Uint8Array;
}

/** Identifier octets. X.690 §8.1.2, X.680 §8.6 */
export const DER = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  /** [0] and [1], constructed. */
  context0: 0xa0,
  context1: 0xa1,
} as const;

const HIGH_TAG_NUMBER = 0x1f;
const LONG_LENGTH = 0x80;
const MOST_LENGTH_BYTES = 4;

/**
 * Reads the values in `bytes` one after the other. It goes only as deep as it is told to, so nesting costs nothing. Lengths that are
 * indefinite, not the shortest, or beyond the end are refused, and so are tag numbers from 31 up.
 */
export class DerReader {
  private position = 0;

  constructor(
    private readonly bytes: Uint8Array,
    /** What is read, for the errors. */
    private readonly what: string,
  ) {}

  /** @throws TlogError 'der-malformed' unless the next value has this identifier */
  read(tag: number): DerValue {
    const value = this.next();
    return value.tag === tag ? value : this.refuse(`it has a value of kind ${kind(value.tag)} where ${kind(tag)} belongs`);
  }

  /** The next value if it has this identifier; otherwise nothing is read. @throws TlogError 'der-malformed' */
  readIf(tag: number): DerValue | undefined {
    return this.bytes[this.position] === tag ? this.read(tag) : undefined;
  }

  /** Reads a constructed value and gives what is in it. @throws TlogError 'der-malformed' */
  enter(tag: number): DerReader {
    return new DerReader(this.read(tag).content, this.what);
  }

  /** @throws TlogError 'der-malformed' */
  next(): DerValue {
    const start = this.position;
    const tag = this.byte();
    if ((tag & HIGH_TAG_NUMBER) === HIGH_TAG_NUMBER) return this.refuse('it has a tag number of more than 30');
    const length = this.length();
    if (length > this.bytes.length - this.position) return this.refuse('a length in it reaches beyond its end');
    const content = this.bytes.subarray(this.position, this.position + length);
    this.position += length;
    return { tag, content, bytes: this.bytes.subarray(start, this.position) };
  }

  get atEnd(): boolean {
    return this.position === this.bytes.length;
  }

  /** @throws TlogError 'der-malformed' when something is left */
  end(): void {
    if (!this.atEnd) this.refuse('something follows where it should end');
  }

  refuse(why: string): never {
    throw new TlogError('der-malformed', `The ${this.what} is malformed: ${why}.`);
  }

  private length(): number {
    const first = this.byte();
    if (first < LONG_LENGTH) return first;
    const count = first - LONG_LENGTH;
    if (count === 0) return this.refuse('a length in it is indefinite');
    if (count > MOST_LENGTH_BYTES) return this.refuse('a length in it reaches beyond its end');
    let length = 0;
    for (let i = 0; i < count; i++) length = length * 256 + this.byte();
    // The shortest form, X.690 §10.1: anything else is a second spelling of the same value.
    const least = count === 1 ? LONG_LENGTH : 256 ** (count - 1);
    return length < least ? this.refuse('a length in it is not in its shortest form') : length;
  }

  private byte(): number {
    return this.bytes[this.position++] ?? this.refuse('it ends in the middle of a value');
  }
}

/** One value with these contents, one after the other. */
export function encodeDer(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, each) => sum + each.length, 0);
  return new Uint8Array(Buffer.concat([Uint8Array.of(tag, ...encodeLength(length)), ...contents]));
}

function encodeLength(length: number): number[] {
  if (length < LONG_LENGTH) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [LONG_LENGTH + bytes.length, ...bytes];
}

function kind(tag: number): string {
  return `0x${tag.toString(16).padStart(2, '0')}`;
}
