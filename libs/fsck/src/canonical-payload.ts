import { parseCanonical, TlogError } from '#tlog';

// As libs/tlog's canonical form, which bounds the nesting.
const MAX_DEPTH = 64;
// Whatever needs an escape, or is one. The controls from U+007F on need none, and are for the strict reader all the same.
const ESCAPED = /[\\\p{Cc}]/u;
const ATOM = /null|true|false|0|-?[1-9][0-9]{0,14}/y;

/**
 * Whether a text is canonical JSON (libs/tlog/README.md, "Conventions"). A commitment that fits a text that is none was made by nobody of ours,
 * and no evidence bundle with it verifies. Texts without escapes and long numbers, which nearly all are, are recognised as they stand: to parse
 * and write each again took as long as all else that is done with an entry. Whatever is not recognised the strict reader judges.
 */
export function isCanonical(text: string): boolean {
  return new Recogniser(text).isPlain() || isStrictlyCanonical(text);
}

class Recogniser {
  private at = 0;

  constructor(private readonly text: string) {}

  isPlain(): boolean {
    return !ESCAPED.test(this.text) && this.text.isWellFormed() && this.value(0) && this.at === this.text.length;
  }

  private value(depth: number): boolean {
    if (depth > MAX_DEPTH) return false;
    if (this.sees('"')) return this.string();
    if (this.sees('{')) return this.object(depth);
    if (this.sees('[')) return this.list(depth);
    ATOM.lastIndex = this.at;
    if (!ATOM.test(this.text)) return false;
    this.at = ATOM.lastIndex;
    return true;
  }

  private object(depth: number): boolean {
    if (this.skips('{}')) return true;
    let before: string | undefined;
    do {
      const start = (this.at += 1);
      if (!this.sees('"') || !this.string()) return false;
      const name = this.text.substring(start + 1, this.at - 1);
      // Compares UTF-16 code units, as RFC 8785 §3.2.3 wants.
      if (before !== undefined && before >= name) return false;
      before = name;
      if (!this.skips(':') || !this.value(depth + 1)) return false;
    } while (this.sees(','));
    return this.skips('}');
  }

  private list(depth: number): boolean {
    if (this.skips('[]')) return true;
    do {
      this.at += 1;
      if (!this.value(depth + 1)) return false;
    } while (this.sees(','));
    return this.skips(']');
  }

  private string(): boolean {
    this.at = this.text.indexOf('"', this.at + 1) + 1;
    return this.at > 0;
  }

  private sees(character: string): boolean {
    return this.text[this.at] === character;
  }

  private skips(characters: string): boolean {
    if (!this.text.startsWith(characters, this.at)) return false;
    this.at += characters.length;
    return true;
  }
}

function isStrictlyCanonical(text: string): boolean {
  try {
    parseCanonical(text);
    return true;
  } catch (error) {
    if (error instanceof TlogError) return false;
    throw error;
  }
}
