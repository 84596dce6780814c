export interface Finding {
  /** Where, e.g. `entry 17`, `checkpoint 40`, `tile 0/0`, `mirror checkpoint/…`. */
  readonly where: string;
  readonly what: string;
}

const MOST_KEPT = 100;

/** What differs. All of it is counted, and the beginning kept: a log that was rewritten differs in every line. */
export class Findings {
  readonly kept: Finding[] = [];
  count = 0;
  private lowest: { readonly entry: bigint; readonly finding: Finding } | undefined;

  /** @param entry index of the entry that differs, where it is known */
  add(where: string, what: string, entry?: bigint): void {
    const finding = { where, what };
    this.count += 1;
    if (this.kept.length < MOST_KEPT) this.kept.push(finding);
    if (entry !== undefined && (this.lowest === undefined || entry < this.lowest.entry)) this.lowest = { entry, finding };
  }

  addEntry(entry: bigint, what: string): void {
    this.add(`entry ${entry}`, what, entry);
  }

  /** The first entry that differs; what else was found first when no entry does. */
  get first(): Finding | undefined {
    return this.lowest?.finding ?? this.kept[0];
  }
}
