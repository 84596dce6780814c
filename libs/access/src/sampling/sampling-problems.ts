import { Problem } from '#platform';
import { LARGEST_POPULATION } from './sampling.rules.js';

export class NothingToDraw extends Problem {
  constructor() {
    super(
      422,
      'nothing-to-draw',
      'Nothing to draw from',
      'No sealed original matches the filter. Widen its times, category or officers.',
    );
  }
}

export class DrawTooLarge extends Problem {
  constructor(population: number, draw: number) {
    super(
      422,
      'draw-too-large',
      'More than there are',
      `${draw} are to be drawn, but only ${population} sealed originals match the filter. Draw fewer, or widen it.`,
      { population, draw },
    );
  }
}

export class PopulationTooLarge extends Problem {
  constructor() {
    super(
      422,
      'population-too-large',
      'Too many to draw from',
      `More than ${LARGEST_POPULATION} sealed originals match the filter. Narrow its times.`,
      { most: LARGEST_POPULATION },
    );
  }
}
