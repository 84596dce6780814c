import { TlogError } from './tlog-error.js';

/** What our formats may hold: numbers are integers of magnitude below 2^53. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

// Deep enough for every format of ours, and shallow enough that hostile nesting cannot exhaust the stack.
const MAX_DEPTH = 64;
/** Text without anything that JSON escapes: between quotes it is its own canonical form. */
const PLAIN = /^[ !#-[\]-~]*$/;

/**
 * RFC 8785 (JCS) text of a value, restricted to strings, booleans, null, arrays, plain objects and integers of magnitude
 * below 2^53: whatever two implementations could write differently is refused. @throws TlogError 'not-canonical'
 */
export function canonicalize(value: Json): string {
  return write(value, 0);
}

/** The value of a text that is exactly its own canonical form (which also refuses duplicate keys). @throws TlogError 'not-canonical' */
export function parseCanonical(text: string): Json {
  const value = parseJson(text);
  if (canonicalize(value) !== text) throw new TlogError('not-canonical', 'The JSON text is not in canonical form (RFC 8785).');
  return value;
}

/** Any JSON, canonical or not: for who compares the text with what it should be. @throws TlogError 'not-canonical' when it is none */
export function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw new TlogError('not-canonical', 'The text is not JSON.');
  }
}

function write(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TlogError('not-canonical', `The value is nested deeper than ${MAX_DEPTH}.`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return writeString(value);
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      throw new TlogError('not-canonical', `${Object.is(value, -0) ? '-0' : value} is not an integer of magnitude below 2^53.`);
    }
    return String(value);
  }
  if (Array.isArray(value)) return writeList(value, depth);
  if (isPlainObject(value)) return writeObject(value, depth);
  throw new TlogError('not-canonical', `A value of type ${typeof value} has no place in canonical JSON.`);
}

// Texts grow by += here and below: with map and join this took twice as long, and every entry of a log passes here.
function writeList(list: readonly unknown[], depth: number): string {
  let text = '';
  for (const item of list) text += `${text === '' ? '[' : ','}${write(item, depth + 1)}`;
  return text === '' ? '[]' : `${text}]`;
}

function writeObject(object: Readonly<Record<string, unknown>>, depth: number): string {
  let text = '';
  // sort() compares UTF-16 code units, as RFC 8785 §3.2.3 wants; localeCompare would not.
  for (const key of Object.keys(object).sort())
    text += `${text === '' ? '{' : ','}${writeString(key)}:${write(object[key], depth + 1)}`;
  return text === '' ? '{}' : `${text}}`;
}

function writeString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TlogError('not-canonical', 'A string holds a lone surrogate.');
  return JSON.stringify(text);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // Not compared with Object.prototype: another realm (a worker, a test's context) has its own.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
