import { lieOfName } from './container-extension.rules.js';

const MOV = 'mov,mp4,m4a,3gp,3g2,mj2';
const MATROSKA = 'matroska,webm';

describe("a file's name", () => {
  it.each([
    ['clip.mp4', MOV],
    ['clip.MOV', MOV],
    ['clip.m4v', MOV],
    ['clip.mkv', MATROSKA],
    ['clip.webm', MATROSKA],
    ['clip.avi', 'avi'],
    ['clip.ts', 'mpegts'],
    ['clip.mpg', 'mpegts'],
    ['clip.mpg', 'mpeg'],
    ['clip.wmv', 'asf'],
    // Says nothing that anybody knows.
    ['clip', 'avi'],
    ['clip.axv', MOV],
    ['clip.', 'avi'],
    ['.mp4', MOV],
    ['BWC 7.2026-03-14', MOV],
    ['evidence.constructor', MOV],
  ])('%s agrees with %s', (name, container) => {
    expect(lieOfName(name, container)).toBeUndefined();
  });

  it.each([
    ['clip.mp4', 'avi', "The file's name ends in .mp4, which stands for MP4 or QuickTime video, but it holds AVI video."],
    ['clip.avi', MOV, "The file's name ends in .avi, which stands for AVI video, but it holds MP4 or QuickTime video."],
    [
      'clip.mp4.mkv',
      MOV,
      "The file's name ends in .mkv, which stands for Matroska or WebM video, but it holds MP4 or QuickTime video.",
    ],
    ['clip.MP4 ', 'mpegts', "The file's name ends in .mp4, which stands for MP4 or QuickTime video, but it holds MPEG video."],
    ['photo.jpg', MOV, "The file's name ends in .jpg, which stands for no video, but it holds MP4 or QuickTime video."],
    ['song.m4a', MOV, "The file's name ends in .m4a, which stands for no video, but it holds MP4 or QuickTime video."],
    [
      'clip.mp4',
      'flv',
      "The file's name ends in .mp4, which stands for MP4 or QuickTime video, but it holds a video of the kind flv.",
    ],
  ])('%s lies about %s', (name, container, sentence) => {
    expect(lieOfName(name, container)).toBe(sentence);
  });
});
