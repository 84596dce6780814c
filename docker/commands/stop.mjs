import { endRun, liveRun, stopOrphans, wasUsed } from '../running-service.mjs';
import { isAlive, until } from '../processes.mjs';
import { Refusal } from '../failures.mjs';
import { stopServices } from '../services/provide-services.mjs';
import { Settings } from '../settings.mjs';
import { rmSync } from 'node:fs';

/** Stops what `start` (or `env`) started in this data folder, whether its up.mjs still runs or was killed. */
export async function stop({ top, dataFolder, logs, progress }, args) {
  const forget = args.includes('--delete');
  if (!wasUsed(dataFolder)) {
    progress.say('Nothing to stop: Custodiet was never started here.');
    return 0;
  }
  const run = liveRun(dataFolder);
  if (run) {
    process.kill(run.supervisor.pid, 'SIGTERM');
    await progress.step('Custodiet', async () => {
      if (await until(() => !isAlive(run.supervisor), 180)) return 'stopped; the data stays';
      throw new Refusal(`up.mjs (process ${run.supervisor.pid}) did not end within three minutes.`);
    });
    if (forget) rmSync(dataFolder, { recursive: true, force: true });
    return 0;
  }
  const orphans = await stopOrphans(dataFolder);
  if (orphans.length > 0) progress.say(`Stopped what a killed run had left: ${orphans.join(', ')}`);
  await stopServices({ top, dataFolder, logs, settings: new Settings(dataFolder), progress, forget });
  endRun(dataFolder);
  return 0;
}
