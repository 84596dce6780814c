import type { FactoryProvider } from '@nestjs/common';
import { CONFIG, type Config } from '#platform';
import { PartIntake } from './part-intake.js';

const MIB = 2 ** 20;
/** Each has at most the 64 to 128 KiB that Node reads ahead: forty docks with six parts each may wait. */
const MOST_WAITING = 256;
const WAIT_MS = 15_000;
const IDLE_MS = 30_000;
/** A part of 8 MiB in under ten minutes: slower than any link over which a shift's footage could be sent before the next one. */
const LEAST_BYTES_PER_SECOND = 16 * 1024;

export const partIntake: FactoryProvider<PartIntake> = {
  provide: PartIntake,
  inject: [CONFIG],
  useFactory: ({ INTAKE_MIB, PART_SIZE_MIB }: Config) =>
    new PartIntake({
      room: INTAKE_MIB * MIB,
      slot: PART_SIZE_MIB * MIB,
      queue: MOST_WAITING,
      waitMs: WAIT_MS,
      idleMs: IDLE_MS,
      leastSpeed: LEAST_BYTES_PER_SECOND,
    }),
};
