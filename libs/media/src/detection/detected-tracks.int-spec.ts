import { probe } from '../probe.js';
import { boxAt, checkPlan, type RedactionRegion } from '../redaction-plan.js';
import { ClipFolder } from '../testing/clip-folder.js';
import { DRAWN, faceAt, synthesiseDrawnFace } from '../testing/drawn-face.js';
import { detectTracks } from './detected-tracks.js';
import { overlap } from './detections.rules.js';
import { CascadeDetector, missingCascade, NoDetector, type Detection, type Detector } from './detector.js';
import type { Track } from './tracking.js';
import { Vision } from './vision.js';

// Of Debian's opencv-data, which docker/services/debian-packages.mjs installs.
const CASCADES = '/usr/share/opencv4/haarcascades';

describe('looking for faces and plates', () => {
  const folder = new ClipFolder();
  let clip: string;
  beforeAll(async () => {
    clip = folder.at('face.mp4');
    await synthesiseDrawnFace(folder.tools.ffmpeg, clip, 3);
  }, 60_000);
  afterAll(() => folder.remove());

  const look = async (detectorOf: (vision: Vision) => Promise<Detector>, untilMs = 2800): Promise<readonly Track[]> => {
    const vision = new Vision();
    try {
      const input = { span: { file: clip, startsAtMs: 0 }, probe: await probe(folder.tools, clip), fromMs: 0, untilMs };
      return (await detectTracks(folder.tools, vision, await detectorOf(vision), input)).tracks;
    } finally {
      await vision.close();
    }
  };
  const regionOf = (track: Track): RedactionRegion => ({ shape: 'rectangle', keyframes: track.keyframes, reason: 'bystander' });

  it('finds a drawn face that moves and a plate that stands still, in tracks that cover them all along', async () => {
    const tracks = await look((vision) => CascadeDetector.load(vision, CASCADES, ['face', 'plate']));
    const covers = (
      what: Track['what'],
      at: (atMs: number) => { x: number; y: number; width: number; height: number },
    ): boolean =>
      tracks.some(
        (track) =>
          track.what === what &&
          [0, 500, 1000, 1500, 2000, 2500].every((atMs) => {
            const box = boxAt(regionOf(track), atMs);
            // The cascade's own box of a plate is half as large again, and it is padded.
            return box !== null && overlap(box, at(atMs)) > 0.25;
          }),
      );
    expect(covers('face', faceAt)).toBe(true);
    expect(covers('plate', () => DRAWN.plate)).toBe(true);
    const plan = { v: 1, regions: tracks.map(regionOf), mutes: [] } as const;
    expect(checkPlan(plan, await probe(folder.tools, clip))).toEqual([]);
  }, 60_000);

  it('follows what is found once, joins what is found again, and begins another track for what is elsewhere', async () => {
    let looks = 0;
    const scripted: Detector = {
      model: 'scripted',
      version: '1',
      threshold: 'none',
      detect: (): Promise<readonly Detection[]> => {
        const atMs = looks++ * 500;
        const face = { what: 'face', box: faceAt(atMs) } as const;
        const still = { what: 'face', box: { x: 420, y: 20, width: 60, height: 60 } } as const;
        return Promise.resolve(atMs === 500 ? [face, still] : atMs === 1500 ? [face] : []);
      },
    };
    const tracks = await look(() => Promise.resolve(scripted));
    expect(tracks).toHaveLength(2);
    const moving = tracks.find(({ keyframes }) => (keyframes[0]?.x ?? 0) < 300);
    // From one look before it was found first.
    expect(moving?.keyframes[0]?.atMs).toBe(0);
    const box = moving === undefined ? null : boxAt(regionOf(moving), 1000);
    expect(box === null ? 0 : overlap(box, faceAt(1000))).toBeGreaterThan(0.5);
  }, 60_000);

  it('says which file is missing when the cascades are not installed', async () => {
    const vision = new Vision();
    try {
      await expect(CascadeDetector.load(vision, folder.path, ['face'])).rejects.toBeInstanceOf(NoDetector);
    } finally {
      await vision.close();
    }
    expect(await missingCascade(folder.path, ['plate'])).toBe('haarcascade_russian_plate_number.xml');
    expect(await missingCascade(CASCADES, ['face', 'plate'])).toBeUndefined();
  }, 30_000);

  it('refuses a cascade that is none', async () => {
    const vision = new Vision();
    try {
      await expect(vision.load('broken.xml', Buffer.from('<no cascade'))).rejects.toMatchObject({ code: 'failed' });
    } finally {
      await vision.close();
    }
  }, 30_000);
});
