import { shortId } from './viewing-words.rules.js';

/** Where the overlay is, as parts of the room it has: 0 is the left or upper edge of the picture, 1 the right or lower. */
export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Seconds for once there and back. Their ratio is near the golden one, so that the path crosses itself evenly and repeats only after an hour. */
const ACROSS_S = 61;
const DOWN_S = 37.7;

/** Moves at a constant pace, slow enough to read, and comes by every part of the picture. @param ms since any beginning */
export function placeAt(ms: number): Place {
  return { x: thereAndBack(ms / 1000 / ACROSS_S), y: thereAndBack(ms / 1000 / DOWN_S + 0.15) };
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Where a picture lies that is fitted into a room, without being cut: in the middle of it. A picture of which nothing is known yet fills the room. */
export function pictureIn(room: Size, picture: Size): Size & { readonly left: number; readonly top: number } {
  if (picture.width <= 0 || picture.height <= 0) return { ...room, left: 0, top: 0 };
  const ratio = Math.min(room.width / picture.width, room.height / picture.height);
  const [width, height] = [picture.width * ratio, picture.height * ratio];
  return { width, height, left: (room.width - width) / 2, top: (room.height - height) / 2 };
}

function thereAndBack(turns: number): number {
  const part = turns - Math.floor(turns);
  return part < 0.5 ? 2 * part : 2 - 2 * part;
}

/**
 * What stands in the picture: who, when here and in UTC, and in which viewing.
 * @param viewer name and badge, as the service says them
 * @param zone of the browser, as `zoneAt` says it
 */
export function overlayLines(viewer: string, viewing: string, at: Date, zone: string): readonly [string, string, string] {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const local = `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  const utc = `${at.toISOString().slice(0, 19)}Z`;
  return [viewer, zone === 'UTC' ? utc : `${local} ${zone}`, `${zone === 'UTC' ? '' : `${utc} · `}viewing ${shortId(viewing)}`];
}
