import { PassThrough } from 'node:stream';
import { playbackOutputs } from './playback-arguments.js';
import type { Probe } from './ffprobe-report.js';

const video = { codec: 'h264', width: 1920, height: 1080, frameRate: '30/1', rotation: 0, pixelFormat: 'yuv420p' };
const audio = { codec: 'aac', channels: 2, sampleRate: 48_000 };
const found: Probe = { container: 'mov', durationMs: 60_000, video, audio, tags: {}, tool: '' };

describe('playbackOutputs', () => {
  it('reads the source once for every size, the poster, the sound and its waveform', () => {
    const flow = new PassThrough();
    const outputs = playbackOutputs(found, flow);
    expect(outputs.map(({ to }) => (to === flow ? 'flow' : to))).toEqual([
      '1080p.m3u8',
      '720p.m3u8',
      '360p.m3u8',
      'poster-%02d.jpg',
      'pictures.gray',
      'sound.m3u8',
      'flow',
    ]);
    const graphs = outputs.flatMap(({ options }) => options.filter((_, at) => options[at - 1] === '-filter_complex'));
    expect(graphs).toHaveLength(2);
    expect(graphs[0]).toContain('[n0]scale=1280:720,split=2[v1][n1];[n1]scale=640:360,split=2[v2][stills]');
    expect(graphs[0]).toContain('gte(t-prev_selected_t,5.000)');
  });

  it('counts the pictures in time with the decoding where there is no sound', () => {
    const flow = new PassThrough();
    const outputs = playbackOutputs({ ...found, audio: null }, flow);
    expect(outputs.map(({ to }) => (to === flow ? 'flow' : to)).slice(3)).toEqual(['poster-%02d.jpg', 'flow']);
  });

  it('lets no metadata through into what is played', () => {
    for (const { options, to } of playbackOutputs(found, new PassThrough()))
      if (typeof to === 'string' && to.endsWith('.m3u8'))
        expect(options.join(' ')).toContain('-sn -dn -map_metadata -1 -map_chapters -1');
  });

  it('takes the streams that the probe found', () => {
    const outputs = playbackOutputs(
      { ...found, video: { ...video, index: 3 }, audio: { ...audio, index: 5 } },
      new PassThrough(),
    );
    expect(outputs[0]?.options.join(' ')).toMatch(/\[0:3\]scale=.*\[0:5\]aresample=/);
  });
});
