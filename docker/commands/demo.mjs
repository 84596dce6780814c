import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runInSight } from '../processes.mjs';
import { liveRun } from '../running-service.mjs';
import { startService } from '../start-service.mjs';
import { nodeOf } from '../throw-away-run.mjs';

/** Plays the demonstration against the running service; one that it had to start is stopped afterwards. @returns {Promise<number>} exit code */
export async function demo(context, args) {
  const { top, dataFolder, user, progress } = context;
  const running = liveRun(dataFolder);
  const service = running?.url ? undefined : await startService(context);
  const { url, environment } = running?.url ? running : (service.other ?? service);
  if (!url) {
    progress.say('Custodiet is being started in another terminal. Try again when it is ready.');
    return 1;
  }
  try {
    const env = { ...user, ...environment, CUSTODIET_URL: url, DEMO_ACCOUNTS_FILE: join(dataFolder, 'demo-accounts.json') };
    const program = join(top, 'dist', 'test', 'demo', 'main.js');
    return await runInSight(nodeOf(top), [program, ...args.map(whereTyped)], { env, cwd: top });
  } finally {
    await service?.stop?.();
  }
}

/** npm runs scripts at the top: a video's path is meant from where the person typed it. */
function whereTyped(arg) {
  const path = resolve(process.env.INIT_CWD ?? process.cwd(), arg);
  return !arg.startsWith('-') && existsSync(path) ? path : arg;
}
