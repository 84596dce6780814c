import type { Probe } from './ffprobe-report.js';
import { blockSize, redactedSize, redactionArguments } from './redaction-arguments.js';
import type { RedactionPlan, RedactionRegion } from './redaction-plan.js';

const probe: Probe = {
  container: 'mov',
  durationMs: 600_000,
  video: { codec: 'h264', width: 641, height: 359, frameRate: '30/1', rotation: 0, pixelFormat: 'yuv420p' },
  audio: { codec: 'aac', channels: 6, sampleRate: 8000 },
  tags: {},
  tool: '',
};
const plan: RedactionPlan = {
  v: 1,
  regions: [],
  mutes: Array.from({ length: 100 }, (_, index) => ({ fromMs: index * 1000, toMs: index * 1000 + 500, reason: 'name' })),
};
const files = { mask: 'mask.ass', out: 'out.mp4' };
const graphsOf = (of: Probe, what: RedactionPlan): { picture: string; sound: string } => {
  const { options } = redactionArguments(of, what, files);
  return { picture: options[1] ?? '', sound: options[2] === '-filter_complex' ? (options[3] ?? '') : '' };
};
const covering = (...styles: NonNullable<RedactionRegion['style']>[]): RedactionPlan => ({
  v: 1,
  mutes: [],
  regions: styles.map((style) => ({
    shape: 'rectangle',
    style,
    reason: 'bystander',
    keyframes: [0, 1000].map((atMs) => ({ atMs, x: 0, y: 0, width: 50, height: 50 })),
  })),
});

describe('redactionArguments', () => {
  it('lets nothing of the container through', () => {
    const options = redactionArguments(probe, plan, files).options.join(' ');
    for (const guard of [
      '-sn',
      '-dn',
      '-map_metadata -1',
      '-map_metadata:s:v -1',
      '-map_chapters -1',
      '-write_tmcd 0',
      '-a53cc 0',
      '-udu_sei 0',
    ]) {
      expect(options).toContain(guard);
    }
    expect(options).toContain('filter_units=remove_types=6');
    expect(options).not.toContain('copy');
  });

  it('never puts more spans into one expression than ffmpeg can parse', () => {
    const filters = graphsOf(probe, plan).sound.match(/volume=0:enable='[^']*'/g) ?? [];
    expect(filters.map((filter) => filter.match(/between/g)?.length)).toEqual([40, 40, 20]);
  });

  it('mutes a little more than asked, but not before the start', () => {
    expect(graphsOf(probe, plan).sound).toContain('between(t,0.000,0.550)+between(t,0.950,1.550)');
  });

  it('draws no mask for a plan that only mutes, and maps no sound for a recording without', () => {
    expect(graphsOf(probe, plan).picture).not.toContain('ass=');
    expect(redactionArguments({ ...probe, audio: null }, { ...plan, mutes: [] }, files).options).not.toContain('[sound]');
  });

  it('makes odd sizes even by adding, never by cutting', () => {
    expect(redactedSize(probe)).toEqual({ width: 642, height: 360 });
  });

  it('touches no frame that is upright and even and of limited range already, and every other', () => {
    const start = (video: Partial<Probe['video']>): string | undefined =>
      /^\[0:V:0\](.*?),split/.exec(
        graphsOf({ ...probe, video: { ...probe.video, width: 640, height: 360, ...video } }, covering('solid')).picture,
      )?.[1];
    expect(start({})).toBe('scale=640:360,format=yuv420p');
    expect(start({ codec: 'hevc' })).toBe('scale=640:360,format=yuv420p');
    expect(start({ width: 641, height: 359 })).toBe('scale=641:359,format=yuv420p,pad=642:360');
    // A decoder of these may give full range in the same pixel format.
    for (const codec of ['mjpeg', 'vp9', 'av1']) expect(start({ codec })).toBe('scale=640:360:out_range=tv,format=yuv420p');
    expect(start({ pixelFormat: 'yuvj420p' })).toBe('scale=640:360:out_range=tv,format=yuv420p');
  });

  it('makes the solid fill of one picture, and what shows something of the source of every one', () => {
    expect(graphsOf(probe, covering('solid')).picture).toContain('[solid]trim=end_frame=1,lutyuv=y=16:u=128:v=128[solidfill]');
    expect(graphsOf(probe, covering('mosaic', 'blur')).picture).not.toContain('trim=');
  });

  it('draws one mask for a hundred regions and lays solid fills over everything else', () => {
    const masks = (what: RedactionPlan): (string | undefined)[] =>
      [...graphsOf(probe, what).picture.matchAll(/ass=([\w.-]+)/g)].map((found) => found[1]);
    expect(masks(covering(...Array.from({ length: 100 }, () => 'solid' as const)))).toEqual(['mask.ass']);
    expect(masks(covering('solid', 'blur', 'mosaic'))).toEqual(['mosaic-mask.ass', 'blur-mask.ass', 'mask.ass']);
  });

  it('makes mosaics of whole macroblocks, at least an eighteenth of the shorter side', () => {
    expect(
      [
        [320, 180],
        [640, 360],
        [1280, 720],
        [1080, 1920],
        [3840, 2160],
      ].map(([width, height]) => blockSize({ width: width as number, height: height as number })),
    ).toEqual([16, 32, 48, 64, 128]);
  });

  it('cuts a clip before anything is drawn and counts from its start after everything', () => {
    const { picture, sound } = graphsOf(probe, { ...covering('solid'), mutes: plan.mutes, clip: { fromMs: 500, toMs: 2000 } });
    expect(picture).toMatch(
      /^\[0:V:0\]settb=1\/90000,trim=start_pts=45000:end_pts=180000,scale.*,settb=1\/90000,setpts=PTS-45000\[picture\]$/,
    );
    expect(sound).toMatch(/atrim=start_pts=24000:end_pts=96000,asetnsamples.*,asetpts=PTS-24000\[sound\]$/);
  });

  it('adds a tone only where it is asked for, and to what is silent already', () => {
    const tone = { fromMs: 1000, toMs: 2000, reason: 'name', fill: 'tone' } as const;
    const { sound } = graphsOf(probe, { ...plan, mutes: [{ fromMs: 5000, toMs: 6000, reason: 'name' }, tone] });
    const [speech, beep] = sound.split(';');
    expect(speech).toContain("volume=0:enable='between(t,4.950,6.050)+between(t,0.950,2.050)',asplit=2[speech][timed]");
    expect(beep).toContain("volume=0:enable='between(t,0.000,0.949)+between(t,2.051,");
    // ffmpeg 7 never ends where a graph holds a source that never does.
    expect(beep).toMatch(/^\[timed\]aeval=/);
  });

  it('says how long a picture is shown where ffmpeg 7 no longer knows it, behind a clip', () => {
    const lengthAt = (frameRate: string): string | undefined =>
      /DURATION\\,([1-9]\d*)\)/.exec(
        redactionArguments({ ...probe, video: { ...probe.video, frameRate } }, plan, files).options.join(' '),
      )?.[1];
    expect(['30/1', '30000/1001', '25/1', '0/0', '1000000/1'].map(lengthAt)).toEqual(['3000', '3003', '3600', '3000', '3000']);
  });
});
