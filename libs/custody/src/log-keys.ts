import { ConfigurationFaulty } from '#platform';
import {
  formatCheckpoint,
  openCheckpoint,
  parseSigner,
  parseVerifier,
  signNote,
  TlogError,
  verifierOf,
  type Checkpoint,
  type NoteSigner,
  type NoteVerifier,
} from '#tlog';

/**
 * The keys of one log, all named like it. While a key is being changed two sign, so that whoever trusts either accepts what is signed;
 * what former keys signed is still held against the database.
 */
export class LogKeys {
  readonly origin: string;
  private readonly signers: readonly NoteSigner[];
  /** Of those that sign, in the order they were given. */
  readonly signing: readonly NoteVerifier[];
  /** Of those that signed this log's checkpoints or still do. */
  readonly known: readonly NoteVerifier[];

  /**
   * @param skeys C2SP signed-note signer texts, parted by white space; the newest last
   * @param former vkeys
   * @throws ConfigurationFaulty when there is none, one is malformed, or they are not of one log
   */
  constructor(skeys: string, former: readonly string[] = []) {
    const texts = skeys.split(/\s+/).filter((text) => text !== '');
    const parse = <T>(variable: string, read: () => T): T => {
      try {
        return read();
      } catch (error) {
        if (error instanceof TlogError) throw new ConfigurationFaulty([`${variable}: ${error.message}`]);
        throw error;
      }
    };
    this.signers = parse('LOG_SIGNING_KEY', () => texts.map(parseSigner));
    this.signing = texts.map(verifierOf);
    const others = parse('LOG_FORMER_KEYS', () => former.map(parseVerifier));
    this.known = [...this.signing, ...others.filter(({ vkey }) => !this.signing.some((key) => key.vkey === vkey))];
    const origin = this.signers[0]?.name;
    if (origin === undefined) throw new ConfigurationFaulty(['LOG_SIGNING_KEY: holds no key']);
    const stranger = this.known.find(({ name }) => name !== origin);
    if (stranger !== undefined)
      throw new ConfigurationFaulty([`LOG_SIGNING_KEY, LOG_FORMER_KEYS: ${stranger.name} is another log than ${origin}`]);
    if (new Set(texts).size !== texts.length) throw new ConfigurationFaulty(['LOG_SIGNING_KEY: holds one key twice']);
    this.origin = origin;
  }

  /** The signed note. C2SP tlog-checkpoint */
  sign(tree: Omit<Checkpoint, 'origin'>): string {
    return signNote(formatCheckpoint({ origin: this.origin, ...tree }), ...this.signers);
  }

  /** @throws TlogError unless a key of this log signed it, and every signature of one verifies */
  open(note: string): Checkpoint & { readonly note: string } {
    return openCheckpoint(note, this.known);
  }
}
