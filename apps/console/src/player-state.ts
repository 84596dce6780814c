import { useEffect, useState, type RefObject } from 'react';

/** What the controls show of a video element. Times in milliseconds. */
export interface PlayerState {
  readonly atMs: number;
  readonly lengthMs: number;
  readonly paused: boolean;
  readonly ended: boolean;
  /** Wants to play and has nothing to show. */
  readonly waiting: boolean;
  readonly muted: boolean;
  readonly volume: number;
  readonly speed: number;
}

const EVENTS = [
  'timeupdate',
  'durationchange',
  'play',
  'playing',
  'pause',
  'waiting',
  'ended',
  'seeking',
  'seeked',
  'volumechange',
  'ratechange',
  'canplay',
] as const;

export function usePlayerState(video: RefObject<HTMLVideoElement | null>): PlayerState {
  const [state, setState] = useState(() => stateOf(null));
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    const look = (): void => setState(stateOf(element));
    for (const name of EVENTS) element.addEventListener(name, look);
    return () => {
      for (const name of EVENTS) element.removeEventListener(name, look);
    };
  }, [video]);
  return state;
}

function stateOf(video: HTMLVideoElement | null): PlayerState {
  if (video === null)
    return { atMs: 0, lengthMs: 0, paused: true, ended: false, waiting: true, muted: false, volume: 1, speed: 1 };
  return {
    atMs: Math.round(video.currentTime * 1000),
    lengthMs: Number.isFinite(video.duration) ? Math.round(video.duration * 1000) : 0,
    paused: video.paused,
    ended: video.ended,
    waiting: video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA && !video.ended,
    muted: video.muted,
    volume: video.volume,
    speed: video.playbackRate,
  };
}
