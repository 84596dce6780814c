import { Redis } from 'ioredis';
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
