import { bestOf, partsOf, variantsOf } from './playlists.rules.js';

const MULTIVARIANT = `#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",URI="sound.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=5000000,CODECS="avc1.640028,mp4a.40.2",RESOLUTION=1920x1080,AUDIO="sound"
1080p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=3000000,RESOLUTION=1280x720

720p.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=640x360
360p.m3u8
`;
const MEDIA =
  '#EXTM3U\r\n#EXT-X-MAP:URI="720p-init.mp4"\r\n#EXTINF:4.0,\r\n720p-00000.m4s\r\n#EXTINF:2.5,\r\n720p-00001.m4s\r\n#EXT-X-ENDLIST\r\n';

describe('playlists', () => {
  it('tell the picture tracks with their sizes, and not the sound', () => {
    expect(variantsOf(MULTIVARIANT)).toEqual([
      { uri: '1080p.m3u8', width: 1920, height: 1080 },
      { uri: '720p.m3u8', width: 1280, height: 720 },
      { uri: '360p.m3u8', width: 640, height: 360 },
    ]);
    expect(variantsOf(MEDIA)).toBeNull();
  });

  it('tell the init segment and the segments in order', () => {
    expect(partsOf(MEDIA)).toEqual({ init: '720p-init.mp4', segments: ['720p-00000.m4s', '720p-00001.m4s'] });
    expect(partsOf('')).toEqual({ init: null, segments: [] });
  });

  it('offer the smallest track that has lines enough, standing or lying, else the largest', () => {
    const variants = variantsOf(MULTIVARIANT) ?? [];
    expect(bestOf(variants, 720)?.uri).toBe('720p.m3u8');
    expect(bestOf(variants.slice(2), 720)?.uri).toBe('360p.m3u8');
    expect(bestOf([{ uri: 'standing', width: 720, height: 1280 }, ...variants.slice(0, 1)], 720)?.uri).toBe('standing');
    expect(bestOf([], 720)).toBeUndefined();
  });
});
