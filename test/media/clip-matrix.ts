import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withCaptions } from './captions.js';
import {
  run,
  FFMPEG,
  LOCATION,
  RATE,
  H264,
  HEVC,
  MPEG4,
  MJPEG,
  AAC,
  MP3,
  PCM,
  BITEXACT,
  SUBTITLES,
  CHAPTERS,
  ODD,
  picture,
  sound,
  encode,
  source,
  remux,
  entry,
  ffmpeg,
  PLANTED,
  type MatrixClip,
} from './clip-making.js';
import { turned, withDataTrack } from './mp4-boxes.js';

export { PLANTED };

/**
 * What cameras and citizens bring: container × codec × oddity. Each at most 2 s of 320×180 at 15 frames a second, made by ffmpeg from a
 * description, so that no footage lies in the repository.
 */
export const CLIPS: readonly MatrixClip[] = [
  // Containers and codecs.
  entry('mp4-h264-aac', 'mp4', encode('mp4', [...H264, ...AAC])),
  entry('mp4-h264-silent', 'mp4', encode('mp4', H264, picture()), { audio: [] }),
  entry('mp4-h264-b-frames', 'mp4', encode('mp4', [...H264, '-bf', '3', ...AAC])),
  entry('mp4-hevc-aac', 'mp4', encode('mp4', [...HEVC, '-tag:v', 'hvc1', '-pix_fmt', 'yuv420p', ...AAC]), { codec: 'hevc' }),
  entry('mp4-mpeg4-mp3', 'mp4', encode('mp4', [...MPEG4, ...MP3]), { codec: 'mpeg4', audio: ['mp3'] }),
  entry('mov-h264-pcm', 'mov', encode('mov', [...H264, ...PCM]), { audio: ['pcm_s16le'] }),
  entry('mov-mjpeg-pcm', 'mov', encode('mov', [...MJPEG, ...PCM]), {
    codec: 'mjpeg',
    pixelFormat: 'yuvj420p',
    audio: ['pcm_s16le'],
  }),
  entry('mkv-h264-mp3', 'mkv', encode('mkv', [...H264, ...MP3]), { audio: ['mp3'] }),
  entry('mkv-hevc-pcm', 'mkv', encode('mkv', [...HEVC, '-pix_fmt', 'yuv420p', ...PCM]), { codec: 'hevc', audio: ['pcm_s16le'] }),
  entry('avi-mpeg4-mp3', 'avi', encode('avi', [...MPEG4, ...MP3]), { codec: 'mpeg4', audio: ['mp3'] }),
  entry('avi-mjpeg-pcm', 'avi', encode('avi', [...MJPEG, ...PCM]), {
    codec: 'mjpeg',
    pixelFormat: 'yuvj420p',
    audio: ['pcm_s16le'],
  }),
  entry('avi-h264-silent', 'avi', encode('avi', H264, picture()), { audio: [] }),
  entry('ts-h264-aac', 'ts', encode('ts', [...H264, ...AAC])),
  entry('ts-hevc-mp3', 'ts', encode('ts', [...HEVC, '-pix_fmt', 'yuv420p', ...MP3]), { codec: 'hevc', audio: ['mp3'] }),
  entry('ts-mpeg4-mp3', 'ts', encode('ts', [...MPEG4, ...MP3]), { codec: 'mpeg4', audio: ['mp3'] }),

  // Pictures out of the ordinary.
  entry(
    'mp4-rotated-90',
    'mp4',
    [source('upright.mp4'), async (at, out) => writeFile(out, turned(await readFile(at('upright.mp4')), 90))],
    { rotation: 90, width: 180, height: 320 },
  ),
  entry(
    'mov-rotated-180',
    'mov',
    [source('upright.mov', [...H264, ...PCM]), async (at, out) => writeFile(out, turned(await readFile(at('upright.mov')), 180))],
    { rotation: 180, audio: ['pcm_s16le'] },
  ),
  entry('mp4-odd-size-mpeg4', 'mp4', encode('mp4', [...MPEG4, ...AAC], [...picture(ODD), ...sound()]), {
    codec: 'mpeg4',
    width: 321,
    height: 181,
  }),
  entry('avi-odd-size-mjpeg', 'avi', encode('avi', [...MJPEG, ...PCM], [...picture(ODD), ...sound()]), {
    codec: 'mjpeg',
    pixelFormat: 'yuvj420p',
    width: 321,
    height: 181,
    audio: ['pcm_s16le'],
  }),
  entry('mp4-hevc-10-bit', 'mp4', encode('mp4', [...HEVC, '-pix_fmt', 'yuv420p10le', ...AAC]), {
    codec: 'hevc',
    pixelFormat: 'yuv420p10le',
    bitDepth: 10,
  }),
  entry('mkv-h264-10-bit-422', 'mkv', encode('mkv', [...H264, '-pix_fmt', 'yuv422p10le', ...AAC]), {
    pixelFormat: 'yuv422p10le',
    bitDepth: 10,
  }),
  entry('mov-h264-422', 'mov', encode('mov', [...H264, '-pix_fmt', 'yuv422p', ...AAC]), { pixelFormat: 'yuv422p' }),
  entry('mkv-h264-444-odd-size', 'mkv', encode('mkv', [...H264, '-pix_fmt', 'yuv444p', ...AAC], [...picture(ODD), ...sound()]), {
    pixelFormat: 'yuv444p',
    width: 321,
    height: 181,
  }),
  entry('mp4-full-range', 'mp4', encode('mp4', [...H264, '-pix_fmt', 'yuvj420p', ...AAC]), { pixelFormat: 'yuvj420p' }),
  entry(
    'ts-interlaced',
    'ts',
    encode('ts', [...H264, '-vf', 'setfield=tff', '-flags', '+ildct+ilme', '-x264opts', 'tff=1', ...AAC]),
    {
      interlaced: true,
    },
  ),
  entry('ts-size-changes', 'ts', [
    source('first.ts', [...H264, ...AAC], [...picture({ seconds: 1 }), ...sound(1, 1)]),
    source(
      'then.ts',
      [...H264, ...AAC, '-output_ts_offset', '1'],
      [...picture({ seconds: 1, size: '480x270' }), ...sound(2, 0.8)],
    ),
    async (at, out) => writeFile(out, Buffer.concat([await readFile(at('first.ts')), await readFile(at('then.ts'))])),
  ]),
  entry('mp4-anamorphic', 'mp4', encode('mp4', [...H264, '-vf', 'setsar=4/3', ...AAC])),

  // Time out of the ordinary.
  entry(
    'mp4-variable-rate',
    'mp4',
    encode(
      'mp4',
      ['-fps_mode', 'passthrough', '-enc_time_base', '1/90000', ...H264, ...AAC],
      [...picture({ filter: `select='gt(mod(n*7,11),3)'` }), ...sound()],
    ),
    { variableRate: true, frames: 19 },
  ),
  entry(
    'mkv-variable-rate',
    'mkv',
    encode(
      'mkv',
      ['-fps_mode', 'passthrough', '-enc_time_base', '1/90000', ...H264, ...MP3],
      [...picture({ filter: `select='gt(mod(n*7,11),3)'` }), ...sound()],
    ),
    { variableRate: true, frames: 19, audio: ['mp3'] },
  ),
  entry(
    'mp4-hidden-lead',
    'mp4',
    [
      source('long.mp4', [...H264, ...AAC], [...picture({ seconds: 3 }), ...sound(1, 3)]),
      remux('mp4', (at) => ['-ss', '1', '-i', at('long.mp4')]),
    ],
    { hiddenFrames: 5 },
  ),
  entry(
    'mov-hidden-lead-b-frames',
    'mov',
    [
      source('long.mov', [...H264, '-bf', '2', ...AAC], [...picture({ seconds: 3 }), ...sound(1, 3)]),
      remux('mov', (at) => ['-ss', '1', '-i', at('long.mov')]),
    ],
    { hiddenFrames: 5 },
  ),
  entry(
    'mp4-late-video',
    'mp4',
    [
      source('plain.mp4'),
      remux('mp4', (at) => ['-itsoffset', '0.5', '-i', at('plain.mp4'), '-i', at('plain.mp4'), '-map', '0:v', '-map', '1:a']),
    ],
    { durationMs: 2500 },
  ),
  entry(
    'mp4-late-audio',
    'mp4',
    [
      source('plain.mp4'),
      remux('mp4', (at) => ['-i', at('plain.mp4'), '-itsoffset', '0.7', '-i', at('plain.mp4'), '-map', '0:v', '-map', '1:a']),
    ],
    { durationMs: 2700 },
  ),
  entry(
    'mkv-late-audio',
    'mkv',
    [
      source('plain.mkv', [...H264, ...PCM]),
      remux('mkv', (at) => ['-i', at('plain.mkv'), '-itsoffset', '0.7', '-i', at('plain.mkv'), '-map', '0:v', '-map', '1:a']),
    ],
    { durationMs: 2700, audio: ['pcm_s16le'] },
  ),
  entry(
    'mp4-negative-offsets',
    'mp4',
    encode('mp4', [...H264, '-bf', '2', ...AAC, '-movflags', '+negative_cts_offsets', '-avoid_negative_ts', 'disabled']),
  ),
  entry('mp4-fragmented', 'mp4', encode('mp4', [...H264, ...AAC, '-movflags', '+frag_keyframe+empty_moov'])),
  // The 33-bit clock of a transport stream (ISO/IEC 13818-1 §2.4.2.1) begins anew in the middle of the clip.
  entry('ts-clock-wraps', 'ts', encode('ts', [...H264, ...AAC, '-output_ts_offset', '95441.3'])),

  // More than a picture and a sound.
  entry(
    'mp4-three-audio',
    'mp4',
    encode(
      'mp4',
      [
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-map',
        '2:a',
        '-map',
        '3:a',
        ...H264,
        ...AAC,
        '-metadata:s:a:1',
        'language=spa',
        '-metadata:s:a:2',
        `handler_name=${PLANTED.officer}`,
      ],
      [...picture(), ...sound(1), ...sound(2), ...sound(3)],
    ),
    { audio: ['aac', 'aac', 'aac'] },
  ),
  entry(
    'mkv-two-audio-codecs',
    'mkv',
    encode(
      'mkv',
      [
        '-map',
        '0:v',
        '-map',
        '1:a',
        '-map',
        '2:a',
        ...H264,
        '-c:a:0',
        'pcm_s16le',
        '-c:a:1',
        'aac',
        '-metadata:s:a:1',
        `title=${PLANTED.officer}`,
      ],
      [...picture(), ...sound(1), ...sound(2)],
    ),
    {
      audio: ['pcm_s16le', 'aac'],
    },
  ),
  entry(
    'mkv-subtitles-attachment',
    'mkv',
    [
      SUBTITLES,
      source('plain.mkv'),
      remux('mkv', (at) => [
        '-i',
        at('plain.mkv'),
        '-i',
        at('text.srt'),
        '-map',
        '0',
        '-map',
        '1',
        '-attach',
        at('text.srt'),
        '-metadata:s:t',
        'mimetype=text/plain',
      ]),
    ],
    { subtitles: 1, attachments: 1 },
  ),
  entry(
    'mp4-subtitles',
    'mp4',
    [
      SUBTITLES,
      source('plain.mp4'),
      (at, out) =>
        ffmpeg(
          '-i',
          at('plain.mp4'),
          '-i',
          at('text.srt'),
          '-map',
          '0',
          '-map',
          '1',
          '-c',
          'copy',
          '-c:s',
          'mov_text',
          ...BITEXACT,
          '-f',
          'mp4',
          out,
        ),
    ],
    { subtitles: 1 },
  ),
  entry('mov-timecode', 'mov', encode('mov', [...H264, ...PCM, '-timecode', '09:26:53:00']), {
    data: 1,
    timecode: true,
    audio: ['pcm_s16le'],
  }),
  entry(
    'mp4-gps-track',
    'mp4',
    [
      source('plain.mp4'),
      async (at, out) => writeFile(out, withDataTrack(await readFile(at('plain.mp4')), `${LOCATION} ${PLANTED.officer}`)),
    ],
    { data: 1, location: true },
  ),
  entry(
    'mp4-chapters-location',
    'mp4',
    [
      CHAPTERS,
      source('plain.mp4'),
      remux('mp4', (at) => [
        ...['-i', at('plain.mp4'), '-i', at('chapters.txt'), '-map', '0', '-map_chapters', '1'],
        ...['-metadata', `location=${LOCATION}`, '-metadata', 'creation_time=2026-03-14T09:26:53Z'],
      ]),
    ],
    // Chapters of an MP4 are a track of text too.
    { chapters: 2, data: 1, location: true },
  ),
  entry(
    'mp4-cover-art',
    'mp4',
    [
      source('plain.mp4'),
      (at) => ffmpeg(...picture({ size: '64x64' }), '-frames:v', '1', ...BITEXACT, at('cover.jpg')),
      remux('mp4', (at) => [
        '-i',
        at('plain.mp4'),
        '-i',
        at('cover.jpg'),
        '-map',
        '0',
        '-map',
        '1',
        '-disposition:v:1',
        'attached_pic',
      ]),
    ],
    { covers: 1 },
  ),
  entry(
    'ts-captions',
    'ts',
    [
      (at) => ffmpeg(...picture(), '-g', '10', ...H264, ...BITEXACT, '-f', 'h264', at('plain.h264')),
      async (at) => writeFile(at('captions.h264'), withCaptions(await readFile(at('plain.h264')), PLANTED.officer)),
      remux('ts', (at) => ['-framerate', String(RATE), '-i', at('captions.h264')]),
    ],
    { captions: true, audio: [] },
  ),
];

let folder: Promise<string> | undefined;

/** Clips are made once for this description and this ffmpeg, and found again by every test file. */
async function cache(): Promise<string> {
  const sources = ['clip-matrix', 'clip-making', 'captions', 'mp4-boxes'].map((name) =>
    readFile(new URL(`./${name}${fileURLToPath(import.meta.url).endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url)),
  );
  const { stdout } = await run(FFMPEG, ['-version']);
  const key = createHash('sha256');
  for (const part of [...(await Promise.all(sources)), stdout]) key.update(part);
  const path = join(tmpdir(), `custodiet-clips-${userInfo().uid}-${key.digest('hex').slice(0, 16)}`);
  await mkdir(path, { recursive: true, mode: 0o700 });
  return path;
}

/**
 * A clip of the matrix as a file that nobody may change: others read it too.
 *
 * @returns its path, which ends in the extension that goes with the container
 * @throws Error for a name that is not in the matrix, or with ffmpeg's own words
 */
export async function clip(name: string): Promise<string> {
  const found = CLIPS.find((one) => one.name === name);
  if (found === undefined) throw new Error(`The matrix has no clip called ${name}.`);
  const path = join(await (folder ??= cache()), found.fileName);
  if ((await stat(path).catch(() => undefined)) !== undefined) return path;
  // Two test files may make it at the same time; whichever is last wins, with the same bytes.
  const unfinished = `${path}.${process.pid}`;
  await found.make(unfinished);
  await rename(unfinished, path);
  return path;
}
