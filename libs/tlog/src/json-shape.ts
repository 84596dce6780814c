import type { Json } from './canonical-json.js';
import { fromBase64 } from './encodings.js';
import { TlogError, type TlogErrorCode } from './tlog-error.js';

export type JsonObject = { readonly [key: string]: Json };

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
export const SHA256_HEX = /^[0-9a-f]{64}$/;
const INSTANT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

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
    const missing = required.find((key) => !Object.hasOwn(value, key));
    if (missing !== undefined) this.refuse(`${missing} is missing`);
    const unknown = Object.keys(value).find((key) => !required.includes(key) && !optional.includes(key));
    if (unknown !== undefined) this.refuse(`${JSON.stringify(unknown)} is not a field of it`);
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

  integer(from: JsonObject, key: string, least: number = Number.MIN_SAFE_INTEGER): number {
    const value = from[key];
    const ok = typeof value === 'number' && Number.isSafeInteger(value) && value >= least;
    return ok ? value : this.refuse(`${key} is not an integer of at least ${least}`);
  }

  uuid(from: JsonObject, key: string): string {
    return this.text(from, key, UUID, 'a lowercase UUID');
  }

  sha256(from: JsonObject, key: string): string {
    return this.text(from, key, SHA256_HEX, '64 lowercase hexadecimal digits');
  }

  base64Hash(from: JsonObject, key: string): string {
    return this.text(from, key, isBase64Hash, '32 bytes in base64');
  }

  /** RFC 3339 in UTC with milliseconds, of a day that exists. */
  instant(from: JsonObject, key: string): string {
    return this.text(from, key, isInstant, 'a UTC time such as 2026-11-20T10:30:00.000Z');
  }
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isBase64Hash(text: string): boolean {
  try {
    fromBase64(text, 32);
    return true;
  } catch {
    return false;
  }
}

function isInstant(text: string): boolean {
  if (!INSTANT.test(text)) return false;
  const time = new Date(text);
  // The date parser lets 30 February pass as 1 March.
  return !Number.isNaN(time.getTime()) && time.toISOString() === text;
}
