import { useEffect, useRef, type ReactNode, type RefObject } from 'react';
import { zoneAt } from './local-time.rules.js';
import { guardOverlay } from './player-overlay-guard.js';
import { overlayLines, pictureIn, placeAt } from './player-overlay.rules.js';

const EVERY_MS = 200;
/** Pixels: beside a picture narrower than this there is black for the rest. */
const NARROWEST = 140;

/**
 * Who watches, when and in which viewing, moving through the picture.
 * @param stage what it has to stay in
 * @param video in the stage
 * @param onBreach it was removed or hidden
 */
export function PlayerOverlay({
  stage,
  video,
  viewer,
  viewing,
  onBreach,
}: {
  readonly stage: RefObject<HTMLElement | null>;
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly viewer: string;
  readonly viewing: string;
  readonly onBreach: () => void;
}): ReactNode {
  const overlay = useRef<HTMLDivElement>(null);
  const breached = useRef(onBreach);
  breached.current = onBreach;

  useEffect(() => {
    const [area, box] = [stage.current, overlay.current];
    if (area === null || box === null) return;
    // Elsewhere in every viewing.
    const began = Math.random() * 3_600_000 - performance.now();
    let said = '';
    const write = (lines: readonly string[]): void => {
      said = lines.join('');
      box.replaceChildren(
        ...lines.map((line) => {
          const element = document.createElement('div');
          element.textContent = line;
          return element;
        }),
      );
    };
    const move = (): void => {
      const now = new Date();
      const lines = overlayLines(viewer, viewing, now, zoneAt(now.getTime()));
      if (lines.join('') !== said) write(lines);
      const size = { width: video.current?.videoWidth ?? 0, height: video.current?.videoHeight ?? 0 };
      const room = { width: area.clientWidth, height: area.clientHeight };
      const picture = pictureIn(room, size);
      const width = Math.min(room.width, Math.max(picture.width, NARROWEST));
      box.style.maxWidth = `${width}px`;
      const { x, y } = placeAt(performance.now() + began);
      const left = picture.left + (picture.width - width) / 2 + x * (width - box.offsetWidth);
      const top = picture.top + y * (picture.height - box.offsetHeight);
      // Whole pixels stay sharp. In a picture lower than the overlay it still does not leave the room.
      box.style.left = `${Math.max(0, Math.round(left))}px`;
      box.style.top = `${Math.max(0, Math.round(Math.min(top, room.height - box.offsetHeight)))}px`;
    };
    move();
    const timer = setInterval(move, EVERY_MS);
    const endWatch = guardOverlay(area, box, { said: () => said, settle: move, onBreach: () => breached.current() });
    return () => {
      clearInterval(timer);
      endWatch();
    };
  }, [stage, video, viewer, viewing]);

  // Said once, in words, beside the picture: a clock that is read out every second would drown everything else.
  return <div ref={overlay} className="player-overlay" data-testid="overlay" aria-hidden />;
}
