import 'reflect-metadata';
import { ConfigurationFaulty, loadConfig } from '#platform';
import { createApi, listen } from './http-server.js';

try {
  const config = loadConfig('api');
  await listen(await createApi(config), config);
} catch (error) {
  process.stderr.write(
    error instanceof ConfigurationFaulty ? `${error.message}\n` : `${(error as Error).stack ?? String(error)}\n`,
  );
  process.exit(1);
}
