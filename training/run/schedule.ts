/** What the schedule needs to know of a stage. */
interface Timed {
  readonly iterations: number;
}

/** The softmax temperature of a stage that is `progress` (0..1) through. */
export const temperatureAt = (
  { temperature: [from, to] }: { readonly temperature: readonly [number, number] },
  progress: number,
): number => from * (to / from) ** progress;

/** Outer steps of all stages together. */
export const totalIterations = ({ stages }: { readonly stages: readonly Timed[] }): number =>
  stages.reduce((n, { iterations }) => n + iterations, 0);

/** The stage of an iteration (0-based), the iteration's position in it and how far it is, 0..1. */
export function stageAt<S extends Timed>(
  { stages }: { readonly stages: readonly S[] },
  iteration: number,
): { stage: S; position: number; progress: number; first: boolean; last: boolean } {
  let start = 0;
  for (const stage of stages) {
    const position = iteration - start;
    if (position < stage.iterations)
      return {
        stage,
        position,
        progress: position / stage.iterations,
        first: position === 0,
        last: position === stage.iterations - 1,
      };
    start += stage.iterations;
  }
  throw new RangeError(`iteration ${iteration} is after the last stage`);
}
