import { readReport } from './ffprobe-report.js';
import type { FfprobeReport } from './ffprobe-report.js';

const picture = {
  codec_type: 'video',
  codec_name: 'h264',
  width: 1920,
  height: 1080,
  pix_fmt: 'yuv420p',
  avg_frame_rate: '30000/1001',
};
const report = (...streams: FfprobeReport['streams'] & object): FfprobeReport => ({
  format: { format_name: 'mov,mp4', duration: '12.345678', tags: { title: 'BWC-1' } },
  program_version: { version: '5.1.9' },
  streams,
});

describe('readReport', () => {
  it('gives picture, sound, tags and length in whole milliseconds', () => {
    const sound = { codec_type: 'audio', codec_name: 'aac', channels: 2, sample_rate: '48000' };
    expect(readReport(report({ ...picture, nb_frames: '370' }, sound))).toEqual({
      container: 'mov,mp4',
      durationMs: 12346,
      video: {
        codec: 'h264',
        width: 1920,
        height: 1080,
        frameRate: '30000/1001',
        rotation: 0,
        pixelFormat: 'yuv420p',
        frames: 370,
      },
      audio: { codec: 'aac', channels: 2, sampleRate: 48000 },
      tags: { title: 'BWC-1' },
      tool: 'ffprobe 5.1.9',
    });
  });

  it.each([
    [-90, 90, 1080, 1920],
    [90, 270, 1080, 1920],
    [180, 180, 1920, 1080],
    [-180, 180, 1920, 1080],
    [0, 0, 1920, 1080],
  ])('turns a display matrix of %i° into %i° clockwise and the size a viewer sees', (matrix, rotation, width, height) => {
    const video = readReport(report({ ...picture, side_data_list: [{}, { rotation: matrix }] }))?.video;
    expect(video).toMatchObject({ rotation, width, height });
  });

  it('believes the rotate tag of older files', () => {
    expect(readReport(report({ ...picture, tags: { rotate: '90' } }))?.video.rotation).toBe(90);
  });

  it('does not take cover art for the picture', () => {
    const cover = { codec_type: 'video', codec_name: 'mjpeg', width: 100, height: 100, disposition: { attached_pic: 1 } };
    expect(readReport(report(cover))).toBeNull();
    expect(readReport(report(cover, picture))?.video.codec).toBe('h264');
  });

  it('leaves the length open where the container states none', () => {
    expect(readReport({ ...report(picture), format: { format_name: 'matroska' } })?.durationMs).toBeUndefined();
  });

  it('finds no picture in a report without streams', () => {
    expect(readReport({})).toBeNull();
  });
});
