import { readFile } from 'node:fs/promises';
import type { RecordingAnswer, UploadAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import { startStack, type Stack } from '../support/stack.js';
import { clip, PLANTED } from '../media/clip-matrix.js';
import { entryOn } from './custody-chain.js';
import { enrol, type Enrolled } from './enrolled-people.js';
import { handInWhole } from './handing-in.js';

describe('what is in a file', () => {
  let stack: Stack;
  let auditor: HttpClient;
  let officer: Enrolled;

  beforeAll(async () => {
    stack = await startStack();
    auditor = await stack.signIn('auditor');
    officer = await enrol(await stack.signIn('administrator'), ['officer'], 'T-1');
  }, 180_000);
  afterAll(async () => stack?.stop(), 60_000);

  async function handedIn(name: string, bytes: Buffer): Promise<UploadAnswer & { readonly recording: string }> {
    return handInWhole(officer.http, name, bytes);
  }

  async function read(id: string): Promise<RecordingAnswer> {
    return (await auditor.get<RecordingAnswer>(`/api/recordings/${id}`)).expect(200).body;
  }

  it('is shown with every track of it, but in no list', async () => {
    const { recording, state } = await handedIn('dashcam.mkv', await readFile(await clip('mkv-two-audio-codecs')));
    expect(state).toBe('sealed');
    const { media } = await read(recording);
    expect(media).toMatchObject({
      container: 'matroska,webm',
      video: { codec: 'h264', width: 320, height: 180 },
      audio: { codec: 'pcm_s16le', index: 1 },
      technical: {
        decodable: true,
        counts: { video: 1, audio: 2 },
        tracks: [
          { kind: 'video', codec: 'h264', video: { pixelFormat: 'yuv420p', bitDepth: 8, fieldOrder: 'progressive' } },
          { kind: 'audio', codec: 'pcm_s16le', audio: { channels: 1, sampleRate: 48000, bitsPerSample: 16 } },
          { kind: 'audio', codec: 'aac' },
        ],
      },
    });
    const { recordings } = (await auditor.get<{ recordings: RecordingAnswer[] }>('/api/recordings')).expect(200).body;
    const listed = recordings.find(({ id }) => id === recording)?.media;
    expect(listed).toMatchObject({ container: 'matroska,webm' });
    expect(listed).not.toHaveProperty('technical');
  }, 60_000);

  it('is said without a place, a name or a title that it holds', async () => {
    const { recording } = await handedIn('phone.mp4', await readFile(await clip('mp4-chapters-location')));
    const answer = (await auditor.get<RecordingAnswer>(`/api/recordings/${recording}`)).expect(200);
    expect(answer.body.media?.technical).toMatchObject({ location: true, chapters: 2, counts: { data: 1 } });
    for (const word of Object.values(PLANTED)) expect(answer.text).not.toContain(word);
  }, 60_000);

  it('is sealed where its picture cannot be decoded, and says why, and why there is nothing to play', async () => {
    const bytes = (await readFile(await clip('mp4-h264-aac'))).toString('latin1').replaceAll('avc1', 'zzzz');
    const { recording, state } = await handedIn('strange.mp4', Buffer.from(bytes, 'latin1'));
    expect(state).toBe('sealed');
    const problem = 'The picture is in a format that is not known here (zzzz), so it cannot be decoded.';
    const { playback, media } = await eventually('the playback copy is given up', async () => {
      const found = await read(recording);
      return found.playback?.state === 'failed' ? found : undefined;
    });
    expect(playback).toEqual({ state: 'failed', reason: problem });
    expect(media).toMatchObject({
      problem,
      video: { codec: 'zzzz' },
      technical: { decodable: false, tracks: [{ problem }, {}] },
    });
    expect(await entryOn(auditor, recording, 'rendition.failed')).toMatchObject({ event: { problem } });
  }, 60_000);

  it('is kept in quarantine where it claims to be more than any recording', async () => {
    const bytes = (await readFile(await clip('avi-mpeg4-mp3'))).toString('latin1').replaceAll('FMP4', 'XYZW');
    const file = Buffer.from(bytes, 'latin1');
    file.writeInt32LE(1_000_000, file.indexOf('strf') + 12);
    expect(await handedIn('wide.avi', file)).toMatchObject({
      state: 'quarantined',
      reason: 'The file says that its picture is 1000000 × 180 pixels; at most 16384 are allowed on a side.',
    });
  }, 60_000);
});
