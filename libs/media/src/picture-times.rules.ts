/** Containers round to a millisecond (Matroska), and a camera's clock trembles: what is within both is even. */
const TREMBLE_MS = 2;
const TREMBLE_SHARE = 0.1;

/** One gap, or a first picture that comes early, does not make a steady recording an uneven one. */
const UNEVEN_STEPS = 2;
const UNEVEN_SHARE = 0.02;

/** Whether pictures follow each other unevenly. Times in milliseconds, in any order. */
export function unevenTimes(times: readonly number[]): boolean {
  const inOrder = [...times].sort((a, b) => a - b);
  const steps = inOrder.slice(1).map((time, i) => time - (inOrder[i] ?? time));
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)];
  if (usual === undefined) return false;
  const tremble = Math.max(TREMBLE_MS, usual * TREMBLE_SHARE);
  const uneven = steps.filter((step) => Math.abs(step - usual) > tremble).length;
  return uneven >= UNEVEN_STEPS && uneven > steps.length * UNEVEN_SHARE;
}
