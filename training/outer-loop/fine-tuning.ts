import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
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

/** What a checkpoint's file tells of how its cells were taught. */
const taughtSchema = z.object({
  configuration: z.object({
    classify: z.unknown(),
    domains: z.array(z.object({ source: z.object({ name: z.string() }), classified: z.unknown() })),
  }),
});

/**
 * The run that fine-tunes a checkpoint: the last stage alone, for the checkpoint has its architectures already, and with the
 * checkpoint's weights, whatever the stage says. Its tasks are of all training classes, unless the checkpoint's cells were taught
 * by this very stage `classify`, whose classes are left out again.
 * @param iterations of the stage; its own by default
 */
export function fineTuning(
  configuration: TrainingConfiguration,
  { training }: Pick<Checkpoint, 'training'>,
  iterations?: number,
): TrainingConfiguration {
  const last = configuration.stages.at(-1)!;
  const stage = { ...last, reinitialize: false, iterations: iterations ?? last.iterations };
  const tuned = { ...configuration, stages: [stage] };
  // networks that are only chosen among look better on the classes that a stage before has taught them
  if (stage.stage !== 'choose' && !isTaughtBy(configuration, training)) delete tuned.classify;
  return tuned;
}

/** Whether what is told of a checkpoint's training has the stage `classify` of a configuration, on domains of the same names. */
function isTaughtBy({ classify, domains }: TrainingConfiguration, training: Checkpoint['training']): boolean {
  const told = taughtSchema.safeParse(training).data?.configuration;
  if (!classify || !told) return false;
  const namesOf = (
    all: readonly { readonly source: { readonly name: string }; readonly classified: unknown }[],
  ) => all.map(({ source, classified }) => [source.name, classified]);
  return (
    isDeepStrictEqual(told.classify, classify) && isDeepStrictEqual(namesOf(told.domains), namesOf(domains))
  );
}
