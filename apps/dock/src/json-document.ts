import * as z from 'zod/mini';

/** What a person wrote, or one sentence for each thing that is wrong with it. */
export type Read<T> = { readonly value: T; readonly faults?: never } | { readonly faults: readonly string[] };

const MOST_FAULTS = 15;

/**
 * Reads JSON text under a schema. The sentences name fields and never what stands in them: it may be a badge or a place, and they end in logs.
 * @param strange the rest of the sentence `"oficer" …` about a field that the schema does not have
 */
export function readDocument<T>(schema: z.core.$ZodType<T>, text: string, strange: string): Read<T> {
  const parsed = parse(text);
  if (parsed.faults !== undefined) return parsed;
  const { value } = parsed;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { faults: ['it is not a JSON object'] };
  return checkDocument(schema, value, strange);
}

/** As `readDocument`, for what was parsed already. */
export function checkDocument<T>(schema: z.core.$ZodType<T>, value: object, strange: string): Read<T> {
  // Zod looks past a field of this name, and it is as misspelt as any other
  const proto = Object.hasOwn(value, '__proto__') ? [`"__proto__" ${strange}`] : [];
  const checked = z.safeParse(schema, value);
  if (checked.success && proto.length === 0) return { value: checked.data };
  const issues = checked.success ? [] : checked.error.issues.flatMap((issue) => sentences(issue, strange));
  const faults = [...new Set([...proto, ...issues])];
  const more = faults.length - MOST_FAULTS;
  return { faults: more > 0 ? [...faults.slice(0, MOST_FAULTS), `and ${String(more)} more`] : faults };
}

function parse(text: string): Read<unknown> {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    // The engine's own message quotes the text
    const said = error instanceof Error ? error.message : '';
    const [, position] = / at position (\d+)/.exec(said) ?? [];
    if (/end of JSON|Unterminated/.test(said) || Number(position) >= text.trimEnd().length) {
      return { faults: ['it is not JSON: it ends before it is complete'] };
    }
    return { faults: [`it is not JSON${position === undefined ? '' : `: see character ${position}`}`] };
  }
}

function sentences(issue: z.core.$ZodIssue, strange: string): string[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => `${JSON.stringify([...issue.path, key].join('.').slice(0, 64))} ${strange}`);
  return [`"${issue.path.map(String).join('.')}" ${issue.message}`];
}
