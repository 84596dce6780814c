import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ConfigurationFaulty, createPino, loadConfig, PinoLogger, ProblemFilter } from '#platform';
import { WorkerModule } from './worker.module.js';

try {
  const config = loadConfig('worker');
  const pino = createPino(config, 'worker');
  const app = await NestFactory.create(WorkerModule.with(config), new FastifyAdapter(), {
    logger: new PinoLogger(pino),
    abortOnError: false,
  });
  app.useGlobalFilters(new ProblemFilter());
  app.enableShutdownHooks();
  await app.listen(config.WORKER_PORT, config.HOST);
  new Logger('Worker').log(`health at ${await app.getUrl()}/health/ready`);
} catch (error) {
  process.stderr.write(
    error instanceof ConfigurationFaulty ? `${error.message}\n` : `${(error as Error).stack ?? String(error)}\n`,
  );
  process.exit(1);
}
