import { Alert, Button, Group, Text } from '@mantine/core';
import { useEffect, useRef, useState, type KeyboardEvent, type ReactNode, type RefObject } from 'react';
import { PlayerControls } from './player-controls.js';
import { keyStroke } from './player-keys.rules.js';
import { PlayerOverlay } from './player-overlay.js';
import { usePlayerState } from './player-state.js';
import { PlayerStream } from './player-stream.js';
import { sentenceOf, type Refused } from './service.js';
import type { OpenedViewing } from './viewing-api.js';
import { whileOpen } from './viewing-leave.js';
import { fromSeconds, merge, type Ranges } from './viewing-played.rules.js';
import { ViewingReporter } from './viewing-reporter.js';

/** Why there is no picture any more. */
export type Ending =
  /** The viewer has had enough. */
  | { readonly kind: 'closed' }
  /** The service says no more. */
  | { readonly kind: 'refused'; readonly refused: Refused }
  /** Somebody took the overlay away, or took the picture out of the page. */
  | { readonly kind: 'overlay' }
  /** The page was left, and came back. */
  | { readonly kind: 'left' };

/**
 * Plays one viewing, says on every second who watches, and tells the service what was played. When it ends the picture goes first: the element is
 * emptied before anybody is told.
 * @param onEnded told once; the reporter is what is left to close the viewing with
 */
export function Player({
  opened,
  name,
  closer,
  onEnded,
}: {
  readonly opened: OpenedViewing;
  readonly name: string;
  /** Is given what ends the viewing because the viewer says so. */
  readonly closer: RefObject<(() => void) | undefined>;
  readonly onEnded: (ending: Ending, reporter: ViewingReporter) => void;
}): ReactNode {
  const whole = useRef<HTMLDivElement>(null);
  const stage = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const state = usePlayerState(video);
  const [fullscreen, setFullscreen] = useState(false);
  const [stalled, setStalled] = useState<{ readonly why: string; readonly trying: boolean }>();
  const stream = useRef<PlayerStream>(undefined);
  const end = useRef<(ending: Ending) => void>(() => undefined);

  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    let over = false;
    const played = new PlayedSpans(element);
    const source = new PlayerStream(element, opened.playlist, {
      onRefused: (refused) => end.current({ kind: 'refused', refused }),
      onStalled: (why, trying) => setStalled({ why: sentenceOf(why), trying }),
      onArrived: () => setStalled(undefined),
    });
    const reporter = new ViewingReporter(
      opened.viewing,
      opened.heartbeatSeconds,
      {
        played: () => played.ranges(),
        fetched: () => source.fetched(),
        speedPercent: () => Math.round(element.playbackRate * 100),
      },
      (refused) => end.current({ kind: 'refused', refused }),
    );
    const leave = async (): Promise<void> => {
      played.ranges();
      source.clear();
      await reporter.leave();
    };
    const unlist = whileOpen(leave);
    const stop = new AbortController();
    const on = { signal: stop.signal };
    end.current = (ending) => {
      if (over) return;
      over = true;
      played.ranges();
      source.clear();
      unlist();
      stop.abort();
      if (document.fullscreenElement !== null) void document.exitFullscreen().catch(() => undefined);
      onEnded(ending, reporter);
    };
    closer.current = () => end.current({ kind: 'closed' });
    stream.current = source;
    element.addEventListener('seeked', () => reporter.seeked(), on);
    element.addEventListener('ratechange', () => reporter.speedChanged(), on);
    // At the end of the recording nobody paused it.
    element.addEventListener('pause', () => !element.ended && reporter.paused(), on);
    // Small windows of a browser's own, and screens elsewhere, have no overlay.
    element.addEventListener('enterpictureinpicture', () => end.current({ kind: 'overlay' }), on);
    document.addEventListener('fullscreenchange', () => keepOverlay(whole.current, setFullscreen, end.current), on);
    const vanish = (): void => {
      played.ranges();
      reporter.vanish();
      source.clear();
    };
    addEventListener('pagehide', vanish, on);
    addEventListener('pageshow', ({ persisted }) => persisted && end.current({ kind: 'left' }), on);
    void source.start();
    return () => {
      if (over) return;
      over = true;
      unlist();
      stop.abort();
      void leave();
    };
    // One viewing is one player; `onEnded` is told of that one.
  }, [opened]);

  const play = (): void => {
    const element = video.current;
    if (element === null) return;
    // Why it does not play is told by what fails, not by the promise.
    if (element.paused) void element.play().catch(() => undefined);
    else element.pause();
  };
  const fill = (): void => {
    void (document.fullscreenElement === null ? whole.current?.requestFullscreen() : document.exitFullscreen())?.catch(
      () => undefined,
    );
  };
  const press = (event: KeyboardEvent<HTMLDivElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey || video.current === null) return;
    const target = event.target as HTMLElement;
    const stroke = keyStroke(event.key, {
      button: target.closest('button') !== null,
      ownKeys: target.closest('[data-player-own-keys]') !== null,
    });
    if (stroke === undefined) return;
    event.preventDefault();
    if (stroke.kind === 'play') play();
    else if (stroke.kind === 'mute') video.current.muted = !video.current.muted;
    else if (stroke.kind === 'fullscreen') fill();
    else if (state.lengthMs > 0) video.current.currentTime = Math.max(0, video.current.currentTime + stroke.ms / 1000);
  };

  return (
    <div ref={whole} className="player" role="group" aria-label={`Player: ${name}`} onKeyDown={press}>
      <div ref={stage} className="player-stage" onContextMenu={(event) => event.preventDefault()}>
        <video
          ref={video}
          aria-label={name}
          poster={opened.poster}
          playsInline
          disablePictureInPicture
          disableRemotePlayback
          preload="auto"
          onClick={play}
        />
        {state.waiting && stalled === undefined && (
          <span className="player-loading" role="status">
            Loading
          </span>
        )}
        <PlayerOverlay
          stage={stage}
          video={video}
          viewer={opened.overlay.viewer}
          viewing={opened.viewing}
          onBreach={() => end.current({ kind: 'overlay' })}
        />
      </div>
      {stalled !== undefined && (
        <Alert role="alert" color="red">
          <Group gap="sm">
            <Text size="sm">
              {stalled.why} {stalled.trying && 'Trying again.'}
            </Text>
            {!stalled.trying && (
              <Button
                size="xs"
                onClick={() => {
                  setStalled(undefined);
                  stream.current?.tryAgain();
                }}
              >
                Try again
              </Button>
            )}
          </Group>
        </Alert>
      )}
      <PlayerControls
        video={video}
        state={state}
        sprite={opened.sprite}
        fullscreen={fullscreen}
        onPlay={play}
        onFullscreen={fill}
      />
    </div>
  );
}

/** A picture that fills the screen does so with its overlay: some browsers have ways of their own to enlarge the picture alone. */
function keepOverlay(whole: HTMLElement | null, set: (fullscreen: boolean) => void, end: (ending: Ending) => void): void {
  const { fullscreenElement } = document;
  set(fullscreenElement !== null && fullscreenElement === whole);
  if (whole !== null && fullscreenElement !== null && fullscreenElement !== whole && whole.contains(fullscreenElement))
    end({ kind: 'overlay' });
}

/** What an element played, remembered beyond its being emptied. */
class PlayedSpans {
  private known: Ranges = [];

  constructor(private readonly video: HTMLVideoElement) {}

  ranges(): Ranges {
    const { played } = this.video;
    const now = Array.from({ length: played.length }, (_, i) => [played.start(i), played.end(i)] as const);
    this.known = merge([...this.known, ...fromSeconds(now)]);
    return this.known;
  }
}
