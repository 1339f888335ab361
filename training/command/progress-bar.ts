import { SingleBar } from 'cli-progress';
import type { IterationMetrics } from '../outer-loop/iteration-metrics.ts';
import type { TrainerEvents } from '../outer-loop/trainer.ts';

/** Mean over the last `size` values. */
function movingMean(size: number): (value: number) => number {
  const window: number[] = [];
  return (value) => {
    window.push(value);
    if (window.length > size) window.shift();
    return window.reduce((total, x) => total + x, 0) / window.length;
  };
}

/** A bar of a run of image training from `first` to `total` with the moving means of what the trainer reports. */
export function progressBar(
  first: number,
  total: number,
): { readonly bar: SingleBar; readonly events: TrainerEvents } {
  const bar = new SingleBar({
    format:
      '{bar} {value}/{total} {stage} | loss {loss} accuracy {accuracy} | {pace} s/it | ETA {eta_formatted} | val {validation}',
    noTTYOutput: true,
    notTTYSchedule: 30_000,
    etaBuffer: 50,
  });
  const means = { loss: movingMean(50), accuracy: movingMean(50), pace: movingMean(50) };
  const events: TrainerEvents = {
    started: (engine) => {
      console.log(`engine: ${engine}`);
      bar.start(total, first, { stage: '', loss: '-', accuracy: '-', pace: '-', validation: '-' });
    },
    iteration: ({ iteration, stage, loss, accuracy, seconds }: IterationMetrics) =>
      bar.update(iteration, {
        stage,
        loss: means.loss(loss).toFixed(3),
        accuracy: means.accuracy(accuracy).toFixed(3),
        pace: means.pace(seconds).toFixed(2),
      }),
    validation: (_, accuracies) =>
      bar.update({
        validation: Object.entries(accuracies)
          .map(([name, value]) => `${name} ${(100 * value).toFixed(0)}`)
          .join(' '),
      }),
  };
  return { bar, events };
}
