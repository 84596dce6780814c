import { join } from 'node:path';
import { shellForThrowAway } from '../environment.mjs';
import { runInSight } from '../processes.mjs';
import { nodeOf, runnerOf, withThrowAwayServices } from '../throw-away-run.mjs';

/** Runs benchmark suites with throw-away services; standard output is theirs. @returns {Promise<number>} exit code */
export async function bench(context, suites) {
  let code = 1;
  await withThrowAwayServices(context, 'bench', {}, async (environment, dataFolder) => {
    const program = join(context.top, 'dist', 'test', 'bench', 'main.js');
    const env = { ...shellForThrowAway(), ...environment };
    code = await runInSight(nodeOf(context.top), [program, ...suites], { env, cwd: context.top, record: runnerOf(dataFolder) });
    return { failed: code !== 0 };
  });
  return code;
}
