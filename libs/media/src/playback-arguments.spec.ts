import { playbackOutputs, playbackRate, playbackSize, readPlaylist } from './playback-arguments.js';

describe('playbackSize', () => {
  it.each([
    [1920, 1080, 1280, 720],
    [1280, 720, 1280, 720],
    [640, 360, 640, 360],
    [1080, 1920, 720, 1280],
    [720, 1280, 720, 1280],
    [321, 241, 320, 240],
    [3840, 1080, 1280, 360],
    [1440, 1080, 960, 720],
    [1, 1, 2, 2],
  ])('brings %i×%i to %i×%i', (width, height, w, h) => {
    expect(playbackSize(width, height)).toEqual({ width: w, height: h });
  });
});

describe('playbackRate', () => {
  it.each([
    ['30/1', '30/1'],
    ['30000/1001', '30000/1001'],
    ['24000/1001', '24000/1001'],
    ['25/1', '25/1'],
    ['60/1', '60/1'],
    ['1710/89', '30'],
    ['4171/90', '60'],
    ['120/1', '60'],
    ['0/0', '30'],
  ])('plays %s at %s', (source, rate) => {
    expect(playbackRate(source)).toBe(rate);
  });
});

describe('playbackOutputs', () => {
  it('reads the source once for the film and the poster, and lets no metadata through', () => {
    const video = { codec: 'h264', width: 1920, height: 1080, frameRate: '30/1', rotation: 0, pixelFormat: 'yuv420p' };
    const outputs = playbackOutputs({ container: 'mov', durationMs: 60_000, video, audio: null, tags: {}, tool: '' });
    expect(outputs).toHaveLength(2);
    const options = outputs[0]?.options.join(' ');
    expect(options).toContain('[0:V:0]scale=1280:720');
    expect(options).toContain('-map_metadata -1');
    expect(options).toContain('-hls_time 4');
    expect(options).toContain('gte(t-prev_selected_t,5.000)');
  });
});

describe('readPlaylist', () => {
  it('gives segments with their lengths and whether the list is complete', () => {
    const text = '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4.004000,\nseg-00000.m4s\r\n#EXTINF:1.5,\nseg-00001.m4s\n';
    const segments = [
      { name: 'seg-00000.m4s', durationMs: 4004 },
      { name: 'seg-00001.m4s', durationMs: 1500 },
    ];
    expect(readPlaylist(text)).toEqual({ segments, ended: false });
    expect(readPlaylist(`${text}#EXT-X-ENDLIST\n`).ended).toBe(true);
  });
});
