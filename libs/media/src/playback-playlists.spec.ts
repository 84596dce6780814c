import fc from 'fast-check';
import { bitRates, mediaPlaylist, multivariantPlaylist, readPlaylist, spriteTrack } from './playback-playlists.js';

const segment = (name: string, durationMs: number, bytes: number): { name: string; durationMs: number; bytes: number } => ({
  name,
  durationMs,
  bytes,
});

describe('bitRates', () => {
  it('does not take a last segment of a few frames for a peak', () => {
    expect(bitRates([segment('a', 4000, 500_000), segment('b', 100, 100_000)])).toEqual({ peak: 1_170_732, average: 1_170_732 });
  });

  it('is never below the average, and whole', () => {
    const any = fc.record({ name: fc.constant('s'), durationMs: fc.integer({ min: 1, max: 5000 }), bytes: fc.nat(10_000_000) });
    fc.assert(
      fc.property(fc.array(any, { maxLength: 40 }), (segments) => {
        const { peak, average } = bitRates(segments);
        expect(peak).toBeGreaterThanOrEqual(average);
        expect(Number.isSafeInteger(peak) && Number.isSafeInteger(average)).toBe(true);
      }),
    );
  });
});

describe('playlists', () => {
  const segments = [segment('720p-00000.m4s', 4004, 1000), segment('720p-00001.m4s', 1500, 500)];

  it('list every segment with its length, and say that they are complete', () => {
    const text = mediaPlaylist('720p-init.mp4', segments);
    expect(text).toContain('#EXT-X-TARGETDURATION:4\n');
    expect(text).toContain('#EXT-X-MAP:URI="720p-init.mp4"\n#EXTINF:4.004000,\n720p-00000.m4s\n#EXTINF:1.500000,\n');
    expect(readPlaylist(text)).toEqual({ names: ['720p-00000.m4s', '720p-00001.m4s'], ended: true });
    expect(readPlaylist(text.replace('#EXT-X-ENDLIST\n', '')).ended).toBe(false);
  });

  it('offer sizes with the sound of all beside them', () => {
    const picture = { name: '720p', codec: 'avc1.64001f', width: 1280, height: 720, framesPerSecond: 30_000 / 1001, segments };
    const sound = { name: 'sound', codec: 'mp4a.40.2', channels: 1, segments: [segment('sound-00000.m4s', 5504, 688)] };
    expect(multivariantPlaylist([picture], sound, (track) => `${track}.m3u8`)).toBe(
      [
        '#EXTM3U',
        '#EXT-X-VERSION:7',
        '#EXT-X-INDEPENDENT-SEGMENTS',
        '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,AUTOSELECT=YES,CHANNELS="1",URI="sound.m3u8"',
        '#EXT-X-STREAM-INF:BANDWIDTH=3181,AVERAGE-BANDWIDTH=3181,CODECS="avc1.64001f,mp4a.40.2",RESOLUTION=1280x720,FRAME-RATE=29.970,AUDIO="sound"',
        '720p.m3u8',
        '',
      ].join('\n'),
    );
    expect(multivariantPlaylist([picture], null, (track) => track)).not.toMatch(/AUDIO|mp4a/);
  });

  it('give the stills of a seek bar their times, hours long', () => {
    const still = { fromMs: 3_600_000, toMs: 3_604_500, sheet: 'sprite-036.jpg', x: 160, y: 90, width: 160, height: 90 };
    expect(spriteTrack([still])).toBe('WEBVTT\n\n01:00:00.000 --> 01:00:04.500\nsprite-036.jpg#xywh=160,90,160,90\n');
  });
});
