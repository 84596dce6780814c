import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The top of the checkout, whether this file runs from `test/` or, compiled, from `dist/test/`. */
export const TOP = nearestPackage(dirname(fileURLToPath(import.meta.url)));

function nearestPackage(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const above = dirname(folder);
  if (above === folder) throw new Error('There is no package.json above the tests.');
  return nearestPackage(above);
}

/** A compiled program of the product, e.g. `apps/api/src/main.js`. */
export function compiled(path: string): string {
  return join(TOP, 'dist', path);
}
