export { Clock } from './clock.js';
export { CONFIG, ConfigSchema, ConfigurationFaulty, loadConfig, readSigningKey, type Config } from './config.js';
export { migrate } from './database/migrate.js';
export { isDatabaseOutage } from './database/database-outage.js';
export { Notifications } from './database/notifications.js';
export { isUniqueViolation, UnitOfWork, type Tx } from './database/unit-of-work.js';
export {
  Hopeless,
  JOB_GATE,
  JOB_HANDLERS,
  JOB_NAMES,
  JOBS,
  type JobContext,
  type JobGate,
  type JobHandler,
  type JobHandlers,
  type JobName,
} from './jobs/job-catalogue.js';
export { JobHost } from './jobs/job-host.js';
export { Outbox } from './jobs/outbox.js';
export { createPino, PinoLogger } from './logging.js';
export { PlatformModule } from './platform.module.js';
export { InvalidRequest, NotFound, Outage, Problem, Unavailable, type FieldError } from './problem.js';
export { ProblemFilter, type ProblemReply } from './problem.filter.js';
