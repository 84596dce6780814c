import { base64, fromBase64, fromDecimal } from './encodings.js';
import type { Hash } from './merkle.js';
import { TlogError } from './tlog-error.js';

/** An inclusion proof with the signed checkpoint it leads to. C2SP tlog-proof */
export interface TlogProof {
  readonly index: bigint;
  readonly hashes: readonly Hash[];
  /** The checkpoint note, verbatim. */
  readonly checkpoint: string;
  /** Not covered by any signature: never to be trusted. */
  readonly extra?: Uint8Array;
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
const MAX_HASHES = 64;

/** @throws TlogError */
export function formatProof(proof: TlogProof): string {
  const lines = [
    FIRST_LINE,
    ...(proof.extra === undefined ? [] : [`extra ${base64(proof.extra)}`]),
    `index ${proof.index}`,
    ...proof.hashes.map(base64),
  ];
  const text = `${lines.join('\n')}\n\n${proof.checkpoint}`;
  parseProof(text);
  return text;
}

/** Takes a proof apart; verifying it is up to `openCheckpoint` and `verifyInclusion`. @throws TlogError */
export function parseProof(text: string): TlogProof {
  const blank = text.indexOf('\n\n');
  const [first, ...lines] = text.slice(0, Math.max(blank, 0)).split('\n');
  const checkpoint = text.slice(blank + 2);
  if (first !== FIRST_LINE || checkpoint === '') {
    throw new TlogError('proof-malformed', `A proof begins with the line ${FIRST_LINE} and ends with a checkpoint.`);
  }
  const extra = lines[0]?.startsWith('extra ') ? fromBase64(lines.shift()?.slice('extra '.length) ?? '') : undefined;
  if (extra?.length === 0) throw new TlogError('proof-malformed', 'The line for extra data is there without any.');
  const index = lines.shift();
  if (!index?.startsWith('index ')) throw new TlogError('proof-malformed', 'The index line is missing.');
  if (lines.length > MAX_HASHES) throw new TlogError('proof-malformed', `A proof has at most ${MAX_HASHES} hashes.`);
  return {
    index: fromDecimal(index.slice('index '.length)),
    hashes: lines.map((line) => fromBase64(line, 32)),
    checkpoint,
    ...(extra === undefined ? {} : { extra }),
  };
}
