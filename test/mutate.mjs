// npm run mutate [-- FILE…]: changes libs/tlog in every small way and sees that its specs notice. Options: "stryker" in package.json.
import { Stryker } from '@stryker-mutator/core';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const LIBRARY = 'libs/tlog/src';
// Starts twenty processes for each byte that it changes, and sees nothing that the other specs do not.
const SLOW = ['by-hand.spec.ts'];

// One file for all specs, since jest would load fast-check and the library anew for each of them, thousands of times. Few runs of each
// property from one seed: quick, and equal sources give an equal score.
const specs = readdirSync(LIBRARY).filter((name) => name.endsWith('.spec.ts') && !SLOW.includes(name));
mkdirSync('reports/mutate', { recursive: true });
writeFileSync(
  'reports/mutate/all.ts',
  specs.map((name) => `await import('../../${LIBRARY}/${name.replace(/ts$/, 'js')}');\n`).join(''),
);
writeFileSync(
  'reports/mutate/fast-check.ts',
  `import * as fc from 'fast-check/real';
const few = (given) => ({ ...given, seed: 1, numRuns: Math.min(25, given?.numRuns ?? 25) });
export default { ...fc, assert: (property, given) => fc.assert(property, few(given)) };
`,
);

const { stryker, jest } = JSON.parse(readFileSync('package.json', 'utf8'));
const config = {
  testMatch: ['<rootDir>/reports/mutate/all.ts'],
  modulePathIgnorePatterns: [],
  moduleNameMapper: {
    '^fast-check$': '<rootDir>/reports/mutate/fast-check.ts',
    '^fast-check/real$': fileURLToPath(import.meta.resolve('fast-check')),
    ...jest.moduleNameMapper,
  },
};
const files = process.argv.slice(2);
const options = { ...stryker, jest: { ...stryker.jest, config }, ...(files.length === 0 ? {} : { mutate: files }) };
await new Stryker(options).runMutationTest();
