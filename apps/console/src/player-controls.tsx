import { Button, NativeSelect } from '@mantine/core';
import { useState, type ReactNode, type RefObject } from 'react';
import type { PlayerState } from './player-state.js';
import { PlayerStill } from './player-stills.js';
import { placeAsHeard, placeInWords } from './viewing-words.rules.js';

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** What is done with the picture, by pointer and by keyboard. Our own, since those of a browser would show the picture without its overlay. */
export function PlayerControls({
  video,
  state,
  sprite,
  fullscreen,
  onPlay,
  onFullscreen,
}: {
  readonly video: RefObject<HTMLVideoElement | null>;
  readonly state: PlayerState;
  /** Address of the seek bar's stills, where there are any. */
  readonly sprite: string | null;
  readonly fullscreen: boolean;
  readonly onPlay: () => void;
  readonly onFullscreen: () => void;
}): ReactNode {
  const { atMs, lengthMs, paused, ended, muted, volume, speed } = state;
  const [pointed, setPointed] = useState<number>();
  // Nobody who does not point at the bar is sent its stills.
  const [wanted, setWanted] = useState(false);
  const change = (to: (element: HTMLVideoElement) => void): void => {
    if (video.current !== null) to(video.current);
  };
  return (
    <div className="player-controls">
      <div
        className="player-bar"
        onPointerMove={({ clientX, currentTarget }) => {
          const { left, width } = currentTarget.getBoundingClientRect();
          setWanted(true);
          setPointed(Math.min(1, Math.max(0, (clientX - left) / width)));
        }}
        onPointerLeave={() => setPointed(undefined)}
      >
        {wanted && sprite !== null && lengthMs > 0 && <PlayerStill track={sprite} lengthMs={lengthMs} part={pointed} />}
        <input
          type="range"
          aria-label="Place in the recording"
          aria-valuetext={`${placeAsHeard(atMs)} of ${placeAsHeard(lengthMs)}`}
          min={0}
          max={Math.max(1, lengthMs)}
          step={100}
          value={atMs}
          disabled={lengthMs === 0}
          onChange={({ currentTarget }) => change((element) => (element.currentTime = Number(currentTarget.value) / 1000))}
        />
      </div>
      <div className="player-buttons">
        <Button size="xs" onClick={onPlay} className="player-play">
          {paused ? (ended ? 'Play again' : 'Play') : 'Pause'}
        </Button>
        <span className="player-time">
          {placeInWords(atMs)} / {placeInWords(lengthMs)}
        </span>
        <span className="player-sound">
          <Button size="xs" variant="default" aria-pressed={muted} onClick={() => change((element) => (element.muted = !muted))}>
            {muted ? 'Sound on' : 'Mute'}
          </Button>
          <input
            type="range"
            aria-label="Volume"
            data-player-own-keys
            aria-valuetext={`${Math.round((muted ? 0 : volume) * 100)} percent`}
            min={0}
            max={1}
            step={0.05}
            value={muted ? 0 : volume}
            onChange={({ currentTarget }) =>
              change((element) => {
                element.volume = Number(currentTarget.value);
                element.muted = element.volume === 0;
              })
            }
          />
        </span>
        <NativeSelect
          size="xs"
          aria-label="Speed"
          data-player-own-keys
          className="player-speed"
          value={String(speed)}
          onChange={({ currentTarget }) => change((element) => (element.playbackRate = Number(currentTarget.value)))}
          data={SPEEDS.map((each) => ({ value: String(each), label: `${each}×` }))}
        />
        {document.fullscreenEnabled && (
          <Button size="xs" variant="default" onClick={onFullscreen}>
            {fullscreen ? 'Leave full screen' : 'Full screen'}
          </Button>
        )}
      </div>
    </div>
  );
}
