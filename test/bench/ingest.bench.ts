import { randomUUID } from 'node:crypto';
import { clipBytes } from '../e2e/clip-bytes.js';
import { startStack, type Stack } from '../support/stack.js';
import { BenchDock } from './bench-dock.js';
import type { Bench } from './figure.js';
import { fillTables } from './filled-tables.js';
import { PlainUpload } from './plain-upload.js';
import { cpuSeconds, peakMegabytes } from './process-usage.js';
import { SampleFiles } from './sample-file.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;
const PART = 8 * MIB;
/** Product and reference by turns, so that whatever else the machine does meanwhile meets both. */
const TURNS = 2;
const FILES_OF_A_DOCK = 5;
const BURST_FILE = 64 * MIB;

/**
 * One large file, and forty docks with five files each, from announced to sealed, through the running product. The reference is the same bytes
 * by the AWS SDK straight into the same bucket, four parts in parallel. Then the large file again, beside a million recordings.
 */
export async function ingestBench({ recordings, docks, fileBytes, report, say }: Bench): Promise<void> {
  const clip = await clipBytes({ seconds: 1 });
  const stack = await startStack({ PART_SIZE_MIB: String(PART / MIB) });
  const plain = new PlainUpload(stack.env);
  try {
    const single = new SampleFiles(clip, fileBytes);
    say(`one file of ${fileBytes / MIB} MiB, ${TURNS} times by turns with the reference`);
    const alone = await oneFile(stack, plain, single);
    report({ name: 'ingest.transfer', value: alone.speed, unit: 'MiB/s', reference: alone.plainSpeed });
    report({ name: 'ingest.sealed', value: alone.sealedSeconds, unit: 's', reference: alone.plainSeconds });
    report({ name: 'ingest.api-cpu-per-gib', value: alone.apiCpu, unit: 's' });
    report({ name: 'ingest.worker-cpu-per-gib', value: alone.workerCpu, unit: 's' });
    say(`${docks} docks × ${FILES_OF_A_DOCK} files × ${BURST_FILE / MIB} MiB`);
    const burst = await manyDocks(stack, plain, new SampleFiles(clip, BURST_FILE), docks);
    report({ name: 'ingest.burst', value: burst.speed, unit: 'MiB/s', reference: burst.plainSpeed });
    report({ name: 'ingest.api-memory', value: peakMegabytes(stack.api.pid), unit: 'MB' });
    report({ name: 'ingest.worker-memory', value: peakMegabytes(stack.worker.pid), unit: 'MB' });
    if (recordings === 0) return;
    say(`the one file again, beside ${recordings} recordings`);
    await fillTables(stack.database.adminUrl, recordings);
    const among = await oneFile(stack, plain, single);
    report({ name: 'ingest.transfer-among-many', value: among.speed, unit: 'MiB/s', reference: alone.speed });
    report({ name: 'ingest.sealed-among-many', value: among.sealedSeconds, unit: 's', reference: alone.sealedSeconds });
  } finally {
    plain.close();
    await stack.stop();
  }
}

interface OneFile {
  readonly speed: number;
  readonly plainSpeed: number;
  readonly sealedSeconds: number;
  readonly plainSeconds: number;
  /** Seconds of processor time a GiB. */
  readonly apiCpu: number;
  readonly workerCpu: number;
}

async function oneFile(stack: Stack, plain: PlainUpload, files: SampleFiles): Promise<OneFile> {
  const dock = await BenchDock.enrol(await stack.signIn('administrator'));
  const seconds = { plain: 0, sent: 0, sealed: 0, api: 0 };
  const worker = cpuSeconds(stack.worker.pid);
  for (let turn = 0; turn < TURNS; turn++) {
    const reference = files.next();
    seconds.plain += await secondsOf(() => plain.store(`bench/${randomUUID()}`, reference, PART));
    const file = files.next();
    const [remote] = await dock.announce([file]);
    if (remote === undefined) throw new Error('The answer to the manifest lists no file.');
    const before = cpuSeconds(stack.api.pid);
    const sent = await secondsOf(() => dock.send(file, remote));
    seconds.api += cpuSeconds(stack.api.pid) - before;
    seconds.sent += sent;
    seconds.sealed += sent + (await secondsOf(() => dock.sealed(remote.recording)));
  }
  const gibibytes = (TURNS * files.size) / GIB;
  return {
    speed: (gibibytes * 1024) / seconds.sent,
    plainSpeed: (gibibytes * 1024) / seconds.plain,
    sealedSeconds: seconds.sealed / TURNS,
    plainSeconds: seconds.plain / TURNS,
    apiCpu: seconds.api / gibibytes,
    workerCpu: (cpuSeconds(stack.worker.pid) - worker) / gibibytes,
  };
}

/** MiB/s from the first announcement until the last recording is sealed, and those of the reference until the last byte is stored. */
async function manyDocks(
  stack: Stack,
  plain: PlainUpload,
  files: SampleFiles,
  count: number,
): Promise<{ speed: number; plainSpeed: number }> {
  const administrator = await stack.signIn('administrator');
  const docks = await Promise.all(Array.from({ length: count }, () => BenchDock.enrol(administrator)));
  const mebibytes = (count * FILES_OF_A_DOCK * files.size) / MIB;
  const plainSeconds = await secondsOf(async () => {
    for (let n = 0; n < count * FILES_OF_A_DOCK; n++) await plain.store(`bench/${randomUUID()}`, files.next(), PART);
  });
  const seconds = await secondsOf(async () => {
    const all = docks.map(async (dock) => {
      const own = Array.from({ length: FILES_OF_A_DOCK }, () => files.next());
      const remotes = await dock.announce(own);
      const sealed: Promise<void>[] = [];
      for (const [i, file] of own.entries()) {
        const remote = remotes[i];
        if (remote === undefined) throw new Error('The answer to the manifest lists too few files.');
        await dock.send(file, remote);
        sealed.push(dock.sealed(remote.recording));
      }
      await Promise.all(sealed);
    });
    await Promise.all(all);
  });
  return { speed: mebibytes / seconds, plainSpeed: mebibytes / plainSeconds };
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1000;
}
