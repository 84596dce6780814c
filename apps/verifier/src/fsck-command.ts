import { DatabaseUnreadable, fsck, openSnapshot, StoredObjects, StoreUnreadable, type FsckReport, type Snapshot } from '#fsck';
import { parseVerifier, TlogError, type NoteVerifier, type WitnessPolicy } from '#tlog';
import { fsckConfig, type FsckConfig } from './fsck-config.js';
import { fsckJson, fsckText } from './fsck-text.js';
import { progressBar } from './progress-bar.js';
import { readLogKey, readPolicy, Unusable } from './trust-options.js';

const HELP = `custodiet-verify fsck: derives a whole log again from the rows of its database, and holds the object store against it.

  custodiet-verify fsck [--database URL] [--s3-endpoint URL [--s3-region REGION] [--log-bucket BUCKET] [--originals none|head|hash]]
                        [--log-key VKEY|FILE]... [--policy FILE] [--heads N|all] [--json]

--database     PostgreSQL, in one snapshot; a role that may only SELECT is enough. DATABASE_URL unless given: what is given
               here, the password too, everybody on this machine can see.
--s3-endpoint  the object store, S3_ENDPOINT unless given; --s3-region: S3_REGION. Its key comes from S3_ACCESS_KEY_ID and
               S3_SECRET_ACCESS_KEY. Without an endpoint neither the mirror nor the originals are checked.
--log-bucket   where the log is mirrored, S3_LOG_BUCKET unless given, or custodiet-log
--originals    head (unless given): that each sealed original is there, as large as it was, newest, and locked; hash: reads it
               whole, too; none: looks at none
--log-key      the log's public key, or a file that holds it, got from somewhere else than the database; once for each key that
               ever signed. Without it, and without a policy that names logs, the keys in the database are used, which shows
               little: whoever may write there may have put their own key there.
--policy       a file (c2sp.org/tlog-policy) that says whose cosignatures a checkpoint needs: one at least must have them
--heads        how many of the newest maps of heads are made again, 24 unless given
--json         one JSON object on standard output

Exit status: 0 consistent, 1 findings (first what is known of the first entry that differs), 2 unreadable or wrong usage.
`;

/** @returns the exit status. @throws Unusable */
export async function fsckCommand(args: readonly string[]): Promise<number> {
  const config = fsckConfig(args);
  if (config.help) return print(HELP, 0);
  const given = await Promise.all(config.logKeys.map(readLogKey));
  const policy = config.policy === undefined ? undefined : await readPolicy(config.policy);
  try {
    const snapshot = await openSnapshot(config.database);
    try {
      return await check(config, snapshot, [...given, ...(policy?.logKeys ?? [])], policy);
    } finally {
      await snapshot.close();
    }
  } catch (error) {
    if (error instanceof DatabaseUnreadable || error instanceof StoreUnreadable) throw new Unusable(error.message);
    throw error;
  }
}

async function check(
  config: FsckConfig,
  { client, sizeNow, storedKeys }: Snapshot,
  given: readonly NoteVerifier[],
  policy: WitnessPolicy | undefined,
): Promise<number> {
  const logKeysPinned = given.length > 0;
  const logKeys = logKeysPinned ? given : readStored(await storedKeys());
  const store = config.store && new StoredObjects(config.store);
  const bar = progressBar(process.stderr);
  let report: FsckReport;
  try {
    report = await fsck(client, {
      ...{ logKeys, heads: config.heads, sizeNow, progress: bar.show },
      ...(policy === undefined ? {} : { policy }),
      ...(store === undefined ? {} : { mirror: { store, bucket: config.logBucket } }),
      ...(store === undefined || config.originals === 'none' ? {} : { originals: { store, depth: config.originals } }),
    });
  } finally {
    bar.clear();
    store?.close();
  }
  const result = { report, policed: policy !== undefined, logKeys: logKeys.map(({ vkey }) => vkey), logKeysPinned };
  return print(config.json ? fsckJson(result) : fsckText(result), report.ok ? 0 : 1);
}

function readStored(vkeys: readonly string[]): NoteVerifier[] {
  try {
    return vkeys.map(parseVerifier);
  } catch (error) {
    if (error instanceof TlogError)
      throw new Unusable(`The keys in the database cannot be read: give --log-key. (${error.message})`);
    throw error;
  }
}

function print(text: string, status: number): number {
  process.stdout.write(text);
  return status;
}
