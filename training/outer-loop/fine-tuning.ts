import type { Checkpoint } from '../../model/checkpoint/checkpoint.ts';
import type { TrainingConfiguration } from './configuration.ts';
import { isClassified, isUnfinished } from './initial-state.ts';

/** How a run begins with a checkpoint. */
export type Beginning = 'classified' | 'unfinished' | 'fine-tuned';

/**
 * `classified`: behind the stage `classify`, with all stages. `unfinished`: where a checkpoint of this very run stopped.
 * `fine-tuned`: from the weights of any other checkpoint.
 */
export function beginningOf(configuration: TrainingConfiguration, checkpoint: Checkpoint): Beginning {
  if (isClassified(checkpoint)) return 'classified';
  return isUnfinished(configuration, checkpoint) ? 'unfinished' : 'fine-tuned';
}

/**
 * The run that fine-tunes a checkpoint: the last stage alone, for the checkpoint has its architectures already, and with the
 * checkpoint's weights, whatever the stage says.
 * @param iterations of the stage; its own by default
 */
export function fineTuning(configuration: TrainingConfiguration, iterations?: number): TrainingConfiguration {
  const last = configuration.stages.at(-1)!;
  const stage = { ...last, reinitialize: false, iterations: iterations ?? last.iterations };
  const tuned = { ...configuration, stages: [stage] };
  // fine-tuned networks have learned no class before; those that are chosen among have, and look better on these classes
  if (stage.stage !== 'choose') delete tuned.classify;
  return tuned;
}
