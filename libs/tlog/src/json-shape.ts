import type { Json } from './canonical-json.js';
import { TlogError, type TlogErrorCode } from './tlog-error.js';

export type JsonObject = { readonly [key: string]: Json };

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const SHA256_HEX = /^[0-9a-f]{64}$/;
// 32 bytes leave two bits of the 43rd digit unused, and they are 0: one text only decodes to given bytes (RFC 4648 §3.5).
const BASE64_HASH = /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/;
const INSTANT = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

/** Reads fields of one kind of document; every refusal names the document and the field. */
export class JsonShape {
  constructor(
    private readonly code: TlogErrorCode,
    private readonly what: string,
  ) {}

  refuse(sentence: string): never {
    throw new TlogError(this.code, `The ${this.what} is malformed: ${sentence}.`);
  }

  /** An object with exactly the required fields, and of the optional ones any. */
  object(value: Json | undefined, required: readonly string[], optional: readonly string[] = []): JsonObject {
    if (typeof value !== 'object' || value === null || isList(value)) return this.refuse('it is not an object');
    for (const key of required) if (!Object.hasOwn(value, key)) this.refuse(`${key} is missing`);
    for (const key of Object.keys(value))
      if (!required.includes(key) && !optional.includes(key)) this.refuse(`${JSON.stringify(key)} is not a field of it`);
    return value;
  }

  list(from: JsonObject, key: string): readonly Json[] {
    const value = from[key];
    return value !== undefined && isList(value) ? value : this.refuse(`${key} is not a list`);
  }

  text(from: JsonObject, key: string, fits: RegExp | ((text: string) => boolean), wanted: string): string {
    const value = from[key];
    const ok = typeof value === 'string' && (fits instanceof RegExp ? fits.test(value) : fits(value));
    return ok ? value : this.refuse(`${key} is not ${wanted}`);
  }

  literal<T extends string | number>(from: JsonObject, key: string, wanted: T): T {
    return from[key] === wanted ? wanted : this.refuse(`${key} is not ${JSON.stringify(wanted)}`);
  }

  integer(from: JsonObject, key: string, least = Number.MIN_SAFE_INTEGER, most = Number.MAX_SAFE_INTEGER): number {
    const value = from[key];
    const isInteger = typeof value === 'number' && Number.isSafeInteger(value) && !Object.is(value, -0);
    const ok = isInteger && value >= least && value <= most;
    return ok ? value : this.refuse(`${key} is not an integer from ${least} to ${most}`);
  }

  flag(from: JsonObject, key: string): boolean {
    const value = from[key];
    return typeof value === 'boolean' ? value : this.refuse(`${key} is not true or false`);
  }

  uuid(from: JsonObject, key: string): string {
    return this.text(from, key, UUID, 'a lowercase UUID');
  }

  sha256(from: JsonObject, key: string): string {
    return this.text(from, key, SHA256_HEX, '64 lowercase hexadecimal digits');
  }

  base64Hash(from: JsonObject, key: string): string {
    return this.text(from, key, BASE64_HASH, '32 bytes in base64');
  }

  /** RFC 3339 in UTC with milliseconds, of a day that exists. */
  instant(from: JsonObject, key: string): string {
    return this.text(from, key, isInstant, 'a UTC time such as 2026-11-20T10:30:00.000Z');
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isInstant(text: string): boolean {
  if (!INSTANT.test(text)) return false;
  // Every month has 28 days. The date parser lets 30 February pass as 1 March.
  return text.slice(8, 10) <= '28' || new Date(text).toISOString() === text;
}
