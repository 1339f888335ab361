import { SingleBar } from 'cli-progress';
import type { TrainingConfiguration } from '../outer-loop/configuration.ts';
import type { TrainerEvents } from '../outer-loop/trainer.ts';
import { totalIterations } from '../run/schedule.ts';
import { duration } from '../run/duration.ts';
import { RemainingTime } from './remaining-time.ts';

/** Mean over the last `size` values. */
function movingMean(size: number): (value: number) => number {
  const window: number[] = [];
  return (value) => {
    window.push(value);
    if (window.length > size) window.shift();
    return window.reduce((total, x) => total + x, 0) / window.length;
  };
}

const format =
  '{bar} {value}/{total} {state} | loss {loss} accuracy {accuracy} | {pace} s/it | ETA {left} | val {validation}';

/**
 * A bar of a run of image training from iteration `first` on, with the moving means of what the trainer reports. While graphs
 * are compiled, which the first iterations of a stage wait for, it says so instead of telling a time.
 */
export function progressBar(
  first: number,
  configuration: TrainingConfiguration,
): { readonly bar: SingleBar; readonly events: TrainerEvents } {
  const total = totalIterations(configuration);
  const bar = new SingleBar({ format, noTTYOutput: true, notTTYSchedule: 30_000 });
  const means = { loss: movingMean(50), accuracy: movingMean(50) };
  const remaining = new RemainingTime(first, { total, validateEvery: configuration.validation.every });
  let validating = performance.now();
  const timed = (stage: string) => ({
    state: remaining.compiling ? `${stage}, compiling` : stage,
    pace: remaining.compiling ? '-' : remaining.pace.toFixed(2),
    left: remaining.seconds === undefined ? 'not known yet' : duration(remaining.seconds),
  });
  const events: TrainerEvents = {
    started: (engine) => {
      console.log(`engine: ${engine}`);
      const figures = { loss: '-', accuracy: '-', validation: '-' };
      bar.start(total, first, { ...timed('starting'), ...figures });
    },
    iteration: ({ iteration, stage, loss, accuracy, seconds }, { compiled }) => {
      remaining.iteration(iteration, stage, seconds, compiled);
      bar.update(iteration, {
        ...timed(stage),
        loss: means.loss(loss).toFixed(3),
        accuracy: means.accuracy(accuracy).toFixed(3),
      });
      validating = performance.now();
    },
    validation: (_, accuracies) => {
      remaining.validation((performance.now() - validating) / 1000);
      bar.update({
        validation: Object.entries(accuracies)
          .map(([name, value]) => `${name} ${(100 * value).toFixed(0)}`)
          .join(' '),
      });
    },
    fitting: () => bar.update({ state: 'fitting the probabilities', left: '-' }),
  };
  return { bar, events };
}

/** A bar of the stage before, in which the cells learn to tell all classes apart. */
export function teachingBar(total: number): {
  readonly bar: SingleBar;
  readonly progress: (told: { readonly iteration: number; readonly loss: number }) => void;
} {
  const bar = new SingleBar({
    format: '{bar} {value}/{total} teaching the cells{state} | loss {loss} | ETA {left}',
    noTTYOutput: true,
    notTTYSchedule: 30_000,
  });
  const mean = movingMean(50);
  let begun: { readonly at: number; readonly iteration: number } | undefined;
  const progress = ({ iteration, loss }: { readonly iteration: number; readonly loss: number }): void => {
    const now = performance.now();
    const seconds = begun && ((now - begun.at) / 1000 / (iteration - begun.iteration)) * (total - iteration);
    begun ??= { at: now, iteration };
    const left = seconds === undefined ? 'not known yet' : duration(seconds);
    bar.update(iteration, { state: '', loss: mean(loss).toFixed(3), left });
  };
  bar.start(total, 0, { state: ', compiling', loss: '-', left: 'not known yet' });
  return { bar, progress };
}
