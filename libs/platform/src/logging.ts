import type { LoggerService } from '@nestjs/common';
import { pino, type Logger as Pino } from 'pino';
import type { Config } from './config.js';

/** Structured logs on standard output. Bodies, cookies and authorisation never enter them (DESIGN.md §6 rule 9). */
export function createPino(config: Pick<Config, 'LOG_LEVEL'>, name: string): Pino {
  return pino({
    name,
    level: config.LOG_LEVEL,
    redact: ['req.headers.authorization', 'req.headers.cookie', 'err.config', 'err.parameters', 'err.query', 'err.driverError'],
  });
}

/** Nest's logger spoken through pino. */
export class PinoLogger implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write('info', message, rest);
  }
  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace', message: unknown, rest: unknown[]): void {
    const context = rest.at(-1);
    const text = rest.slice(0, -1).find((part) => typeof part === 'string');
    const fields = typeof message === 'object' && message !== null ? message : {};
    this.pino[level](
      { ...fields, ...(typeof context === 'string' ? { context } : {}) },
      typeof message === 'string' ? message : (text ?? ''),
    );
  }
}
