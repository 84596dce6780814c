import { Injectable } from '@nestjs/common';

/** The one source of the present, so that rules take a Date and tests can choose it. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}
