import { useEffect, useRef, useState, type ReactNode } from 'react';
import { stillAt, stillsIn, type Still } from './player-stills.rules.js';
import { placeInWords } from './viewing-words.rules.js';

const WIDTH = 160;

/**
 * The still of the place that the pointer is over. The sheets are fetched when there is something to show, each once, and are on record like all
 * that is sent in a viewing.
 * @param track address of the WebVTT
 * @param part where the pointer is on the bar, from 0 to 1; undefined while it is elsewhere
 */
export function PlayerStill({
  track,
  lengthMs,
  part,
}: {
  readonly track: string;
  readonly lengthMs: number;
  readonly part: number | undefined;
}): ReactNode {
  const atMs = (part ?? 0) * lengthMs;
  const [stills, setStills] = useState<readonly Still[]>([]);
  const canvas = useRef<HTMLCanvasElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const sheets = useRef(new Map<string, HTMLImageElement>());

  useEffect(() => {
    const stop = new AbortController();
    fetch(track, { credentials: 'same-origin', cache: 'no-store', signal: stop.signal }).then(
      async (answer) => {
        if (answer.ok) setStills(stillsIn(await answer.text()));
      },
      // The bar works without its stills.
      () => undefined,
    );
    return () => stop.abort();
  }, [track]);

  const still = stillAt(stills, atMs);
  useEffect(() => {
    const to = canvas.current;
    if (still === undefined || to === null) return;
    const image = sheets.current.get(still.sheet) ?? new Image();
    let current = true;
    const draw = (): void => {
      if (!current || image.naturalWidth === 0) return;
      [to.width, to.height] = [still.width, still.height];
      to.getContext('2d')?.drawImage(image, still.x, still.y, still.width, still.height, 0, 0, still.width, still.height);
    };
    if (sheets.current.has(still.sheet)) draw();
    else {
      sheets.current.set(still.sheet, image);
      image.src = track.replace(/[^/]+$/, still.sheet);
    }
    image.addEventListener('load', draw);
    return () => {
      current = false;
      image.removeEventListener('load', draw);
    };
  }, [still, track]);
  useEffect(() => {
    // By the element's own style: the content security policy refuses a style attribute.
    if (box.current !== null && part !== undefined)
      box.current.style.left = `clamp(0px, ${part * 100}% - ${WIDTH / 2}px, 100% - ${WIDTH}px)`;
  }, [part]);

  return (
    <div ref={box} className="player-still" hidden={part === undefined} aria-hidden>
      {still !== undefined && <canvas ref={canvas} width={WIDTH} height={90} />}
      <span>{placeInWords(atMs)}</span>
    </div>
  );
}
