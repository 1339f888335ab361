import type { Schema } from '../../contract/schema.ts';
import { evaluationOf } from '../../model/accuracy/judgements.ts';
import type { Judgement } from '../../model/accuracy/judgements.ts';
import type { ImagesRecord } from '../storage/record.ts';

type KeptEstimate = NonNullable<ImagesRecord['estimate']>;

/**
 * What is kept of an estimate in closed form: the images that were left out, by true and given label. Absent
 * where there were none, as with one image a class.
 */
export function keptEstimate(
  labels: readonly string[],
  leftOut: readonly Judgement[] = [],
): KeptEstimate | undefined {
  if (leftOut.length === 0) return undefined;
  return { folds: 1, confusion: evaluationOf(labels, leftOut).confusion };
}

/** The estimate that a task was made with, as the API gives it; absent where it was made with none. */
export function estimateOf({ classes, estimate }: ImagesRecord): Schema<'TaskEstimate'> | undefined {
  if (!estimate) return undefined;
  const judgements = estimate.confusion.flatMap((row, truth) =>
    row.flatMap((count, given) => Array.from({ length: count }, () => ({ truth, given }))),
  );
  const labels = classes.map(({ label }) => label);
  return { folds: estimate.folds, evaluation: evaluationOf(labels, judgements) };
}
