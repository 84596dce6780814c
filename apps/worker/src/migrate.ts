import 'reflect-metadata';
import { ConfigurationFaulty, loadConfig, migrate } from '#platform';

try {
  const ran = await migrate(loadConfig('migrate'));
  process.stdout.write(ran.length === 0 ? 'The database is up to date.\n' : `Migrated: ${ran.join(', ')}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof ConfigurationFaulty ? error.message : ((error as Error).stack ?? String(error))}\n`);
  process.exit(1);
}
