import { JOB_NAMES } from './job-catalogue.js';
import { priorityOf } from './job-priority.rules.js';

describe('priority', () => {
  it('puts flagged incidents before what a person waits for, that before the rest, and the background after all', () => {
    const order = [
      priorityOf('transcode', { flagged: true }),
      priorityOf('redact', { flagged: false, awaited: true }),
      priorityOf('transcode', { flagged: false }),
      priorityOf('fixity', { flagged: true, awaited: true }),
      priorityOf('fixity', { flagged: false, awaited: true }),
      priorityOf('fixity', { flagged: false }),
    ];
    expect(order).toEqual([...order].sort((a, b) => a - b));
    expect(new Set(order).size).toBe(order.length);
  });

  it('is one that BullMQ takes, for every job', () => {
    for (const job of JOB_NAMES)
      for (const flagged of [true, false])
        for (const awaited of [true, false]) {
          const priority = priorityOf(job, { flagged, awaited });
          expect(Number.isInteger(priority) && priority >= 1 && priority <= 2_097_152).toBe(true);
        }
  });
});
