import { readChain } from '../chain-entries.rules.js';
import type { ReportSources } from '../custody-report.rules.js';
import { opened, ORIGIN, RECORDING, shortStory, INVESTIGATOR, uuid, VIDEO_SHA256, type SampleChain } from './sample-chain.js';

/** What a report of the short story is made from. */
export function sampleSources(chain: SampleChain = shortStory()): ReportSources {
  return {
    agency: 'Springfield Police Department',
    timeZone: 'America/Chicago',
    madeAt: new Date('2026-11-20T12:00:00.000Z'),
    recording: {
      id: RECORDING,
      name: 'AXON_0001.mp4',
      size: 12_403_112,
      sha256: Buffer.from(VIDEO_SHA256, 'hex'),
      camera: 'X81234567',
      officerBadge: '4711',
      recordedAt: new Date('2026-11-20T07:00:12.345Z'),
      clockOffsetMs: -1200,
      state: 'sealed',
      reason: null,
      parentId: null,
      origin: 'dock',
      probe: {
        container: 'mov,mp4',
        durationMs: 30_040,
        video: { codec: 'h264', width: 1280, height: 720, frameRate: '30000/1001', rotation: 0, pixelFormat: 'yuv420p' },
        audio: { codec: 'aac', channels: 2, sampleRate: 48_000 },
        tags: {},
        tool: 'ffprobe 5.1.9',
      },
      receivedAt: new Date('2026-11-20T09:02:12.345Z'),
    },
    dock: { id: uuid('dock'), name: 'Precinct 3, bay 2' },
    derived: [
      {
        id: uuid('copy'),
        name: 'AXON_0001-redacted.mp4',
        size: 11_000_000,
        sha256: Buffer.from('ef'.repeat(32), 'hex'),
        state: 'sealed',
        sealedAt: new Date('2026-11-20T09:42:12.345Z'),
      },
    ],
    chain: readChain(RECORDING, ORIGIN, chain.stored),
    logKey: chain.logKey.vkey,
    checkpoint: chain.checkpoint(),
  };
}

/** The short story, and then viewings until there are `entries` entries. */
export function longStory(entries: number): SampleChain {
  const chain = shortStory();
  for (let i = chain.stored.length; i < entries; i += 1) {
    const at = new Date(Date.UTC(2026, 10, 21, 9, i)).toISOString();
    chain.append(
      i % 9 === 0 ? { type: 'access.refused', action: 'viewing.watch', reason: 'grant-expired' } : opened(`viewing ${i}`),
      INVESTIGATOR,
      at,
    );
  }
  return chain;
}
