import { Problem } from '#platform';

/** Evidence leaves the house only when its custody entry can be trusted to stay. The reason is for the operator: it stands in health and in the log of the worker. */
export class ReleaseRefused extends Problem {
  constructor() {
    super(
      503,
      'log-frozen',
      'The custody log is frozen',
      'Nothing was released: the custody log no longer extends what was signed. An operator has to look into it and lift the freeze.',
    );
  }
}
