import { once } from 'node:events';
import fc from 'fast-check';
import { SoundFlow } from './waveform.js';

async function heard(channels: 1 | 2, samples: Int16Array, cuts: readonly number[]): Promise<SoundFlow> {
  const flow = new SoundFlow(channels);
  const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  for (let i = 1; i < places.length; i++) flow.write(bytes.subarray(places[i - 1], places[i]));
  flow.end();
  await once(flow, 'finish');
  return flow;
}

describe('the waveform', () => {
  it('is the same however the sound comes in pieces', async () => {
    const samples = Int16Array.from({ length: 12_000 }, (_, i) => ((i * 7919) % 65_536) - 32_768);
    const whole = (await heard(2, samples, [])).waveform();
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(24_000), { maxLength: 20 }), async (cuts) => {
        expect((await heard(2, samples, cuts)).waveform()).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('takes the loudest of both channels in each tenth of a second, and keeps a last short one', async () => {
    const samples = new Int16Array(2 * 4800 * 2 + 10);
    samples[1] = -32_768;
    samples[2 * 4800 + 6] = 16_384;
    samples[2 * 4800 * 2 + 3] = 129;
    const flow = await heard(2, samples, []);
    expect(flow.waveform()).toEqual({ version: 1, peaksPerSecond: 10, peaks: [255, 128, 1] });
    expect(flow.seconds).toBeCloseTo(0.2001, 4);
    expect((await heard(1, new Int16Array(9600), [])).waveform().peaks).toEqual([0, 0]);
  });
});
