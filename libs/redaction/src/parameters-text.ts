/** What the tool was given, as it is kept, hashed and handed to an expert: one argument per line. */
export function parametersText(parameters: readonly string[] | string | undefined): string | null {
  if (parameters === undefined) return null;
  return typeof parameters === 'string' ? parameters : `${parameters.join('\n')}\n`;
}
