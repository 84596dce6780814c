import { exitCode, limitReached, withoutPaths } from './tool-failure.js';

describe('withoutPaths', () => {
  it('takes the server’s folders out of what ffmpeg says', () => {
    expect(
      withoutPaths('file:/srv/data/a b.mp4: Invalid data found when processing input', ['/srv/data', '/srv/data/a b.mp4']),
    ).toBe('the file: Invalid data found when processing input');
    expect(withoutPaths('[mov,mp4 @ 0x55d0c0ffee] cannot open /var/lib/custodiet/x/y.ass.', [])).toBe('cannot open the file');
    expect(withoutPaths('av_interleaved_write_frame(): Input/output error', [])).toBe(
      'av_interleaved_write_frame(): Input/output error',
    );
  });
});

describe('limitReached', () => {
  const tools = { ffmpeg: 'ffmpeg', ffprobe: 'ffprobe', scratch: '/tmp', memoryBytes: 2 ** 31, fileBytes: 2 ** 30 };

  it.each([
    [137, [], 'failed', 'killed by the system'],
    [1, ['[libx264 @ 0x1] malloc of size 8294400 failed'], 'over-limit', 'more memory than the 2048 MiB allowed'],
    [
      127,
      ['error while loading shared libraries: libx.so: failed to map segment from shared object'],
      'over-limit',
      'more memory',
    ],
    [153, [], 'over-limit', 'larger than the 1024 MiB allowed'],
    [1, ['av_interleaved_write_frame(): File too large'], 'over-limit', 'larger than'],
    [127, [], 'failed', 'not installed'],
    [1, ['bwrap: execvp /nonexistent/ffmpeg: No such file or directory'], 'failed', 'not installed'],
    [1, ['bwrap: Creating new namespace failed: Resource temporarily unavailable'], 'failed', 'sandbox'],
  ])('takes exit code %d with %j for %s', (code, errors, as, sentence) => {
    expect(limitReached(tools, 'ffmpeg', { code, errors })).toMatchObject({
      code: as,
      message: expect.stringContaining(sentence) as string,
    });
  });

  it('leaves what is the matter with the file to others', () => {
    expect(limitReached(tools, 'ffmpeg', { code: 1, errors: ['moov atom not found'] })).toBeUndefined();
    expect(limitReached(tools, 'ffmpeg', { code: 139, errors: [] })).toBeUndefined();
  });
});

describe('exitCode', () => {
  it('counts signals as shells do', () => {
    expect([exitCode(3, null), exitCode(null, 'SIGKILL'), exitCode(null, null)]).toEqual([3, 137, 128]);
  });
});
