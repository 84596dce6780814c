/** Open streams a process keeps at most: each holds a connection. */
export const MOST_STREAMS = 512;
/** Of which one person or dock may have so many: a dock needs one, a person one a browser. */
export const MOST_STREAMS_A_CALLER = 16;

export type Admission = 'admitted' | 'caller-has-too-many' | 'full';

/** Whether `caller` may open one more. @param open the callers of the streams that are open, one each */
export function admit(
  caller: string,
  open: readonly string[],
  { streams = MOST_STREAMS, aCaller = MOST_STREAMS_A_CALLER } = {},
): Admission {
  if (open.filter((each) => each === caller).length >= aCaller) return 'caller-has-too-many';
  return open.length >= streams ? 'full' : 'admitted';
}

/** Nothing more happens to an upload in such a state. */
export function isOver(state: string): boolean {
  return state !== 'receiving' && state !== 'sealing';
}
