/**
 * What is tested of one row of the table "Attacks" in libs/tlog/README.md, named by the row's first column. attack-table.spec.ts holds table
 * and tests together.
 */
export function attack(row: string, tests: () => void): void {
  describe(row, tests);
}
