import { Redis } from 'ioredis';
import type { JobAnswer } from '../support/answers.js';
import { eventually } from '../support/eventually.js';
import type { HttpClient } from '../support/http.js';
import type { Stack } from '../support/stack.js';

/** Makes Redis forget every job of this stack, and nothing of anybody else's. @returns how many keys there were */
export async function forgetJobs({ env, database }: Stack): Promise<number> {
  const redis = new Redis(env['REDIS_URL'] ?? '');
  try {
    let forgotten = 0;
    for await (const keys of redis.scanStream({ match: `custodiet:${database.name}:*`, count: 500 }) as AsyncIterable<string[]>)
      if (keys.length > 0) forgotten += await redis.del(...keys);
    return forgotten;
  } finally {
    redis.disconnect();
  }
}

/** The newest job of that kind about the recording, once `matches` holds for it. @throws NeverHappened */
export async function jobAbout(
  reader: HttpClient,
  recording: string,
  kind: JobAnswer['job'],
  matches: (job: JobAnswer) => boolean = () => true,
): Promise<JobAnswer> {
  return eventually(
    `a job ${kind} about ${recording} as it should be`,
    async () => {
      const { jobs } = (await reader.get<{ jobs: JobAnswer[] }>(`/api/jobs?recording=${recording}&job=${kind}&limit=1`)).expect(
        200,
      ).body;
      return jobs.find(matches);
    },
    { withinMs: 60_000 },
  );
}
