/** What a key does in the player. Milliseconds to go by, or what to do. */
export type KeyStroke =
  | { readonly kind: 'by'; readonly ms: number }
  | { readonly kind: 'play' }
  | { readonly kind: 'mute' }
  | { readonly kind: 'fullscreen' };

const STROKES: Readonly<Record<string, KeyStroke>> = {
  ' ': { kind: 'play' },
  k: { kind: 'play' },
  ArrowLeft: { kind: 'by', ms: -5000 },
  ArrowRight: { kind: 'by', ms: 5000 },
  PageDown: { kind: 'by', ms: -30_000 },
  PageUp: { kind: 'by', ms: 30_000 },
  m: { kind: 'mute' },
  f: { kind: 'fullscreen' },
};

/** @param on what has the focus: a button is pressed by the space bar itself, and volume and speed are changed by the arrows */
export function keyStroke(key: string, on: { readonly button: boolean; readonly ownKeys: boolean }): KeyStroke | undefined {
  if (on.ownKeys || (on.button && key === ' ')) return undefined;
  return Object.hasOwn(STROKES, key) ? STROKES[key] : undefined;
}
