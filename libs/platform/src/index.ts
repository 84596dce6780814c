export { Clock } from './clock.js';
export { CONFIG, ConfigSchema, ConfigurationFaulty, loadConfig, readSigningKey, type Config } from './config.js';
export { migrate } from './database/migrate.js';
export { isDatabaseOutage } from './database/database-outage.js';
export { Notifications } from './database/notifications.js';
export { isUniqueViolation, UnitOfWork, type Tx } from './database/unit-of-work.js';
export {
  Hopeless,
  JobCancelled,
  JOB_GATE,
  JOB_HANDLERS,
  JOB_NAMES,
  JOBS,
  type JobContext,
  type JobGate,
  type JobHandler,
  type JobHandlers,
  type JobName,
  WorkerDied,
} from './jobs/job-catalogue.js';
export { JobBoard, type JobFilter, type JobRecord } from './jobs/job-board.js';
export { JobHost } from './jobs/job-host.js';
export { JOB_STATES, type JobState } from './jobs/job-state.rules.js';
export { Outbox, type JobSubject } from './jobs/outbox.js';
export { createPino, PinoLogger } from './logging.js';
export { PlatformModule } from './platform.module.js';
export { InvalidRequest, NotFound, Outage, Problem, Unavailable, type FieldError } from './problem.js';
export { ProblemFilter, type ProblemReply } from './problem.filter.js';
