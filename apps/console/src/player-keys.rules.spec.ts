import { keyStroke } from './player-keys.rules.js';

const PICTURE = { button: false, ownKeys: false };

describe('the keys of the player', () => {
  it('play, go by seconds, mute and fill the screen', () => {
    expect(keyStroke(' ', PICTURE)).toEqual({ kind: 'play' });
    expect(keyStroke('ArrowLeft', PICTURE)).toEqual({ kind: 'by', ms: -5000 });
    expect(keyStroke('f', PICTURE)).toEqual({ kind: 'fullscreen' });
    expect(keyStroke('constructor', PICTURE)).toBeUndefined();
  });

  it('leave to a button and to a field what is theirs', () => {
    expect(keyStroke(' ', { button: true, ownKeys: false })).toBeUndefined();
    expect(keyStroke('k', { button: true, ownKeys: false })).toEqual({ kind: 'play' });
    expect(keyStroke('ArrowLeft', { button: false, ownKeys: true })).toBeUndefined();
  });
});
