import type { StageConfiguration, TrainingConfiguration } from './configuration.ts';

/** Outer steps of all stages together. */
export const totalIterations = ({ stages }: TrainingConfiguration): number =>
  stages.reduce((n, { iterations }) => n + iterations, 0);

/** The stage of an iteration (0-based) and how far it is, 0..1. */
export function stageAt(
  { stages }: TrainingConfiguration,
  iteration: number,
): { stage: StageConfiguration; progress: number; first: boolean } {
  let start = 0;
  for (const stage of stages) {
    if (iteration < start + stage.iterations) {
      return { stage, progress: (iteration - start) / stage.iterations, first: iteration === start };
    }
    start += stage.iterations;
  }
  throw new RangeError(`iteration ${iteration} is after the last stage`);
}
