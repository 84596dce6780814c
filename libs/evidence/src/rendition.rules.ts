export interface RenditionFacts {
  readonly state: 'pending' | 'ready' | 'failed';
  readonly createdAt: Date;
}

/** Of a recording's renditions the one to play: the newest that is ready, also while a newer recipe's is being made or has failed; else the newest. */
export function currentOf<T extends RenditionFacts>(renditions: readonly T[]): T | null {
  const newestFirst = [...renditions].sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  return newestFirst.find(({ state }) => state === 'ready') ?? newestFirst[0] ?? null;
}

/**
 * Where a rendition's file is stored. The source's version and the recipe decide what is in it, so whoever makes it again writes over the
 * same, and another recipe's are besides.
 */
export function renditionKey(recording: string, versionId: string, recipe: string, name: string): string {
  return `renditions/${recording}/${encodeURIComponent(versionId)}/${recipe}/${name}`;
}
