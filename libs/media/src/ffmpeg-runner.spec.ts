import { withoutPaths } from './ffmpeg-runner.js';

describe('withoutPaths', () => {
  it('takes the server’s folders out of what ffmpeg says', () => {
    expect(withoutPaths('file:/srv/data/a b.mp4: Invalid data found when processing input', ['/srv/data/a b.mp4'])).toBe(
      'the file: Invalid data found when processing input',
    );
    expect(withoutPaths('[mov,mp4 @ 0x55d0c0ffee] cannot open /var/lib/custodiet/x/y.ass.', [])).toBe('cannot open the file');
    expect(withoutPaths('av_interleaved_write_frame(): Input/output error', [])).toBe(
      'av_interleaved_write_frame(): Input/output error',
    );
  });
});
