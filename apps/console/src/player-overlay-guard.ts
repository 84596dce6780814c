const EVERY_MS = 500;
const LEAST_WIDTH = 40;
const LEAST_HEIGHT = 10;
/** Pixels: edges are rounded while it moves. */
const SLACK = 3;

/**
 * Watches over the overlay for as long as there is a picture. It keeps honest people honest: whoever changes the program itself, or points a
 * camera at the screen, is not stopped by it, and is known by what the service delivered.
 * @param said the text that stands in it now
 * @param settle puts it where it belongs now: a window that was made smaller a moment ago is nobody's fault
 * @param onBreach is told once that the overlay is gone, hidden, empty or out of the picture
 * @returns what ends the watch
 */
export function guardOverlay(
  stage: HTMLElement,
  overlay: HTMLElement,
  { said, settle, onBreach }: { readonly said: () => string; readonly settle: () => void; readonly onBreach: () => void },
): () => void {
  const demand = (whole: boolean): void => {
    if (whole) return;
    end();
    onBreach();
  };
  const isWhole = (): boolean => isSeen(stage, overlay) && overlay.textContent === said();
  const observer = new MutationObserver(() => demand(isWhole()));
  // Its parent with it: whatever is put over it, or takes it away, changes one of these.
  observer.observe(stage, { attributes: true, childList: true, subtree: true, characterData: true });
  // Style sheets change how it looks, and no element.
  const timer = setInterval(() => {
    settle();
    demand(isWhole() && isInside(stage, overlay));
  }, EVERY_MS);
  const end = (): void => {
    observer.disconnect();
    clearInterval(timer);
  };
  return end;
}

function isSeen(stage: HTMLElement, overlay: HTMLElement): boolean {
  if (!stage.isConnected || !stage.contains(overlay)) return false;
  for (let at: HTMLElement | null = overlay; at !== null && at !== stage.parentElement; at = at.parentElement) {
    const { display, visibility, opacity, clipPath, filter } = getComputedStyle(at);
    if (display === 'none' || visibility !== 'visible' || Number(opacity) < 0.9) return false;
    if (clipPath !== 'none' || filter !== 'none') return false;
  }
  return !/^rgba\(.*, 0(\.\d+)?\)$/.test(getComputedStyle(overlay).color);
}

function isInside(stage: HTMLElement, overlay: HTMLElement): boolean {
  const [box, room] = [overlay.getBoundingClientRect(), stage.getBoundingClientRect()];
  return (
    box.width >= LEAST_WIDTH &&
    box.height >= LEAST_HEIGHT &&
    box.left >= room.left - SLACK &&
    box.top >= room.top - SLACK &&
    box.right <= room.right + SLACK &&
    box.bottom <= room.bottom + SLACK
  );
}
