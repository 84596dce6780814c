import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';
import { InvalidRequest } from '#platform';

/** Deeper than any body of ours, and shallow enough that hostile nesting cannot exhaust the stack. */
const MOST_LEVELS = 64;

/**
 * Refuses at the door what has no place in PostgreSQL text or in canonical JSON: a NUL character, half of a surrogate pair, minus zero.
 * A schema lets them pass, and further in they would be a failure of ours.
 */
@Injectable()
export class StorableInput implements PipeTransform {
  transform(value: unknown, { type, data }: ArgumentMetadata): unknown {
    // The caller and the like are made here, not sent.
    if (type !== 'custom') check(value, data === undefined ? [] : [data]);
    return value;
  }
}

function check(value: unknown, path: readonly string[]): void {
  const fault = faultOf(value) ?? (path.length > MOST_LEVELS ? 'is nested too deeply' : undefined);
  if (fault !== undefined) throw new InvalidRequest([{ path: path.length === 0 ? 'body' : path.join('.'), message: fault }]);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [name, member] of Object.entries(value)) {
    check(name, path);
    check(member, [...path, name]);
  }
}

function faultOf(value: unknown): string | undefined {
  if (typeof value === 'number') return Object.is(value, -0) ? 'is minus zero' : undefined;
  if (typeof value !== 'string') return undefined;
  if (value.includes('\0')) return 'holds a NUL character';
  return value.isWellFormed() ? undefined : 'holds half of a surrogate pair';
}
