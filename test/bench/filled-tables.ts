import { Client } from 'pg';

/** Rows as a service has them that has sealed so many recordings: each of two parts, with its two jobs done. Their bytes are nowhere. */
export async function fillTables(adminUrl: string, recordings: number): Promise<void> {
  const client = new Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query('CREATE TEMP TABLE made AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, $1) AS n', [
      recordings,
    ]);
    await client.query(`
      INSERT INTO recordings (id, name, size, sha256, camera, counter, officer_badge, recorded_at, clock_offset_ms, state, bucket, key,
                              upload_id, version_id, part_size, announced_at, received_at, sealed_at, sealed_entry, fixity_due_at)
      SELECT id, 'clip-' || n || '.mp4', 12345678, sha256(id::text::bytea), 'CAM-' || n % 400, n / 400, 'B-' || n % 300,
             now() - n * interval '20 seconds', 0, 'sealed', 'custodiet-evidence', 'originals/' || id, 'upload', 'version', 8388608,
             now() - n * interval '10 seconds', now(), now(), id, now() + n % 180 * interval '1 day'
      FROM made`);
    await client.query(`
      INSERT INTO upload_parts (recording_id, part, sha256, size, etag)
      SELECT id, part, sha256(id::text::bytea), 8388608, md5(id::text) FROM made, generate_series(1, 2) AS part`);
    await client.query(`
      INSERT INTO outbox (id, job, ref, done_at) SELECT gen_random_uuid(), job, made.id, now() FROM made, unnest(ARRAY['seal', 'transcode']) AS job`);
    await client.query('ANALYZE recordings, upload_parts, outbox');
  } finally {
    await client.end();
  }
}
